//! Gaussian kernel with one bandwidth per cell.
//!
//! W = √(2σᵢσⱼ / (σᵢ² + σⱼ²)) · exp(−D² / (σᵢ² + σⱼ²)): Haghverdi et al., *Diffusion pseudotime
//! robustly reconstructs lineage branching*, Nat Methods 2016, doi:10.1038/nmeth.3971.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    adjacency::symmetric,
    cosine::Directions,
    error::{GraphError, check},
    neighborhoods::{Neighbor, Neighborhoods},
    neighbors::{self, Rows},
    target::Aim,
};
use crate::{counts::Csr, special::exp};

/// Weights of a dense graph up to this one are 0.
pub const NEGLIGIBLE: f32 = 1e-14;

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
    aim: Aim,
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
        Ok(Self::of(Directions::of(&features), n_neighbors))
    }

    /// The same of checked directions.
    pub(super) fn of(directions: Directions, n_neighbors: usize) -> Self {
        let neighborhoods = neighbors::among(&directions, n_neighbors - 1);
        Self::new(directions, &neighborhoods, n_neighbors)
    }

    /// Number of cells.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.directions.n_cells()
    }

    /// The cells' features, each cell scaled to length 1: n × features.
    #[must_use]
    pub fn directions(&self) -> ArrayView2<'_, f32> {
        self.directions.view()
    }

    /// Bandwidth σ of every cell.
    #[must_use]
    pub fn bandwidths(&self) -> &[f32] {
        &self.bandwidths
    }

    /// The runs of cells whose rows are worth computing at a time: all cells, in order.
    pub fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let rows = self.directions.block_rows();
        let n_cells = self.n_cells();
        (0..n_cells)
            .step_by(rows)
            .map(move |start| start..(start + rows).min(n_cells))
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
            aim: Aim::Distances,
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

    /// Cosine distances of a run of cells to all cells: run × n, `f32`.
    #[must_use]
    pub fn distances(&self, cells: Range<usize>) -> Array2<f32> {
        self.directions.distances(cells)
    }

    /// The same kernel with another target of the graph loss; [`Self::fit`] aims at distances.
    #[must_use]
    pub fn with_aim(self, aim: Aim) -> Self {
        Self { aim, ..self }
    }

    /// The target of the graph loss.
    #[must_use]
    pub fn aim(&self) -> Aim {
        self.aim
    }

    /// What the model learns to reproduce of a run of cells and all cells: run × n, `f32`.
    #[must_use]
    pub fn target(&self, cells: Range<usize>) -> Array2<f32> {
        self.aim.of_dense(self.distances(cells))
    }

    /// W · right, for `right` of n × m: n × m.
    ///
    /// Each thread holds one run of rows of W. Cost: n² · (features + m) operations. Does not depend on the
    /// number of threads.
    #[must_use]
    pub fn multiply(&self, right: ArrayView2<f32>) -> Array2<f32> {
        let product =
            |rows: Range<usize>| self.weights(rows.clone(), self.distances(rows)).dot(&right);
        let runs = self.directions.blocks(self.n_cells());
        let blocks: Vec<Array2<f32>> = runs.map(product).collect();
        let views: Vec<ArrayView2<f32>> = blocks.iter().map(|block| block.view()).collect();
        concatenate(Axis(0), &views)
            .unwrap_or_else(|_| unreachable!("every block is as wide as `right`"))
    }

    /// The weights of a run of cells, in the place of their distances.
    pub(super) fn weights(&self, cells: Range<usize>, distances: Array2<f32>) -> Array2<f32> {
        dense_weights(distances, &self.bandwidths[cells], &self.bandwidths)
    }

    /// Weights of other cells to all cells of the kernel: queries × n. A query that coincides with one of these has its bandwidth.
    pub(super) fn bridge(&self, queries: &Directions) -> Array2<f32> {
        let n_queries = queries.n_cells();
        let distances = self.directions.distances_from(queries, 0..n_queries);
        let count = self.n_neighbors - 1;
        let neighborhoods = neighbors::in_rows(&distances, Rows::Elsewhere, count);
        let mut bandwidths = far_bandwidths(&neighborhoods);
        for (own, twin) in bandwidths.iter_mut().zip(neighborhoods.twins()) {
            *own = twin.map_or(*own, |twin| self.bandwidths[twin]);
        }
        dense_weights(distances, &bandwidths, &self.bandwidths)
    }

    /// Bandwidths of other cells, each from its nearest cells of the kernel.
    pub(super) fn bandwidths_of(&self, queries: &Directions) -> Vec<f32> {
        far_bandwidths(&neighbors::of_queries(
            &self.directions,
            queries,
            self.n_neighbors - 1,
        ))
    }
}

