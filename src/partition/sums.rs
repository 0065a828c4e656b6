//! What the cells of a cluster add up to.

use rand::seq::SliceRandom;

use crate::{
    packed_counts::PackedCounts,
    seed::{Stream, stream},
};

/// Parts that the cells of a data set are dealt into, at random and of equal size.
pub(super) const N_PARTS: usize = 10;

/// Counts of a group of cells, gene by gene. Those of two groups add up. Thousands of groups are held at once, so that genes are
/// counted in `f32`: exactly up to 16.7 million.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Cells.
    pub cells: f64,
    /// Counts over all genes of the file.
    pub total: f64,
    /// Counts of each gene.
    pub counts: Vec<f32>,
    /// Cells that each gene is detected in.
    pub detected: Vec<f32>,
}

impl Sums {
    pub(super) fn nothing(n_genes: usize) -> Self {
        Self {
            cells: 0.0,
            total: 0.0,
            counts: vec![0.0; n_genes],
            detected: vec![0.0; n_genes],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.cells += other.cells;
        self.total += other.total;
        for (sum, value) in self.counts.iter_mut().zip(&other.counts) {
            *sum += value;
        }
        for (sum, value) in self.detected.iter_mut().zip(&other.detected) {
            *sum += value;
        }
    }
}

/// The sums of every cluster, each part of the cells by itself: clusters × [`N_PARTS`].
///
/// `counts`: raw counts, n × g; `totals`: n, over all genes; `labels`: n, below `n_clusters`. O(counts) time.
pub(super) fn sums_of_parts(
    counts: &PackedCounts,
    totals: &[f32],
    labels: &[usize],
    n_clusters: usize,
    seed: u64,
) -> Vec<Vec<Sums>> {
    let mut dealt: Vec<usize> = (0..labels.len()).map(|cell| cell % N_PARTS).collect();
    dealt.shuffle(&mut stream(seed, Stream::Parts));
    let parts = labels.iter().zip(dealt);
    let parts: Vec<usize> = parts.map(|(label, part)| label * N_PARTS + part).collect();
    let mut sums = sums(counts, totals, &parts, n_clusters * N_PARTS).into_iter();
    (0..n_clusters)
        .map(|_| sums.by_ref().take(N_PARTS).collect())
        .collect()
}

/// The sums of every cluster, as in [`sums_of_parts`].
pub(super) fn sums(
    counts: &PackedCounts,
    totals: &[f32],
    labels: &[usize],
    n_clusters: usize,
) -> Vec<Sums> {
    let mut sums = vec![Sums::nothing(counts.shape().1); n_clusters];
    for (cell, row) in counts.iter_rows().enumerate() {
        let sums = &mut sums[labels[cell]];
        sums.cells += 1.0;
        sums.total += f64::from(totals[cell]);
        for (gene, count) in row {
            sums.counts[gene] += count;
            sums.detected[gene] += 1.0;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_cluster() {
        // Cell i has i + 1 counts of gene i mod 3, and 100 counts over all genes.
        let n = 30;
        let mut counts = PackedCounts::new(3);
        (0..n).for_each(|cell| counts.push([(cell % 3, cell as f32 + 1.0)]));
        let labels: Vec<usize> = (0..n).map(|cell| usize::from(cell >= 12)).collect();
        let parts = sums_of_parts(&counts, &[100.0; 30], &labels, 2, 1);
        let mut sum = Sums::nothing(3);
        parts[0].iter().for_each(|part| sum.add(part));
        assert!((sum.cells - 12.0).abs() < 1e-12 && (sum.total - 1200.0).abs() < 1e-9);
        assert_eq!(sum.counts, [1.0 + 4.0 + 7.0 + 10.0, 26.0, 30.0]);
        assert_eq!(sum.detected, [4.0; 3]);
        let sizes = |part: usize| parts[0][part].cells + parts[1][part].cells;
        assert!((0..N_PARTS).all(|part| (sizes(part) - 3.0).abs() < 1e-12));
    }
}
