//! Batches brought together in the components of the cells, by Harmony.
//!
//! Soft clusters of the cells are found that hold every batch in the share that it has in all cells; within each cluster,
//! what a batch's cells have in common beyond the cluster is taken off. Korsunsky et al. 2019,
//! doi:10.1038/s41592-019-0619-0, with its constants.
//!
//! Deviation: the soft clusters start from random cells, not from k-means with restarts. Learnt on some of the cells, the
//! correction is applied to any others, which is what lets a million cells take no longer than the product of their
//! components with the centres.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, Axis, s};
use rand::seq::{SliceRandom, index};
use rayon::prelude::*;

use crate::{
    seed::{Stream, stream},
    unit::{scale_to_unit, unit_rows},
};

/// Most soft clusters, and cells for each of them at least.
const MOST_CLUSTERS: usize = 100;
const CELLS_PER_CLUSTER: usize = 30;

/// σ: how soft the clusters are.
const SOFTNESS: f64 = 0.1;

/// θ: how much a cluster that holds a batch's share already is shunned.
const DIVERSITY: i32 = 2;

/// λ: how many cells' worth of evidence a batch's own mean needs.
const RIDGE: f64 = 1.0;

/// Rounds of clustering and correction, and of clustering within each.
const ROUNDS: usize = 10;
const ROUNDS_WITHIN: usize = 20;

/// Share of the cells whose clusters are found anew at a time.
const SHARE_AT_A_TIME: f64 = 0.05;

/// Relative change of the objective below which a round of clustering, or of all, was the last.
const SETTLED_WITHIN: f64 = 1e-3;
const SETTLED: f64 = 1e-4;

/// Rounds of clustering before all, which do not look at batches.
const FIRST_ROUNDS: usize = 10;

/// Cells whose cosines are computed at a time.
const BLOCK: usize = 2048;

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
            learning.correct(scores);
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
        scores
            .axis_chunks_iter_mut(Axis(0), BLOCK)
            .into_par_iter()
            .zip(batches.par_chunks(BLOCK))
            .for_each(|(mut scores, batches)| {
                let original = scores.to_owned();
                let mut corrected = original.clone();
                // A cell's clusters are those of where it is put, which follows from them.
                for _ in 0..2 {
                    let shares = self.shares(&corrected, batches);
                    for (cell, shares) in shares.outer_iter().enumerate() {
                        let batch = batches[cell] as usize;
                        let mut row = corrected.row_mut(cell);
                        row.assign(&original.row(cell));
                        for (share, offsets) in shares.iter().zip(&self.offsets) {
                            take_off(
                                row.as_slice_mut().unwrap_or_default(),
                                *share,
                                &offsets[batch],
                            );
                        }
                    }
                }
                scores.assign(&corrected);
            });
    }

    /// Share of every cell in every cluster: n × k.
    fn shares(&self, scores: &Array2<f32>, batches: &[u32]) -> Array2<f64> {
        let mut cosines = cosines(&unit_rows(scores.view()), &self.centers);
        for (mut row, &batch) in cosines.outer_iter_mut().zip(batches) {
            share_out(row.as_slice_mut().unwrap_or_default(), |cluster| {
                self.penalties[[cluster, batch as usize]]
            });
        }
        cosines
    }
}

/// The cells while the correction is learnt.
struct Learning<'a> {
    batches: &'a [u32],
    /// Share of each batch in all cells.
    batch_shares: Vec<f64>,
    /// The cells, corrected and of length 1: n × components.
    unit: Array2<f32>,
    centers: Array2<f32>,
    /// Share of every cell in every cluster: n × k.
    shares: Array2<f64>,
    /// Sums of these by cluster and batch: k × batches.
    held: Array2<f64>,
    offsets: Vec<Vec<Vec<f64>>>,
    rng: rand_chacha::ChaCha8Rng,
}

impl<'a> Learning<'a> {
    fn start(scores: &Array2<f32>, batches: &'a [u32], n_batches: usize, seed: u64) -> Self {
        let n_cells = scores.nrows();
        let k = (n_cells / CELLS_PER_CLUSTER).clamp(1, MOST_CLUSTERS);
        let mut rng = stream(seed, Stream::Integration);
        let unit = unit_rows(scores.view());
        let first = index::sample(&mut rng, n_cells, k).into_vec();
        let mut batch_shares = vec![0.0; n_batches];
        for &batch in batches {
            batch_shares[batch as usize] += 1.0 / n_cells as f64;
        }
        let mut learning = Self {
            batches,
            batch_shares,
            centers: unit.select(Axis(0), &first),
            shares: Array2::zeros((n_cells, k)),
            held: Array2::zeros((k, n_batches)),
            offsets: vec![vec![vec![0.0; scores.ncols()]; n_batches]; k],
            unit,
            rng,
        };
        for _ in 0..FIRST_ROUNDS {
            learning.shares = cosines(&learning.unit, &learning.centers);
            let rows = learning.shares.axis_iter_mut(Axis(0)).into_par_iter();
            rows.for_each(|mut row| share_out(row.as_slice_mut().unwrap_or_default(), |_| 1.0));
            learning.move_centers();
        }
        learning.hold();
        learning
    }

