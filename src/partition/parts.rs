//! The cells dealt into parts at random, within each batch, so that splits can be judged again in halves of them.

use std::ops::Range;

use rand::seq::{SliceRandom, index};
use rayon::prelude::*;

use super::{cell_types::Counted, profile::Profile, sums::Sums};
use crate::{
    grouping::Members,
    preprocess::Batches,
    seed::{Stream, stream},
};

/// Parts that the cells of a data set are dealt into; with batches as many together, and at least two of each batch.
pub(super) const N_PARTS: usize = 10;

/// How cells are dealt into parts: those of the first batch come first, as many parts of each batch.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// Part of every cell; all are in part 0 where it is empty.
    of_cell: Vec<usize>,
    pub n_batches: usize,
    /// Parts of each batch.
    pub per_batch: usize,
}

impl Parts {
    /// All cells as one.
    pub(super) fn whole() -> Self {
        Self {
            of_cell: Vec::new(),
            n_batches: 1,
            per_batch: 1,
        }
    }

    /// At random, the cells of every batch in parts of equal size.
    pub(super) fn dealt(n_cells: usize, batches: Option<&Batches>, seed: u64) -> Self {
        let n_batches = batches.map_or(1, Batches::n_batches);
        let per_batch = (N_PARTS / n_batches).next_multiple_of(2).max(2);
        let mut places: Vec<usize> = (0..n_cells).collect();
        places.shuffle(&mut stream(seed, Stream::Parts));
        let mut order = vec![0; n_cells];
        for (cell, place) in places.into_iter().enumerate() {
            order[place] = cell;
        }
        let batch_of = |cell: usize| batches.map_or(0, |batches| batches.of_cell[cell] as usize);
        let mut n_dealt = vec![0; n_batches];
        let mut of_cell = vec![0; n_cells];
        for cell in order {
            let batch = batch_of(cell);
            of_cell[cell] = batch * per_batch + n_dealt[batch] % per_batch;
            n_dealt[batch] += 1;
        }
        Self {
            of_cell,
            n_batches,
            per_batch,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.n_batches * self.per_batch
    }

    /// The sums of every cluster, each part of the cells by itself: clusters × parts. Genes are those that splits are judged by, in
    /// their order.
    ///
    /// `labels`: n, below `n_clusters`. O(counts) time.
    pub(super) fn sums(
        &self,
        counted: Counted<'_>,
        labels: &[usize],
        n_clusters: usize,
    ) -> Vec<Vec<Sums>> {
        let members = Members::of(labels.iter().copied(), n_clusters);
        let n_genes = counted.counts.shape().1;
        // Where each gene is among those that judge.
        let mut places = vec![None; n_genes];
        let judging = counted
            .judging
            .map_or((0..n_genes).collect(), <[_]>::to_vec);
        for (place, &gene) in judging.iter().enumerate() {
            places[gene] = Some(place);
        }
        let of_cluster = |cluster| {
            let mut sums = vec![Sums::default(); self.len()];
            for &cell in members.cells(cluster) {
                let cell = cell as usize;
                let sums = &mut sums[self.of_cell.get(cell).copied().unwrap_or(0)];
                if sums.counts.is_empty() {
                    *sums = Sums::nothing(judging.len());
                }
                sums.cells += 1.0;
                sums.total += f64::from(counted.totals[cell]);
                for (gene, count) in counted.counts.row(cell) {
                    if let Some(place) = places[gene] {
                        sums.counts[place] += count;
                        sums.detected[place] += 1.0;
                    }
                }
            }
            sums
        };
        (0..n_clusters).into_par_iter().map(of_cluster).collect()
    }

    /// A cluster's genes in some parts of its cells, whose sums these are.
    pub(super) fn profile(&self, sums: &[Sums], taken: impl Fn(usize) -> bool) -> Profile {
        let together = |range: Range<usize>| {
            let mut sum = Sums::default();
            for part in range.filter(|&part| taken(part)) {
                sum.add(&sums[part]);
            }
            sum
        };
        if self.n_batches == 1 {
            return Profile::of(&together(0..sums.len()));
        }
        let first = (0..self.n_batches).map(|batch| batch * self.per_batch);
        Profile::in_batches(
            first
                .map(|first| together(first..first + self.per_batch))
                .collect(),
        )
    }

    /// Which parts make up each of some halves, in every batch half of them; the same for every data set, since the parts are
    /// drawn at random.
    pub(super) fn halves(&self, n_halves: usize) -> Vec<Vec<bool>> {
        let mut rng = stream(0, Stream::Parts);
        let mut half = || {
            let mut half = vec![false; self.len()];
            for batch in half.chunks_mut(self.per_batch) {
                for part in index::sample(&mut rng, batch.len(), batch.len() / 2) {
                    batch[part] = true;
                }
            }
            half
        };
        (0..n_halves).map(|_| half()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed_counts::PackedCounts;

    #[test]
    fn parts_add_up_to_the_cluster() {
        // Cell i has i + 1 counts of gene i mod 3, and 100 counts over all genes.
        let n = 30;
        let mut counts = PackedCounts::new(3);
        (0..n).for_each(|cell| counts.push([(cell % 3, cell as f32 + 1.0)]));
        let labels: Vec<usize> = (0..n).map(|cell| usize::from(cell >= 12)).collect();
        let totals = [100.0; 30];
        let counted = Counted {
            counts: &counts,
            judging: None,
            totals: &totals,
            batches: None,
        };
        let parts = Parts::dealt(n, None, 1).sums(counted, &labels, 2);
        let mut sum = Sums::nothing(3);
        parts[0].iter().for_each(|part| sum.add(part));
        assert!((sum.cells - 12.0).abs() < 1e-12 && (sum.total - 1200.0).abs() < 1e-9);
        assert_eq!(sum.counts, [1.0 + 4.0 + 7.0 + 10.0, 26.0, 30.0]);
        assert_eq!(sum.detected, [4.0; 3]);
        let sizes = |part: usize| parts[0][part].cells + parts[1][part].cells;
        assert!((0..N_PARTS).all(|part| (sizes(part) - 3.0).abs() < 1e-12));
    }

    #[test]
    fn only_genes_that_judge_are_added_up() {
        let mut counts = PackedCounts::new(4);
        counts.push([(0, 5.0), (1, 7.0), (3, 2.0)]);
        counts.push([(2, 4.0), (3, 1.0)]);
        let counted = Counted {
            counts: &counts,
            judging: Some(&[1, 3]),
            totals: &[20.0, 10.0],
            batches: None,
        };
        let sums = Parts::whole().sums(counted, &[0, 0], 1);
        assert_eq!(sums[0][0].counts, [7.0, 3.0]);
        assert_eq!(sums[0][0].detected, [1.0, 2.0]);
        assert!((sums[0][0].total - 30.0).abs() < 1e-12);
    }

    #[test]
    fn parts_and_halves_are_dealt_within_batches() {
        let names: Vec<usize> = (0..60).map(|cell| cell % 7 % 4).collect();
        let batches = Batches::of_all(&names);
        let parts = Parts::dealt(60, Some(&batches), 1);
        assert_eq!((parts.n_batches, parts.per_batch, parts.len()), (4, 2, 8));
        for (part, &batch) in parts.of_cell.iter().zip(&batches.of_cell) {
            assert_eq!(part / parts.per_batch, batch as usize);
        }
        let mut sizes = vec![0_usize; parts.len()];
        parts.of_cell.iter().for_each(|&part| sizes[part] += 1);
        for (batch, size) in sizes.chunks(2).zip(batches.sizes()) {
            assert_eq!(batch, [size.div_ceil(2), size / 2]);
        }
        for half in parts.halves(5) {
            assert!(half.chunks(2).all(|batch| batch[0] != batch[1]));
        }
    }
}
