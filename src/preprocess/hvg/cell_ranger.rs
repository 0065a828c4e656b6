//! The flavor `cell_ranger`, after Zheng et al., *Massively parallel digital transcriptional profiling of single cells*,
//! Nat Commun 2017, doi:10.1038/ncomms14049.

/// Percentiles of the means that bound the bins.
const PERCENTILES: [f64; 19] = [
    10., 15., 20., 25., 30., 35., 40., 45., 50., 55., 60., 65., 70., 75., 80., 85., 90., 95., 100.,
];

/// The third quartile of the standard normal distribution: the median absolute deviation over it estimates the standard
/// deviation.
const THIRD_QUARTILE: f64 = 0.674_489_750_196_081_7;

/// Scores of genes, from the means and variances of their log-normalised values: dispersions, less the median of their bin,
/// over its median absolute deviation. NaN where both are 0, as of a gene alone in its bin.
pub(super) fn scores(moments: Vec<(f64, f64)>) -> Vec<f64> {
    let (means, dispersions): (Vec<f64>, Vec<f64>) = moments
        .into_iter()
        .map(|(mean, variance)| (mean, variance / mean))
        .unzip();
    let bins = bins(&means);
    let mut members = vec![Vec::new(); PERCENTILES.len() + 1];
    for (&bin, &dispersion) in bins.iter().zip(&dispersions) {
        members[bin].push(dispersion);
    }
    let stats: Vec<(f64, f64)> = members.into_iter().map(median_and_deviation).collect();
    dispersions
        .iter()
        .zip(bins)
        .map(|(dispersion, bin)| (dispersion - stats[bin].0) / stats[bin].1)
        .collect()
}

/// The bin of every mean: intervals between percentiles, closed on the right.
fn bins(means: &[f64]) -> Vec<usize> {
    let mut sorted = means.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let edges = PERCENTILES.map(|percent| percentile(&sorted, percent));
    means
        .iter()
        .map(|&mean| edges.partition_point(|&edge| edge < mean))
        .collect()
}

/// A percentile of sorted values, interpolated as numpy does by default; NaN where there are none.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = last as f64 * (percent / 100.0);
    let (below, weight) = (place.floor() as usize, place.fract());
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    // numpy counts from the nearer end.
    if weight < 0.5 {
        low + (high - low) * weight
    } else {
        high - (high - low) * (1.0 - weight)
    }
}

/// The median of some values, and their median absolute deviation from it as an estimate of the standard deviation.
fn median_and_deviation(mut values: Vec<f64>) -> (f64, f64) {
    let center = median(&mut values);
    let mut deviations: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    (center, median(&mut deviations) / THIRD_QUARTILE)
}

/// The median, NaN of no values.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => f64::midpoint(values[(n - 1) / 2], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy.percentile([1, 2, 4, 8], [10, 50, 95, 100])
        let expected = [1.3, 3.0, 7.4, 8.0];
        for (percent, expected) in [10.0, 50.0, 95.0, 100.0].into_iter().zip(expected) {
            assert!((percentile(&[1.0, 2.0, 4.0, 8.0], percent) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn scores_by_hand() {
        // All means are equal, so that the genes are in one bin: dispersions 1, 2, 6, median 2, deviations 1, 0, 4.
        let scores = scores([1.0, 2.0, 6.0].map(|variance| (1.0, variance)).to_vec());
        let expected = [-THIRD_QUARTILE, 0.0, 4.0 * THIRD_QUARTILE];
        for (score, expected) in scores.into_iter().zip(expected) {
            assert!((score - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_gene_alone_in_its_bin_has_no_score() {
        let scores = scores([(1.0, 1.0), (9.0, 5.0)].to_vec());
        assert!(scores.iter().all(|score| score.is_nan()));
    }
}