/// The weights of the dense kernel between the cells of `features` (n × features, any scale, finite) that are not
/// 0, with neighbourhoods of `n_neighbors` cells, each cell itself counted: n × n, `f32`, symmetric, the diagonal 1.
///
/// Exactly the dense [`CellGraph`](super::CellGraph)'s. Where cells form groups most weights are 0, and the memory is
/// that of the others. Cost: n² · features operations, twice.
///
/// # Errors
///
/// Where there are fewer cells than neighbours, or a feature is not finite.
pub fn gauss_weights(features: ArrayView2<f32>, n_neighbors: usize) -> Result<Csr, GraphError> {
    let kernel = GaussKernel::fit(features, n_neighbors)?;
    let n_cells = kernel.n_cells();
    let mut offsets = vec![0];
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for run in kernel.runs() {
        let weights = kernel.weights(run.clone(), kernel.distances(run.clone()));
        for (cell, row) in run.zip(weights.outer_iter()) {
            // From the diagonal on: the two directions of a pair can differ by rounding.
            for (column, &weight) in row.iter().enumerate().skip(cell) {
                if weight > 0.0 {
                    columns.push(column as u32);
                    values.push(weight);
                }
            }
            offsets.push(columns.len());
        }
    }
    let upper = Csr::new((n_cells, n_cells), offsets, columns, values);
    Ok(symmetric(&upper, f32::max))
}

/// Turns distances into weights, given the bandwidths of rows and columns.
pub(super) fn dense_weights(mut matrix: Array2<f32>, rows: &[f32], columns: &[f32]) -> Array2<f32> {
    let arch = pulp::Arch::new();
    matrix
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(rows)
        .for_each(|(mut row, &own)| {
            let Some(row) = row.as_slice_mut() else {
                unreachable!("rows of a new matrix lie together");
            };
            arch.dispatch(Weigh { row, own, columns });
        });
    matrix
}

/// Turns the distances from one cell into weights, as vector code.
struct Weigh<'a> {
    row: &'a mut [f32],
    own: f32,
    columns: &'a [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (value, &other) in self.row.iter_mut().zip(self.columns) {
            let weight = weight(*value, self.own, other);
            *value = if weight > NEGLIGIBLE { weight } else { 0.0 };
        }
    }
}

/// The weight of two cells at this distance, with these bandwidths σ.
#[inline(always)]
pub(super) fn weight(distance: f32, a: f32, b: f32) -> f32 {
    let narrowness = 1.0 / (a * a + b * b);
    (2.0 * a * b * narrowness).sqrt() * exp(-distance * distance * narrowness)
}

/// σ where every cell counts: half the distance to the last cell of the neighbourhood.
fn far_bandwidths(neighborhoods: &Neighborhoods) -> Vec<f32> {
    let last = |neighbors: &[Neighbor]| neighbors.last().map_or(0.0, |last| last.distance);
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
    use crate::graph::neighborhoods::at;

    #[test]
    fn weights_by_hand() {
        // Equal bandwidths 1: exp(−D²/2). Bandwidths 1 and 2: √(4/5) · exp(−D²/5).
        assert!((weight(1.0, 1.0, 1.0) - (-0.5_f32).exp()).abs() < 1e-7);
        assert!((weight(1.0, 1.0, 2.0) - 0.8_f32.sqrt() * (-0.2_f32).exp()).abs() < 1e-7);
    }

    #[test]
    fn bandwidths_by_hand() {
        let rows = [at(&[0.25, 0.5, 1.0]), at(&[0.0, 0.0, 0.0])];
        let neighborhoods = Neighborhoods::of_each(2, 3, |cell| rows[cell].clone());
        assert_eq!(far_bandwidths(&neighborhoods), [0.5, MIN_BANDWIDTH]);
        assert_eq!(near_bandwidths(&neighborhoods), [0.5, MIN_BANDWIDTH]);
        let even = near_bandwidths(&Neighborhoods::of_each(1, 2, |_| at(&[0.5, 1.0])));
        assert!((even[0] - 0.625_f32.sqrt()).abs() < 1e-7);
    }

    #[test]
    fn coinciding_cells_have_weight_1_whatever_the_rounding() {
        for distance in [0.0, 4.0 * f32::EPSILON] {
            assert!(weight(distance, MIN_BANDWIDTH, MIN_BANDWIDTH) > 0.99);
        }
    }
}
