//! Highly variable genes by normalised dispersion.
//!
//! The `seurat` flavour of scanpy's `highly_variable_genes` with `n_top_genes`, after Satija et al.,
//! *Spatial reconstruction of single-cell gene expression data*, Nat Biotechnol 2015,
//! doi:10.1038/nbt.3192.

use super::survey::GeneMoments;

/// Number of equal-width bins that genes are grouped into by mean expression.
const N_BINS: usize = 20;

/// Mean that a gene without expression counts as.
const TINY_MEAN: f64 = 1e-12;

/// Columns of the `n_top` most variable genes, in ascending order.
///
/// `genes` are the moments of every column over `n_cells` cells, at least 2; columns detected in no
/// cell take no part. Genes that tie with the last one chosen are chosen too, genes without variance
/// never: the result may be longer or shorter than `n_top`, and is empty where nothing varies.
pub(super) fn select(genes: &[GeneMoments], n_cells: usize, n_top: usize) -> Vec<usize> {
    let scored = scored(genes, n_cells);
    let Some(cutoff) = nth_highest(&scored, n_top) else {
        return Vec::new();
    };
    scored
        .into_iter()
        .filter(|&(_, score)| score >= cutoff)
        .map(|(gene, _)| gene)
        .collect()
}

/// Columns of the `n_top` genes that most batches choose, in ascending order; of genes chosen by as many, those of higher mean
/// score. A gene that a batch lacks has the score 0 there. Genes that no batch detects are never chosen.
///
/// `genes` are the moments of every column by batch, over `n_cells` cells each. A batch of one cell has no say.
pub(super) fn select_in_batches(
    genes: &[Vec<GeneMoments>],
    n_cells: &[usize],
    n_top: usize,
) -> Vec<usize> {
    let n_genes = genes.first().map_or(0, Vec::len);
    let mut ranks = vec![Rank::default(); n_genes];
    for (genes, &n_cells) in genes.iter().zip(n_cells).filter(|&(_, &n)| n > 1) {
        let scored = scored(genes, n_cells);
        let cutoff = nth_highest(&scored, n_top);
        let mut scores = vec![0.0; n_genes];
        for (gene, score) in scored {
            scores[gene] = score;
            ranks[gene].chosen_by += usize::from(cutoff.is_some_and(|cutoff| score >= cutoff));
        }
        for (rank, score) in ranks.iter_mut().zip(scores) {
            if !score.is_nan() {
                rank.sum += score;
                rank.n += 1;
            }
        }
    }
    let mut order: Vec<usize> = (0..n_genes)
        .filter(|&gene| is_detected(genes, gene))
        .collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&ranks[a], &ranks[b]);
        (b.chosen_by.cmp(&a.chosen_by)).then(b.mean().total_cmp(&a.mean()))
    });
    order.truncate(n_top);
    order.sort_unstable();
    order
}

/// How batches judge a gene.
#[derive(Debug, Clone, Default)]
struct Rank {
    chosen_by: usize,
    sum: f64,
    /// Batches that gave it a score.
    n: usize,
}

impl Rank {
    fn mean(&self) -> f64 {
        if self.n > 0 {
            self.sum / self.n as f64
        } else {
            f64::NEG_INFINITY
        }
    }
}

/// Whether a gene is detected in any batch.
fn is_detected(genes: &[Vec<GeneMoments>], gene: usize) -> bool {
    genes.iter().any(|genes| genes[gene].detected_in > 0)
}

/// The genes that are detected in a cell, with their normalised dispersions; NaN where there is none.
fn scored(genes: &[GeneMoments], n_cells: usize) -> Vec<(usize, f64)> {
    let detected: Vec<usize> = (0..genes.len())
        .filter(|&gene| genes[gene].detected_in > 0)
        .collect();
    let (means, dispersions): (Vec<f64>, Vec<f64>) = detected
        .iter()
        .map(|&gene| mean_and_dispersion(&genes[gene], n_cells))
        .unzip();
    let scores = scores(&dispersions, &bins(&means));
    detected.into_iter().zip(scores).collect()
}

/// ln(1 + mean) and ln(variance / mean) of a gene; the dispersion is NaN where the gene is constant.
fn mean_and_dispersion(gene: &GeneMoments, n_cells: usize) -> (f64, f64) {
    let n = n_cells as f64;
    let mean = gene.sum / n;
    let variance = (gene.sum_of_squares / n - mean * mean) * (n / (n - 1.0));
    let mean = if mean == 0.0 { TINY_MEAN } else { mean };
    let dispersion = variance / mean;
    let logged = if dispersion > 0.0 {
        dispersion.ln()
    } else {
        f64::NAN
    };
    (mean.ln_1p(), logged)
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
fn scores(dispersions: &[f64], bins: &[usize]) -> Vec<f64> {
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

/// The `n`-th highest score that is a number, or the lowest where there are fewer than `n`.
fn nth_highest(scored: &[(usize, f64)], n: usize) -> Option<f64> {
    let scores = scored.iter().map(|&(_, score)| score);
    let mut numbers: Vec<f64> = scores.filter(|score| !score.is_nan()).collect();
    numbers.sort_unstable_by(|a, b| b.total_cmp(a));
    numbers.get(n.saturating_sub(1)).or(numbers.last()).copied()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values that are exact by hand")]
mod tests {
    use super::*;

    /// A gene that is detected once, with this mean and variance over four cells.
    fn gene(mean: f64, variance: f64) -> GeneMoments {
        GeneMoments {
            detected_in: 1,
            sum: 4.0 * mean,
            sum_of_squares: 4.0 * (0.75 * variance + mean * mean),
        }
    }

    #[test]
    fn mean_and_dispersion_by_hand() {
        // Values 0, 0, 0, 8: mean 2, variance (3·4 + 36)/3 = 16, dispersion 8.
        let moments = GeneMoments {
            detected_in: 1,
            sum: 8.0,
            sum_of_squares: 64.0,
        };
        let (mean, dispersion) = mean_and_dispersion(&moments, 4);
        assert!((mean - 3.0_f64.ln()).abs() < 1e-15);
        assert!((dispersion - 8.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_constant_gene_has_no_dispersion() {
        assert!(mean_and_dispersion(&gene(2.0, 0.0), 4).1.is_nan());
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
        let scores = scores(&[1.0, 3.0, f64::NAN, -5.0, f64::NAN], &[0, 0, 0, 1, 2]);
        assert!((scores[0] + 0.5_f64.sqrt()).abs() < 1e-15);
        assert!((scores[1] - 0.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!(scores[3], 1.0);
        assert!(scores[2].is_nan() && scores[4].is_nan());
    }

    #[test]
    fn ties_with_the_last_gene_are_kept_and_undetected_genes_are_not() {
        // Three genes in the bin of mean 1 (two of them equal), one alone in the bin of mean 9.
        let genes = [
            gene(1.0, 2.0),
            GeneMoments::default(),
            gene(1.0, 8.0),
            gene(9.0, 5.0),
            gene(1.0, 2.0),
        ];
        assert_eq!(select(&genes, 4, 1), [2]);
        assert_eq!(select(&genes, 4, 2), [2, 3]);
        assert_eq!(select(&genes, 4, 3), [0, 2, 3, 4]);
        assert_eq!(select(&genes, 4, 99), [0, 2, 3, 4]);
    }

    #[test]
    fn nothing_is_selected_where_nothing_varies() {
        assert!(select(&[gene(1.0, 0.0), gene(2.0, 0.0)], 4, 5).is_empty());
        assert!(select(&[], 4, 5).is_empty());
    }
}
