//! UMAP's fuzzy simplicial set.
//!
//! `McInnes`, Healy & Melville, *UMAP*, arXiv:1802.03426, section 3.1 and algorithms 2 to 4; with local
//! connectivity 1, a pure fuzzy union, and umap-learn's lower bound on the scales.

use rayon::prelude::*;

use super::neighborhoods::{Neighbor, Neighborhoods};
use crate::bisection::root;

/// Bisections of a scale.
const N_ITERATIONS: usize = 64;

/// How near the sum of memberships has to come to its target.
const TOLERANCE: f64 = 1e-5;

/// Smallest scale, relative to the mean distance.
const MIN_RELATIVE_SCALE: f64 = 1e-3;

/// How membership in one cell's neighbourhood falls with distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Membership {
    /// ρ: up to the nearest neighbour that does not coincide with the cell, membership is 1.
    nearest: f32,
    /// σ: beyond, membership falls by e over this distance.
    scale: f32,
    /// Distance of the last neighbour.
    reach: f32,
}

impl Membership {
    /// Fits a cell's membership so that its neighbours' add up to log₂ k, k with the cell itself.
    ///
    /// `typical` is the mean distance over all neighbourhoods, for cells that coincide with all
    /// their neighbours.
    pub(super) fn fit(neighbors: &[Neighbor], typical: f64) -> Self {
        let distances = || neighbors.iter().map(|neighbor| neighbor.distance);
        let nearest = distances().find(|&distance| distance > 0.0).unwrap_or(0.0);
        let mean = if nearest > 0.0 {
            mean_distance(neighbors)
        } else {
            typical
        };
        let excess: Vec<f64> = distances()
            .map(|distance| f64::from((distance - nearest).max(0.0)))
            .collect();
        Self {
            nearest,
            scale: scale(&excess).max(MIN_RELATIVE_SCALE * mean) as f32,
            reach: neighbors.last().map_or(0.0, |last| last.distance),
        }
    }

    /// How far a cell at this distance belongs to the neighbourhood, from 0 to 1.
    pub(super) fn of(&self, distance: f32) -> f32 {
        let excess = distance - self.nearest;
        if excess <= 0.0 || self.scale == 0.0 {
            1.0
        } else {
            (-excess / self.scale).exp()
        }
    }

    /// [`Self::of`], and 0 beyond the last neighbour.
    pub(super) fn within_reach(&self, distance: f32) -> f32 {
        if distance <= self.reach {
            self.of(distance)
        } else {
            0.0
        }
    }
}

/// Memberships of every cell's neighbourhood.
pub(super) fn memberships(neighborhoods: &Neighborhoods, typical: f64) -> Vec<Membership> {
    neighborhoods
        .par_iter()
        .map(|neighbors| Membership::fit(neighbors, typical))
        .collect()
}

/// The mean distance over all neighbourhoods, each cell's distance 0 to itself included.
pub(super) fn typical_distance(neighborhoods: &Neighborhoods) -> f64 {
    let sum: f64 = neighborhoods.iter().map(mean_distance).sum();
    sum / neighborhoods.len() as f64
}

fn mean_distance(neighbors: &[Neighbor]) -> f64 {
    let sum: f64 = neighbors.iter().map(|near| f64::from(near.distance)).sum();
    sum / (neighbors.len() + 1) as f64
}

/// Membership in either of two neighbourhoods.
pub(super) fn union(a: f32, b: f32) -> f32 {
    a + b - a * b
}

/// The scale at which exp(−excess / scale) adds up to log₂ k, by bisection.
fn scale(excess: &[f64]) -> f64 {
    let target = ((excess.len() + 1) as f64).log2();
    root(N_ITERATIONS, TOLERANCE, |scale| {
        let sum: f64 = excess.iter().map(|excess| (-excess / scale).exp()).sum();
        sum - target
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::neighborhoods::at;

    #[test]
    fn the_scale_solves_its_equation() {
        // Three neighbours with excess 0, 1, 1: 1 + 2·exp(−1/σ) = log₂ 4, so σ = 1/ln 2.
        assert!((scale(&[0.0, 1.0, 1.0]) - 1.0 / 2.0_f64.ln()).abs() < 1e-4);
    }

    #[test]
    fn membership_by_hand() {
        let membership = Membership::fit(&at(&[0.5, 1.5, 1.5]), 9.0);
        assert!((membership.of(0.2) - 1.0).abs() < 1e-7);
        assert!((membership.of(0.5) - 1.0).abs() < 1e-7);
        assert!((membership.of(1.5) - 0.5).abs() < 1e-4);
        assert!((membership.within_reach(1.5) - 0.5).abs() < 1e-4);
        assert!(membership.within_reach(1.6).abs() < 1e-7);
    }

    #[test]
    fn coinciding_neighbours_do_not_count_as_the_nearest() {
        let membership = Membership::fit(&at(&[0.0, 0.5, 1.0]), 9.0);
        assert!((membership.of(0.5) - 1.0).abs() < 1e-7);
        let all = Membership::fit(&at(&[0.0, 0.0, 0.0]), 9.0);
        assert!((all.of(0.0) - 1.0).abs() < 1e-7);
        assert!((all.of(0.009) - (-1.0_f32).exp()).abs() < 1e-6);
    }

    #[test]
    fn unions_by_hand() {
        assert!((union(0.5, 0.5) - 0.75).abs() < 1e-7);
        assert!((union(1.0, 0.3) - 1.0).abs() < 1e-7);
    }
}