    /// Sums of the shares by cluster and batch.
    fn hold(&mut self) {
        self.held.fill(0.0);
        for (shares, &batch) in self.shares.outer_iter().zip(self.batches) {
            let mut held = self.held.column_mut(batch as usize);
            held += &shares;
        }
    }

    /// Clusters hold all batches alike, as far as that fits; the objective afterwards.
    fn cluster(&mut self) -> f64 {
        let mut objectives: Vec<f64> = Vec::new();
        for _ in 0..ROUNDS_WITHIN {
            self.move_centers();
            let cosines = cosines(&self.unit, &self.centers);
            self.share_out(&cosines);
            objectives.push(self.objective(&cosines));
            if let [.., a, b, c, d] = objectives[..]
                && (a + b + c) - (b + c + d) < SETTLED_WITHIN * (a + b + c).abs()
            {
                break;
            }
        }
        objectives.last().copied().unwrap_or(0.0)
    }

    fn move_centers(&mut self) {
        let (k, width) = self.centers.dim();
        let (shares, unit) = (&self.shares, &self.unit);
        let of_cluster = |cluster: usize| {
            let mut sum = vec![0.0_f64; width];
            for (share, cell) in shares.column(cluster).iter().zip(unit.outer_iter()) {
                sum.iter_mut()
                    .zip(cell)
                    .for_each(|(sum, &value)| *sum += share * f64::from(value));
            }
            let mut center: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
            scale_to_unit(&mut center);
            center
        };
        let centers: Vec<Vec<f32>> = (0..k).into_par_iter().map(of_cluster).collect();
        for (mut row, center) in self.centers.outer_iter_mut().zip(&centers) {
            row.iter_mut()
                .zip(center)
                .for_each(|(to, &from)| *to = from);
        }
    }

    /// Shares of all cells, some cells at a time, each time by what the others hold.
    fn share_out(&mut self, cosines: &Array2<f64>) {
        let mut order: Vec<usize> = (0..self.batches.len()).collect();
        order.shuffle(&mut self.rng);
        let at_a_time = ((order.len() as f64 * SHARE_AT_A_TIME) as usize).max(1);
        for cells in order.chunks(at_a_time) {
            for &cell in cells {
                let mut held = self.held.column_mut(self.batches[cell] as usize);
                held -= &self.shares.row(cell);
            }
            let penalties = self.penalties();
            for &cell in cells {
                let batch = self.batches[cell] as usize;
                let mut row = self.shares.row_mut(cell);
                row.assign(&cosines.row(cell));
                share_out(row.as_slice_mut().unwrap_or_default(), |cluster| {
                    penalties[[cluster, batch]]
                });
                let mut held = self.held.column_mut(batch);
                held += &self.shares.row(cell);
            }
        }
    }

    /// ((expected + 1) / (held + 1))^θ by cluster and batch.
    fn penalties(&self) -> Array2<f64> {
        let of_cluster = self.held.sum_axis(Axis(1));
        Array2::from_shape_fn(self.held.dim(), |(cluster, batch)| {
            let expected = of_cluster[cluster] * self.batch_shares[batch];
            ((expected + 1.0) / (self.held[[cluster, batch]] + 1.0)).powi(DIVERSITY)
        })
    }

    /// Distance to the centres, less entropy, plus how unevenly clusters hold the batches.
    fn objective(&self, cosines: &Array2<f64>) -> f64 {
        let fit: f64 = self
            .shares
            .iter()
            .zip(cosines)
            .map(|(&share, cosine)| {
                let entropy = if share > 0.0 { share * share.ln() } else { 0.0 };
                2.0 * share * (1.0 - cosine) + SOFTNESS * entropy
            })
            .sum();
        let of_cluster = self.held.sum_axis(Axis(1));
        let uneven: f64 = self
            .held
            .indexed_iter()
            .map(|((cluster, batch), held)| {
                let expected = of_cluster[cluster] * self.batch_shares[batch];
                held * ((held + 1.0) / (expected + 1.0)).ln()
            })
            .sum();
        fit + SOFTNESS * f64::from(DIVERSITY) * uneven
    }

