//! Batches brought together in the components of the cells, by Harmony.
//!
//! Soft clusters of the cells are found that hold every batch in the share that it has in all cells; within each cluster,
//! what a batch's cells have in common beyond the cluster is taken off. Korsunsky et al. 2019,
//! doi:10.1038/s41592-019-0619-0, with its constants.
//!
//! Deviation: the soft clusters start from random cells, not from k-means with restarts. Learnt on some of the cells, the
//! correction is applied to any others, which is what lets a million cells take no longer than the product of their
//! components with the centres.

mod in_batches;
mod learning;
mod offsets;
mod products;
mod sharing;

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use self::{
    learning::Learning,
    offsets::by_batch,
    products::{BLOCK, nearness, part, take_off},
    sharing::share_out_all,
};
use crate::unit::unit_rows;

/// Most rounds of clustering and correction.
const ROUNDS: usize = 10;

/// Relative change of the objective below which a round was the last.
const SETTLED: f64 = 1e-4;

/// A correction for batches, learnt on some cells.
#[derive(Debug, Clone)]
pub struct Harmony {
    /// Centres of the soft clusters, of length 1: k × components.
    pub centers: Array2<f32>,
    /// How much each cluster is shunned by each batch: k × batches.
    pub penalties: Array2<f64>,
    /// What is taken off, by cluster and batch: components each.
    pub offsets: Vec<Vec<Vec<f64>>>,
}

impl Harmony {
    /// Learns the correction on the cells of `scores` (n × components), whose batches are below `n_batches`.
    ///
    /// O(n · k · components) time for each of up to 200 rounds, O(n · k) memory; k is at most 100. The result depends on
    /// `seed`, not on the number of threads.
    pub(super) fn learn(
        scores: &Array2<f32>,
        batches: &[u32],
        n_batches: usize,
        seed: u64,
    ) -> Self {
        let mut learning = Learning::start(scores, batches, n_batches, seed);
        let mut last = f64::INFINITY;
        for _ in 0..ROUNDS {
            let objective = learning.cluster();
            learning.correct();
            if last - objective < SETTLED * last.abs() {
                break;
            }
            last = objective;
        }
        Self {
            penalties: learning.penalties(),
            offsets: learning.offsets,
            centers: learning.centers,
        }
    }

    /// Number of batches that it was learnt on.
    #[must_use]
    pub fn n_batches(&self) -> usize {
        self.penalties.ncols()
    }

    /// Corrects any cells, in place: n × components, with their batches.
    pub(super) fn correct(&self, scores: &mut Array2<f32>, batches: &[u32]) {
        let (k, n_batches) = self.penalties.dim();
        let known = Known {
            centers: &self.centers,
            penalties: Array2::from_shape_fn((n_batches, k), |(batch, cluster)| {
                self.penalties[(cluster, batch)] as f32
            }),
            offsets: by_batch(&self.offsets),
        };
        scores
            .axis_chunks_iter_mut(Axis(0), BLOCK)
            .into_par_iter()
            .zip(batches.par_chunks(BLOCK))
            .for_each(|(mut scores, batches)| {
                let mut order: Vec<usize> = (0..batches.len()).collect();
                order.sort_by_key(|&cell| batches[cell]);
                for cells in order.chunk_by(|&a, &b| batches[a] == batches[b]) {
                    let original = scores.select(Axis(0), cells);
                    let corrected = known.corrected(&original, batches[cells[0]] as usize);
                    for (row, &cell) in corrected.outer_iter().zip(cells) {
                        scores.row_mut(cell).assign(&row);
                    }
                }
            });
    }
}

/// A correction as products of matrices need it.
struct Known<'a> {
    centers: &'a Array2<f32>,
    /// Batches × k.
    penalties: Array2<f32>,
    /// As [`by_batch`] gives them.
    offsets: Vec<Array2<f32>>,
}

