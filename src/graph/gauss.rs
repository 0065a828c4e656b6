//! Gaussian kernel with one bandwidth per cell.
//!
//! W = √(2σᵢσⱼ / (σᵢ² + σⱼ²)) · exp(−D² / (σᵢ² + σⱼ²)): Haghverdi et al., *Diffusion pseudotime
//! robustly reconstructs lineage branching*, Nat Methods 2016, doi:10.1038/nmeth.3971.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    cosine::Directions,
    error::{GraphError, check},
    neighbors::{self, Neighbor, Neighborhoods, Rows},
};

/// Weights of a dense graph up to this one are 0.
const NEGLIGIBLE: f32 = 1e-14;

/// From this exponent on a weight is below 1e-17; `exp` is slow on the numbers beyond.
const FAR: f32 = 40.0;

/// Smallest bandwidth, several times the rounding error of a cosine distance.
///
/// Deviation: scanpy divides 0 by 0 where all neighbours of two cells coincide with them. With this
/// bandwidth such cells have a weight of nearly 1, whatever rounding makes of their distance.
const MIN_BANDWIDTH: f32 = 4e-6;

/// The dense kernel: weights and distances between all cells, computed for any run of rows.
///
/// It holds the cells' features and bandwidths, never a cells × cells matrix.
#[derive(Debug, Clone)]
pub struct GaussKernel {
    directions: Directions,
    bandwidths: Vec<f32>,
    n_neighbors: usize,
}

impl GaussKernel {
    /// The kernel of cells × features (any scale, finite) with neighbourhoods of `n_neighbors`
    /// cells, the cell itself counted, at least 2.
    ///
    /// Cost: n² · features operations; memory linear in n.
    ///
    /// # Errors
    ///
    /// Where there are fewer cells than neighbours, or a feature is not finite.
    pub fn fit(features: ArrayView2<f32>, n_neighbors: usize) -> Result<Self, GraphError> {
        check(&features, n_neighbors)?;
        let directions = Directions::of(&features);
        let neighborhoods = neighbors::among(&directions, n_neighbors - 1);
        Ok(Self::new(directions, &neighborhoods, n_neighbors))
    }

    /// The kernel together with its n × n distances, for which the cells are compared only once.
    pub(super) fn with_distances(
        directions: Directions,
        n_neighbors: usize,
    ) -> (Self, Array2<f32>) {
        let distances = directions.all_distances();
        let rows = Rows::From(0);
        let neighborhoods = neighbors::in_rows(&distances, rows, n_neighbors - 1);
        (
            Self::new(directions, &neighborhoods, n_neighbors),
            distances,
        )
    }

    fn new(directions: Directions, neighborhoods: &Neighborhoods, n_neighbors: usize) -> Self {
        Self {
            directions,
            bandwidths: far_bandwidths(neighborhoods),
            n_neighbors,
        }
    }

    /// Weights and cosine distances of a run of cells to all cells: each run × n, `f32`.
    ///
    /// Rows of the dense [`CellGraph`](super::CellGraph), to rounding. Cost: run · n · features
    /// operations.
    #[must_use]
    pub fn rows(&self, cells: Range<usize>) -> (Array2<f32>, Array2<f32>) {
        let distances = self.directions.distances(cells.clone());
        (self.weights(cells, distances.clone()), distances)
    }

    /// The weights of a run of cells, in the place of their distances.
    pub(super) fn weights(&self, cells: Range<usize>, distances: Array2<f32>) -> Array2<f32> {
        dense_weights(distances, &self.bandwidths[cells], &self.bandwidths)
    }

    /// Weights of other cells to all cells of the kernel: queries × n.
    pub(super) fn bridge(&self, queries: &Directions) -> Array2<f32> {
        let n_queries = queries.n_cells();
        let distances = self.directions.distances_from(queries, 0..n_queries);
        let count = self.n_neighbors - 1;
        let neighborhoods = neighbors::in_rows(&distances, Rows::Elsewhere, count);
        dense_weights(distances, &far_bandwidths(&neighborhoods), &self.bandwidths)
    }
}

/// Turns distances into weights, given the bandwidths of rows and columns.
fn dense_weights(mut matrix: Array2<f32>, rows: &[f32], columns: &[f32]) -> Array2<f32> {
    matrix
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(rows)
        .for_each(|(mut row, &own)| {
            for (value, &other) in row.iter_mut().zip(columns) {
                let weight = weight(*value, own, other);
                *value = if weight > NEGLIGIBLE { weight } else { 0.0 };
            }
        });
    matrix
}

/// The weight of two cells at this distance, with these bandwidths σ.
pub(super) fn weight(distance: f32, a: f32, b: f32) -> f32 {
    let narrowness = (a * a + b * b).recip();
    let exponent = distance * distance * narrowness;
    if exponent > FAR {
        return 0.0;
    }
    (2.0 * a * b * narrowness).sqrt() * (-exponent).exp()
}

/// σ where every cell counts: half the distance to the last cell of the neighbourhood.
fn far_bandwidths(neighborhoods: &Neighborhoods) -> Vec<f32> {
    let last = |neighbors: &Vec<Neighbor>| neighbors.last().map_or(0.0, |last| last.distance);
    neighborhoods
        .iter()
        .map(|neighbors| (last(neighbors) / 2.0).max(MIN_BANDWIDTH))
        .collect()
}

/// σ where only neighbours count: σ² is the median of the squared distances to them.
pub(super) fn near_bandwidths(neighborhoods: &Neighborhoods) -> Vec<f32> {
    neighborhoods
        .iter()
        .map(|neighbors| {
            let square = |rank: usize| neighbors[rank].distance.powi(2);
            let n = neighbors.len();
            let median = f32::midpoint(square((n - 1) / 2), square(n / 2));
            median.sqrt().max(MIN_BANDWIDTH)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(distances: &[f32]) -> Vec<Neighbor> {
        let neighbor = |(cell, &distance)| Neighbor { cell, distance };
        (0_u32..).zip(distances).map(neighbor).collect()
    }

    #[test]
    fn weights_by_hand() {
        // Equal bandwidths 1: exp(−D²/2). Bandwidths 1 and 2: √(4/5) · exp(−D²/5).
        assert!((weight(1.0, 1.0, 1.0) - (-0.5_f32).exp()).abs() < 1e-7);
        assert!((weight(1.0, 1.0, 2.0) - 0.8_f32.sqrt() * (-0.2_f32).exp()).abs() < 1e-7);
    }

    #[test]
    fn bandwidths_by_hand() {
        let neighborhoods = vec![at(&[0.25, 0.5, 1.0]), at(&[0.0, 0.0, 0.0])];
        assert_eq!(far_bandwidths(&neighborhoods), [0.5, MIN_BANDWIDTH]);
        assert_eq!(near_bandwidths(&neighborhoods), [0.5, MIN_BANDWIDTH]);
        let even = near_bandwidths(&vec![at(&[0.5, 1.0])]);
        assert!((even[0] - 0.625_f32.sqrt()).abs() < 1e-7);
    }

    #[test]
    fn coinciding_cells_have_weight_1_whatever_the_rounding() {
        for distance in [0.0, 4.0 * f32::EPSILON] {
            assert!(weight(distance, MIN_BANDWIDTH, MIN_BANDWIDTH) > 0.99);
        }
    }
}
