//! Highly variable genes by normalised dispersion, as scanpy's `highly_variable_genes` chooses them with `n_top_genes`.
//!
//! A flavor gives every gene a score; the genes of the highest scores are chosen, in all cells or by batches.

mod cell_ranger;
mod seurat;

use strum::{EnumString, IntoStaticStr, VariantNames};

use super::moments::GeneMoments;

/// How genes are scored: scanpy's flavors that take normalised values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Flavor {
    /// ln(variance / mean) of counts per 10,000, standardised by mean and deviation in bins of equal width (Satija et al. 2015,
    /// doi:10.1038/nbt.3192).
    Seurat,
    /// variance / mean of log-normalised values, standardised by median and median absolute deviation in bins of as many genes
    /// (Zheng et al. 2017, doi:10.1038/ncomms14049).
    CellRanger,
}

/// Columns of the `n_top` most variable genes, in ascending order.
///
/// `genes` are the moments of every column over `n_cells` cells, at least 2; columns detected in no
/// cell take no part. Genes that tie with the last one chosen are chosen too, genes without variance
/// never: the result may be longer or shorter than `n_top`, and is empty where nothing varies.
pub(super) fn select(
    genes: &[GeneMoments],
    n_cells: usize,
    n_top: usize,
    flavor: Flavor,
) -> Vec<usize> {
    let scored = scored(genes, n_cells, flavor);
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
    flavor: Flavor,
) -> Vec<usize> {
    let n_genes = genes.first().map_or(0, Vec::len);
    let mut ranks = vec![Rank::default(); n_genes];
    for (genes, &n_cells) in genes.iter().zip(n_cells).filter(|&(_, &n)| n > 1) {
        let scored = scored(genes, n_cells, flavor);
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
fn scored(genes: &[GeneMoments], n_cells: usize, flavor: Flavor) -> Vec<(usize, f64)> {
    let detected: Vec<usize> = (0..genes.len())
        .filter(|&gene| genes[gene].detected_in > 0)
        .collect();
    let moments = detected
        .iter()
        .map(|&gene| genes[gene].mean_and_variance(n_cells));
    let scores = match flavor {
        Flavor::Seurat => seurat::scores(moments),
        Flavor::CellRanger => cell_ranger::scores(moments),
    };
    detected.into_iter().zip(scores).collect()
}

/// The `n`-th highest score that is a number, or the lowest where there are fewer than `n`.
fn nth_highest(scored: &[(usize, f64)], n: usize) -> Option<f64> {
    let scores = scored.iter().map(|&(_, score)| score);
    let mut numbers: Vec<f64> = scores.filter(|score| !score.is_nan()).collect();
    numbers.sort_unstable_by(|a, b| b.total_cmp(a));
    numbers.get(n.saturating_sub(1)).or(numbers.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gene that is detected once, with this mean and variance over four cells.
    fn gene(mean: f64, variance: f64) -> GeneMoments {
        GeneMoments {
            detected_in: 1,
            sum: 4.0 * mean,
            sum_of_squares: 4.0 * (0.75 * variance + mean * mean),
            ..GeneMoments::default()
        }
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
        assert_eq!(select(&genes, 4, 1, Flavor::Seurat), [2]);
        assert_eq!(select(&genes, 4, 2, Flavor::Seurat), [2, 3]);
        assert_eq!(select(&genes, 4, 3, Flavor::Seurat), [0, 2, 3, 4]);
        assert_eq!(select(&genes, 4, 99, Flavor::Seurat), [0, 2, 3, 4]);
    }

    #[test]
    fn nothing_is_selected_where_nothing_varies() {
        for flavor in [Flavor::Seurat, Flavor::CellRanger] {
            let genes = [gene(1.0, 0.0), gene(2.0, 0.0)];
            assert!(select(&genes, 4, 5, flavor).is_empty());
            assert!(select(&[], 4, 5, flavor).is_empty());
        }
    }
}