impl Known<'_> {
    /// Some cells of one batch, corrected: n × components.
    fn corrected(&self, original: &Array2<f32>, batch: usize) -> Array2<f32> {
        let (n_cells, k) = (original.nrows(), self.centers.nrows());
        let mut corrected = original.clone();
        let (mut shares, mut largest) = (vec![0.0; n_cells * k], vec![0.0; n_cells]);
        // A cell's clusters are those of where it is put, which follows from them.
        for _ in 0..2 {
            let unit = unit_rows(corrected.view());
            nearness(
                part(&unit, 0..n_cells),
                self.centers,
                &mut shares,
                &mut largest,
            );
            share_out_all(&mut shares, part(&self.penalties, batch..batch + 1));
            corrected.assign(original);
            let cells = corrected.as_slice_mut().unwrap_or_default();
            take_off(cells, &shares, &self.offsets[batch]);
        }
        corrected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Stream, stream};
    use rand::Rng;

    /// 1,200 cells of three types in 10 components, in two batches that differ by a shift; the third type is in batch 1
    /// alone. With the types.
    fn two_batches() -> (Array2<f32>, Vec<u32>, Vec<usize>) {
        let mut rng = stream(5, Stream::Sample);
        let types: Vec<usize> = (0..1200).map(|cell| cell % 3).collect();
        let batches: Vec<u32> = types
            .iter()
            .enumerate()
            .map(|(cell, &of_type)| {
                if of_type == 2 {
                    1
                } else {
                    (cell / 3 % 2) as u32
                }
            })
            .collect();
        let scores = Array2::from_shape_fn((1200, 10), |(cell, column)| {
            let own = if column == types[cell] { 8.0 } else { 0.0 };
            let shift = if column == 5 {
                5.0 * batches[cell] as f32
            } else {
                0.0
            };
            own + shift + rng.random_range(-1.0..1.0)
        });
        (scores, batches, types)
    }

    fn mean(scores: &Array2<f32>, is_in: impl Fn(usize) -> bool) -> Vec<f32> {
        let rows: Vec<usize> = (0..scores.nrows()).filter(|&cell| is_in(cell)).collect();
        let mean = scores.select(Axis(0), &rows).mean_axis(Axis(0));
        mean.expect("cells").to_vec()
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f32>()
            .sqrt()
    }

    #[test]
    fn batches_of_a_type_come_together_and_a_type_of_one_batch_stays_apart() {
        let (mut scores, batches, types) = two_batches();
        let harmony = Harmony::learn(&scores, &batches, 2, 1);
        harmony.correct(&mut scores, &batches);
        for of_type in 0..2 {
            let of = |batch| {
                mean(&scores, |cell| {
                    types[cell] == of_type && batches[cell] == batch
                })
            };
            let left = distance(&of(0), &of(1));
            assert!(left < 1.0, "type {of_type}: {left} of 5 left");
        }
        let alone = mean(&scores, |cell| types[cell] == 2);
        for of_type in 0..2 {
            let other = mean(&scores, |cell| types[cell] == of_type);
            assert!(distance(&alone, &other) > 8.0);
        }
    }

    #[test]
    fn one_batch_is_left_as_it_is() {
        let (mut scores, _, _) = two_batches();
        let before = scores.clone();
        let batches = vec![0; 1200];
        Harmony::learn(&scores, &batches, 1, 1).correct(&mut scores, &batches);
        for (after, before) in scores.iter().zip(&before) {
            assert!((after - before).abs() < 0.05);
        }
    }

    #[test]
    fn the_correction_does_not_depend_on_the_number_of_threads() {
        let (scores, batches, _) = two_batches();
        let corrected = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| {
                let mut corrected = scores.clone();
                let harmony = Harmony::learn(&scores, &batches, 2, 1);
                harmony.correct(&mut corrected, &batches);
                corrected
            })
        };
        assert_eq!(corrected(1), corrected(3));
    }

    #[test]
    fn the_order_of_the_penalties_in_memory_does_not_matter() {
        let (scores, batches, _) = two_batches();
        let learnt = Harmony::learn(&scores, &batches, 2, 1);
        let by_batch = learnt.penalties.t().as_standard_layout().into_owned();
        let corrected = |penalties: Array2<f64>| {
            let mut corrected = scores.clone();
            let harmony = Harmony {
                penalties,
                ..learnt.clone()
            };
            harmony.correct(&mut corrected, &batches);
            corrected
        };
        let by_cluster = learnt.penalties.as_standard_layout().into_owned();
        assert_eq!(corrected(by_batch.reversed_axes()), corrected(by_cluster));
    }
}
