//! Marker genes: those that set a cluster apart from all other cells.
//!
//! Each cluster is compared with the rest by the Wilcoxon rank-sum test on log-normalised values, over
//! every gene of the file, as scanpy 1.10 does in `rank_genes_groups(method="wilcoxon")` with its
//! defaults: ties get their mean rank, the variance is not corrected for them. Where cells are in batches, the test is
//! stratified: ranks are those within each batch, so that a gene which differs between batches is no marker for that.

mod block;
mod compare;
mod entry;
mod groups;
mod ranks;

use rayon::prelude::*;

use self::{
    block::{GeneBlock, blocks},
    compare::{Comparison, benjamini_hochberg, p_value},
    entry::Entry,
    groups::Groups,
};
use crate::{
    counts::{CountSource, CountsError},
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
    /// Batches in which the cluster was compared, those that have cells of it and others; `None` where there are no batches.
    pub n_batches: Option<usize>,
}

/// [`find_markers_among`] all genes of the file.
///
/// # Errors
/// Where the source cannot be read.
pub fn find_markers(
    source: &dyn CountSource,
    prepared: &Prepared,
    labels: &[usize],
    most: usize,
) -> Result<Vec<Vec<Marker>>, CountsError> {
    find_markers_among(source, prepared, labels, most, |_| true)
}

/// The `most` best markers of every cluster, by decreasing score; genes of equal score in the file's
/// order. With a single cluster there is nothing to compare, and it has none; nor has, where cells are in batches, a cluster
/// that no batch shares with other clusters. Fold changes and shares are of all cells together, whatever their batches.
///
/// `source` is what `prepared` was made of; `labels` are the clusters of the prepared cells, 0.. without
/// a gap. Genes that do not take part are neither listed nor counted in the adjustment of p-values.
///
/// Reads the source about eight times, a thousand cells at a time: less often with fewer than 268 million counts, more often with
/// more than 2 billion, or where memory is short. Memory: 8 bytes for each of the counts that a reading keeps, and 32 for every gene
/// and cluster. Time: n log n in the counts, and that of the reading.
///
/// # Errors
/// Where the source cannot be read.
pub fn find_markers_among(
    source: &dyn CountSource,
    prepared: &Prepared,
    labels: &[usize],
    most: usize,
    takes_part: impl Fn(usize) -> bool,
) -> Result<Vec<Vec<Marker>>, CountsError> {
    let groups = Groups::of(labels, prepared.batches.as_ref());
    if groups.n_clusters < 2 {
        return Ok(vec![Vec::new(); groups.n_clusters]);
    }
    let mut comparisons = Vec::with_capacity(source.n_genes() * groups.n_clusters);
    for genes in blocks(&prepared.detected_in) {
        let mut block = GeneBlock::read(source, prepared, &groups.of_cell, genes)?;
        comparisons.par_extend(
            block
                .genes_mut()
                .flat_map_iter(|stored| ranks::sums(stored, &groups).compare(&groups)),
        );
    }
    let n_batches = |cluster| {
        prepared
            .batches
            .as_ref()
            .map(|_| groups.n_compared(cluster))
    };
    let genes: Vec<usize> = (0..source.n_genes())
        .filter(|&gene| takes_part(gene))
        .collect();
    Ok((0..groups.n_clusters)
        .into_par_iter()
        .map(|cluster| match n_batches(cluster) {
            Some(0) => Vec::new(),
            n_batches => {
                let found = comparisons[cluster..].iter().step_by(groups.n_clusters);
                let found: Vec<&Comparison> = found.collect();
                best(&found, &genes, n_batches, most)
            }
        })
        .collect())
}

/// The two-sided p-values of genes in two groups of cells by the Wilcoxon rank-sum test, as markers have it: for each gene its
/// values above 0 with the group (0 or 1) of their cells; `of_cell` is the group of every cell.
pub(crate) fn rank_sum_ps(by_gene: &[Vec<(f32, usize)>], of_cell: &[usize]) -> Vec<f64> {
    let groups = Groups::of(of_cell, None);
    let of_gene = |values: &Vec<(f32, usize)>| {
        let entries = values.iter();
        let mut stored: Vec<Entry> = entries
            .map(|&(value, group)| Entry::new(value, group))
            .collect();
        let mut compared = ranks::sums(&mut stored, &groups).compare(&groups);
        compared.next().map_or(1.0, |found| p_value(found.score))
    };
    by_gene.iter().map(of_gene).collect()
}

/// The best markers of one cluster among `genes`, given the comparisons of all.
fn best(
    found: &[&Comparison],
    genes: &[usize],
    n_batches: Option<usize>,
    most: usize,
) -> Vec<Marker> {
    let ps: Vec<f64> = genes
        .iter()
        .map(|&gene| p_value(found[gene].score))
        .collect();
    let adjusted = benjamini_hochberg(&ps);
    let mut places: Vec<usize> = (0..genes.len()).collect();
    let score = |place: usize| found[genes[place]].score;
    places.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    places.truncate(most);
    places
        .into_iter()
        .map(|place| {
            let gene = genes[place];
            Marker {
                gene,
                score: found[gene].score,
                log_fold_change: found[gene].log_fold_change,
                p: ps[place],
                p_adjusted: adjusted[place],
                share_in: found[gene].share_in,
                share_out: found[gene].share_out,
                n_batches,
            }
        })
        .collect()
}
