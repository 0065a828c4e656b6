//! Marker genes: those that set a cluster apart from all other cells.
//!
//! Each cluster is compared with the rest by the Wilcoxon rank-sum test on log-normalised values, over
//! every gene of the file, as scanpy 1.10 does in `rank_genes_groups(method="wilcoxon")` with its
//! defaults: ties get their mean rank, the variance is not corrected for them.

mod block;
mod compare;
mod entry;
mod ranks;

use rayon::prelude::*;

use self::{
    block::{GeneBlock, blocks},
    compare::{Comparison, benjamini_hochberg, p_value},
    entry::Entry,
};
use crate::{
    counts::{CountSource, CountsError},
    grouping::sizes,
    preprocess::Prepared,
};

/// How a gene sets one cluster apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Column of the file.
    pub gene: usize,
    /// Standardised rank sum: above 0 where the cluster's values are the higher ones.
    pub score: f64,
    /// log₂ of the ratio of mean expression, cluster over rest.
    pub log_fold_change: f64,
    /// Two-sided p-value of the score in a normal distribution.
    pub p: f64,
    /// `p`, adjusted over all genes after Benjamini and Hochberg.
    pub p_adjusted: f64,
    /// Share of the cluster's cells that the gene is detected in.
    pub share_in: f64,
    /// Share of the other cells that the gene is detected in.
    pub share_out: f64,
}

/// The `most` best markers of every cluster, by decreasing score; genes of equal score in the file's
/// order. With a single cluster there is nothing to compare, and it has none.
///
/// `source` is what `prepared` was made of; `labels` are the clusters of the prepared cells, 0.. without
/// a gap.
///
/// Reads the source once for every 32 million counts in it, a thousand cells at a time. Memory: 8 bytes
/// for each of these counts, and 24 for every gene and cluster. Time: n log n in the counts.
///
/// # Errors
/// Where the source cannot be read.
pub fn find_markers(
    source: &dyn CountSource,
    prepared: &Prepared,
    labels: &[usize],
    most: usize,
) -> Result<Vec<Vec<Marker>>, CountsError> {
    let sizes = sizes(labels);
    if sizes.len() < 2 {
        return Ok(vec![Vec::new(); sizes.len()]);
    }
    let mut comparisons = Vec::with_capacity(source.n_genes() * sizes.len());
    for genes in blocks(&prepared.detected_in) {
        let mut block = GeneBlock::read(source, prepared, labels, genes)?;
        comparisons.par_extend(
            block
                .genes_mut()
                .flat_map_iter(|stored| ranks::sums(stored, &sizes).compare(&sizes)),
        );
    }
    Ok((0..sizes.len())
        .into_par_iter()
        .map(|cluster| best(&comparisons, &sizes, cluster, most))
        .collect())
}

/// The two-sided p-value of a gene in two groups of cells by the Wilcoxon rank-sum test, as markers have it: `values` are
/// those above 0 with the group (0 or 1) of their cells, `sizes` the cells of both groups.
pub(crate) fn rank_sum_p(values: &[(f32, usize)], sizes: [usize; 2]) -> f64 {
    let mut stored: Vec<Entry> = values
        .iter()
        .map(|&(value, group)| Entry::new(value, group))
        .collect();
    let mut compared = ranks::sums(&mut stored, &sizes).compare(&sizes);
    compared.next().map_or(1.0, |found| p_value(found.score))
}

/// The best markers of one cluster. `comparisons` holds every cluster of one gene after the other.
fn best(comparisons: &[Comparison], sizes: &[usize], cluster: usize, most: usize) -> Vec<Marker> {
    let of_gene = |gene: usize| &comparisons[gene * sizes.len() + cluster];
    let n_genes = comparisons.len() / sizes.len();
    let ps: Vec<f64> = (0..n_genes)
        .map(|gene| p_value(of_gene(gene).score))
        .collect();
    let adjusted = benjamini_hochberg(&ps);
    let mut genes: Vec<usize> = (0..n_genes).collect();
    genes.sort_by(|&a, &b| of_gene(b).score.total_cmp(&of_gene(a).score));
    genes.truncate(most);
    genes
        .into_iter()
        .map(|gene| {
            let found = of_gene(gene);
            Marker {
                gene,
                score: found.score,
                log_fold_change: found.log_fold_change,
                p: ps[gene],
                p_adjusted: adjusted[gene],
                share_in: found.share_in,
                share_out: found.share_out,
            }
        })
        .collect()
}
