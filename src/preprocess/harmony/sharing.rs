//! Shares of the cells in soft clusters that hold all batches alike.

use ndarray::{Array2, Axis, aview1};

use super::products::{SOFTNESS, part};
use crate::special::sum;

/// θ: how much a cluster that holds a batch's share already is shunned.
const DIVERSITY: i32 = 2;

/// How near the cells are to the centres.
pub(super) struct Nearness {
    /// exp(−2 (1 − cosine) / σ) over its largest value of each cell: n × k.
    pub of_cells: Vec<f32>,
    /// The largest cosine of each cell.
    pub largest: Vec<f32>,
}

/// ((expected + 1) / (held + 1))^θ by batch and cluster, and their logarithms: batches × k.
pub(super) struct Penalties {
    pub values: Array2<f32>,
    logarithms: Array2<f32>,
}

impl Penalties {
    /// From what the clusters hold, batches × k.
    pub(super) fn of(held: &Array2<f64>, batch_shares: &[f64]) -> Self {
        let of_cluster = held.sum_axis(Axis(0));
        let ratio = |(batch, cluster)| {
            let expected: f64 = of_cluster[cluster] * batch_shares[batch];
            (expected + 1.0) / (held[(batch, cluster)] + 1.0)
        };
        let values = Array2::from_shape_fn(held.dim(), |place| ratio(place).powi(DIVERSITY) as f32);
        Self {
            logarithms: values.mapv(f32::ln),
            values,
        }
    }
}

impl Nearness {
    /// Shares of some cells by the penalties, cells × k; their distance to the centres, less entropy.
    ///
    /// With s_k ∝ exp(−2 (1 − c_k) / σ) · p_k, Σ_k s_k (2 (1 − c_k) + σ ln s_k) = 2 (1 − max c) + σ (Σ_k s_k ln p_k − ln t), t being
    /// what the shares, over the largest nearness, added up to before.
    pub(super) fn share_out(
        &self,
        shares: &mut [f32],
        places: &[usize],
        batches: &[u32],
        penalties: &Penalties,
    ) -> f64 {
        let k = penalties.values.ncols();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let mut fit = 0.0;
                for (row, &place) in shares.chunks_exact_mut(k).zip(places) {
                    let batch = batches[place] as usize;
                    row.copy_from_slice(&self.of_cells[place * k..][..k]);
                    let total = share_out(row, part(&penalties.values, batch..batch + 1));
                    let logarithms = penalties.logarithms.row(batch);
                    let penalty = logarithms.dot(&aview1(row)) - total.ln();
                    let distance = 2.0 * (1.0 - self.largest[place]);
                    fit += f64::from(distance + SOFTNESS * penalty);
                }
                fit
            },
        )
    }
}

/// How unevenly clusters hold the batches (batches × k), as the objective counts it.
pub(super) fn unevenness(held: &Array2<f64>, batch_shares: &[f64]) -> f64 {
    let of_cluster = held.sum_axis(Axis(0));
    let uneven = held.indexed_iter().map(|((batch, cluster), held)| {
        let expected = of_cluster[cluster] * batch_shares[batch];
        held * ((held + 1.0) / (expected + 1.0)).ln()
    });
    f64::from(SOFTNESS) * f64::from(DIVERSITY) * uneven.sum::<f64>()
}

/// Turns the nearness of a cell to the clusters into shares that add up to 1, in proportion to nearness · penalty; what they added
/// up to before.
#[inline(always)]
pub(super) fn share_out(nearness: &mut [f32], penalties: &[f32]) -> f32 {
    for (value, penalty) in nearness.iter_mut().zip(penalties) {
        *value *= penalty;
    }
    let total = sum(nearness) as f32;
    for value in nearness {
        *value /= total;
    }
    total
}

/// The same for many cells of one batch, n × k.
pub(super) fn share_out_all(nearness: &mut [f32], penalties: &[f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in nearness.chunks_exact_mut(penalties.len()) {
                share_out(row, penalties);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_distances_are_those_of_the_formulas() {
        let cosines = [0.9_f32, 0.7, 0.95];
        let held = ndarray::array![[1.0, 4.0, 2.0], [6.0, 3.0, 0.5]];
        let batch_shares = [0.25, 0.75];
        let penalties = Penalties::of(&held, &batch_shares);
        let of_cells = cosines.map(|cosine| (-2.0 * (0.95 - cosine) / SOFTNESS).exp());
        let near = Nearness {
            of_cells: of_cells.into(),
            largest: vec![0.95],
        };
        let mut shares = [0.0; 3];
        let fit = near.share_out(&mut shares, &[0], &[1], &penalties);
        let penalty = |cluster: usize| {
            let expected = (held[(0, cluster)] + held[(1, cluster)]) * batch_shares[1];
            ((expected + 1.0) / (held[(1, cluster)] + 1.0)).powi(2)
        };
        let weights: Vec<f64> = (0..3)
            .map(|k| (-20.0 * (1.0 - f64::from(cosines[k]))).exp() * penalty(k))
            .collect();
        let expected = weights
            .iter()
            .map(|weight| weight / weights.iter().sum::<f64>());
        let mut distance = 0.0;
        for ((found, expected), cosine) in shares.iter().zip(expected).zip(cosines) {
            assert!((f64::from(*found) - expected).abs() < 1e-6);
            distance += expected * (2.0 * (1.0 - f64::from(cosine)) + 0.1 * expected.ln());
        }
        assert!((fit - distance).abs() < 1e-6, "{fit} {distance}");
    }
}
