//! The cells while a correction is learnt: rounds of soft clustering, and of correction within the clusters.

use ndarray::{Array2, Axis};
use rand::seq::{SliceRandom, index};
use rayon::prelude::*;

use super::shares::{SOFTNESS, cosines, share_out, take_off};
use crate::{
    seed::{Stream, stream},
    unit::{scale_to_unit, unit_rows},
};

/// Most soft clusters, and cells for each of them at least.
const MOST_CLUSTERS: usize = 100;
const CELLS_PER_CLUSTER: usize = 30;

/// θ: how much a cluster that holds a batch's share already is shunned.
const DIVERSITY: i32 = 2;

/// λ: how many cells' worth of evidence a batch's own mean needs.
const RIDGE: f64 = 1.0;

/// Most rounds of clustering between two corrections.
const ROUNDS_WITHIN: usize = 20;

/// Relative change of the objective below which such a round was the last.
const SETTLED_WITHIN: f64 = 1e-3;

/// Share of the cells whose clusters are found anew at a time.
const SHARE_AT_A_TIME: f64 = 0.05;

/// Rounds of clustering before all, which do not look at batches.
const FIRST_ROUNDS: usize = 10;

/// The cells while the correction is learnt.
pub(super) struct Learning<'a> {
    batches: &'a [u32],
    /// Share of each batch in all cells.
    batch_shares: Vec<f64>,
    /// The cells, corrected and of length 1: n × components.
    unit: Array2<f32>,
    pub(super) centers: Array2<f32>,
    /// Share of every cell in every cluster: n × k.
    shares: Array2<f64>,
    /// Sums of these by cluster and batch: k × batches.
    held: Array2<f64>,
    pub(super) offsets: Vec<Vec<Vec<f64>>>,
    rng: rand_chacha::ChaCha8Rng,
}

impl<'a> Learning<'a> {
    pub(super) fn start(
        scores: &Array2<f32>,
        batches: &'a [u32],
        n_batches: usize,
        seed: u64,
    ) -> Self {
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
    pub(super) fn cluster(&mut self) -> f64 {
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
    pub(super) fn penalties(&self) -> Array2<f64> {
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
    pub(super) fn correct(&mut self, scores: &Array2<f32>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_by_hand() {
        // Means 2 and 6 of three cells each: μ = 4, and ±2 · 3 / (3 + 1) is left after the ridge.
        let found = offsets(&[vec![6.0], vec![18.0]], &[3.0, 3.0]);
        assert!((found[0][0] + 1.5).abs() < 1e-12 && (found[1][0] - 1.5).abs() < 1e-12);
    }
}
