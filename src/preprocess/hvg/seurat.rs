//! The flavor `seurat`, after Satija et al., *Spatial reconstruction of single-cell gene expression data*, Nat Biotechnol 2015,
//! doi:10.1038/nbt.3192.

/// Number of equal-width bins that genes are grouped into by mean expression.
const N_BINS: usize = 20;

/// Scores of genes, from the means and variances of their normalised values; NaN for a gene that is constant.
pub(super) fn scores(moments: Vec<(f64, f64)>) -> Vec<f64> {
    let (means, dispersions): (Vec<f64>, Vec<f64>) = moments
        .into_iter()
        .map(|(mean, variance)| (mean.ln_1p(), logged(variance / mean)))
        .unzip();
    standardised(&dispersions, &bins(&means))
}

/// The logarithm of a dispersion, NaN where it is 0.
fn logged(dispersion: f64) -> f64 {
    if dispersion > 0.0 {
        dispersion.ln()
    } else {
        f64::NAN
    }
}

/// The bin of every mean: `N_BINS` intervals of equal width, closed on the right.
fn bins(means: &[f64]) -> Vec<usize> {
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (high - low) / N_BINS as f64;
    let edges: Vec<f64> = (1..N_BINS).map(|i| i as f64 * step + low).collect();
    means
        .iter()
        .map(|&mean| edges.partition_point(|&edge| edge < mean))
        .collect()
}

/// Dispersions standardised within their bins.
fn standardised(dispersions: &[f64], bins: &[usize]) -> Vec<f64> {
    let mut members = vec![Vec::new(); N_BINS];
    for (&bin, &dispersion) in bins.iter().zip(dispersions) {
        if !dispersion.is_nan() {
            members[bin].push(dispersion);
        }
    }
    let stats: Vec<(f64, f64)> = members.iter().map(|bin| center_and_spread(bin)).collect();
    dispersions
        .iter()
        .zip(bins)
        .map(|(dispersion, &bin)| (dispersion - stats[bin].0) / stats[bin].1)
        .collect()
}

/// Mean and standard deviation (ddof 1) of a bin. A gene alone in its bin scores 1.
fn center_and_spread(bin: &[f64]) -> (f64, f64) {
    let n = bin.len() as f64;
    let mean = bin.iter().sum::<f64>() / n;
    if bin.len() == 1 {
        return (0.0, mean);
    }
    let squares: f64 = bin.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values that are exact by hand")]
mod tests {
    use super::*;

    #[test]
    fn a_constant_gene_has_no_score() {
        assert!(scores(vec![(2.0, 0.0), (2.0, 1.0)])[0].is_nan());
    }

    #[test]
    fn bins_are_closed_on_the_right() {
        let means = [0.0, 1.0, 1.5, 2.0, 19.0, 19.5, 20.0];
        assert_eq!(bins(&means), [0, 0, 1, 1, 18, 19, 19]);
        assert_eq!(bins(&[3.0, 3.0]), [0, 0]);
    }

    #[test]
    fn scores_by_hand() {
        // Bin 0 holds 1, 3 and a NaN: mean 2, deviation √2. Bin 1 holds -5 alone. Bin 2 only a NaN.
        let scores = standardised(&[1.0, 3.0, f64::NAN, -5.0, f64::NAN], &[0, 0, 0, 1, 2]);
        assert!((scores[0] + 0.5_f64.sqrt()).abs() < 1e-15);
        assert!((scores[1] - 0.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!(scores[3], 1.0);
        assert!(scores[2].is_nan() && scores[4].is_nan());
    }
}