    /// Finds what each batch's cells have in common in each cluster, and takes it off.
    fn correct(&mut self, scores: &Array2<f32>) {
        let (k, n_batches) = self.held.dim();
        let (shares, batches) = (&self.shares, self.batches);
        self.offsets = (0..k)
            .into_par_iter()
            .map(|cluster| {
                let mut sums = vec![vec![0.0_f64; scores.ncols()]; n_batches];
                let mut sizes = vec![0.0; n_batches];
                for ((share, cell), &batch) in shares
                    .column(cluster)
                    .iter()
                    .zip(scores.outer_iter())
                    .zip(batches)
                {
                    sizes[batch as usize] += share;
                    let sum = &mut sums[batch as usize];
                    sum.iter_mut()
                        .zip(cell)
                        .for_each(|(sum, &value)| *sum += share * f64::from(value));
                }
                offsets(&sums, &sizes)
            })
            .collect();
        let offsets = &self.offsets;
        self.unit
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(cell, mut unit)| {
                unit.assign(&scores.row(cell));
                let row = unit.as_slice_mut().unwrap_or_default();
                for (share, offsets) in shares.row(cell).iter().zip(offsets) {
                    take_off(row, *share, &offsets[batches[cell] as usize]);
                }
                scale_to_unit(row);
            });
    }
}

/// What each batch's mean differs by from the cluster's own, from sums and sizes by batch.
///
/// The ridge regression of the cells on intercept and batch, λ on the batches alone:
/// β_b = (Σx_b − n_b μ) / (n_b + λ), μ = Σ_b Σx_b / (n_b + λ) over Σ_b n_b / (n_b + λ).
fn offsets(sums: &[Vec<f64>], sizes: &[f64]) -> Vec<Vec<f64>> {
    let width = sums.first().map_or(0, Vec::len);
    let weight: f64 = sizes.iter().map(|size| size / (size + RIDGE)).sum();
    let mean: Vec<f64> = (0..width)
        .map(|column| {
            let parts = sums.iter().zip(sizes);
            let sum: f64 = parts.map(|(sum, size)| sum[column] / (size + RIDGE)).sum();
            if weight > 0.0 { sum / weight } else { 0.0 }
        })
        .collect();
    sums.iter()
        .zip(sizes)
        .map(|(sum, size)| {
            let own = sum.iter().zip(&mean);
            own.map(|(sum, mean)| (sum - size * mean) / (size + RIDGE))
                .collect()
        })
        .collect()
}

/// Turns cosines to the clusters into shares that add up to 1: exp(−2 (1 − cosine) / σ) · penalty.
fn share_out(cosines: &mut [f64], penalty: impl Fn(usize) -> f64) {
    let largest = cosines.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (cluster, value) in cosines.iter_mut().enumerate() {
        *value = (2.0 * (*value - largest) / SOFTNESS).exp() * penalty(cluster);
        sum += *value;
    }
    if sum > 0.0 {
        for value in cosines {
            *value /= sum;
        }
    }
}

fn take_off(row: &mut [f32], share: f64, offset: &[f64]) {
    // Shares this small move a cell by less than rounding does.
    if share > 1e-6 {
        for (value, offset) in row.iter_mut().zip(offset) {
            *value -= (share * offset) as f32;
        }
    }
}

/// Cosines of cells to centres, both of length 1: n × k.
fn cosines(unit: &Array2<f32>, centers: &Array2<f32>) -> Array2<f64> {
    let (n_cells, width) = unit.dim();
    let k = centers.nrows();
    let blocks: Vec<Range<usize>> = (0..n_cells)
        .step_by(BLOCK)
        .map(|start| start..(start + BLOCK).min(n_cells))
        .collect();
    let mut cosines = Array2::zeros((n_cells, k));
    cosines
        .axis_chunks_iter_mut(Axis(0), BLOCK)
        .into_par_iter()
        .zip(blocks)
        .for_each(|(mut out, rows)| {
            let from = unit.slice(s![rows.clone(), ..]);
            let mut product = vec![0.0_f32; rows.len() * k];
            matmul(
                MatMut::from_row_major_slice_mut(&mut product, rows.len(), k),
                Accum::Replace,
                MatRef::from_row_major_slice(
                    from.as_slice().unwrap_or_default(),
                    rows.len(),
                    width,
                ),
                MatRef::from_row_major_slice(centers.as_slice().unwrap_or_default(), k, width)
                    .transpose(),
                1.0,
                Par::Seq,
            );
            out.iter_mut()
                .zip(product)
                .for_each(|(to, from)| *to = f64::from(from));
        });
    cosines
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn offsets_by_hand() {
        // Means 2 and 6 of three cells each: μ = 4, and ±2 · 3 / (3 + 1) is left after the ridge.
        let found = offsets(&[vec![6.0], vec![18.0]], &[3.0, 3.0]);
        assert!((found[0][0] + 1.5).abs() < 1e-12 && (found[1][0] - 1.5).abs() < 1e-12);
    }
}
