//! Euclidean distances from one cell to many, a few cells at a time.

use ndarray::ArrayView2;
use pulp::{Arch, Simd, WithSimd};

/// Cells whose distances are computed together: four registers of four floats.
pub(crate) const LANES: usize = 16;

/// Cells that are compared with a tile while it is in the cache.
pub(crate) const QUERIES: usize = 32;

/// Cells stored so that [`LANES`] of them are compared at once: per tile, one run of lanes per dimension.
///
/// Distances are those of direct differences: the expansion ‖a‖² + ‖b‖² − 2ab would lose the digits that
/// tell near cells apart.
pub(crate) struct Tiles {
    values: Vec<[f32; LANES]>,
    n_cells: usize,
    n_dims: usize,
    arch: Arch,
}

impl Tiles {
    /// Copies rows `cells` of `z`; the last tile is padded with zeros.
    pub(crate) fn new(z: ArrayView2<f32>, cells: &[usize]) -> Self {
        let n_dims = z.ncols();
        let mut values = vec![[0.0; LANES]; cells.len().div_ceil(LANES) * n_dims];
        for (position, &cell) in cells.iter().enumerate() {
            let first = position / LANES * n_dims;
            for (lanes, &value) in values[first..].iter_mut().zip(z.row(cell)) {
                lanes[position % LANES] = value;
            }
        }
        Self {
            values,
            n_cells: cells.len(),
            n_dims,
            arch: Arch::new(),
        }
    }

    /// Number of tiles.
    pub(crate) fn len(&self) -> usize {
        self.n_cells.div_ceil(LANES)
    }

    /// Squared distances from `query` to the cells of a tile, one per lane that holds a cell.
    pub(crate) fn squared_distances(&self, tile: usize, query: &[f32]) -> ([f32; LANES], usize) {
        let values = &self.values[tile * self.n_dims..(tile + 1) * self.n_dims];
        let n_lanes = LANES.min(self.n_cells - tile * LANES);
        (self.arch.dispatch(TileDistances { values, query }), n_lanes)
    }

    /// Sum of the distances from each query (a row) to every cell. Roots are of `f32`, sums of `f64`.
    pub(crate) fn total_distances(&self, queries: &[Vec<f32>]) -> Vec<f64> {
        let mut sums = vec![[0.0_f64; LANES]; queries.len()];
        for tile in 0..self.len() {
            for (query, sums) in queries.iter().zip(&mut sums) {
                let (squares, n_lanes) = self.squared_distances(tile, query);
                add_roots(sums, &squares, n_lanes);
            }
        }
        sums.iter().map(|lanes| lanes.iter().sum()).collect()
    }
}

fn add_roots(sums: &mut [f64; LANES], squares: &[f32; LANES], n_lanes: usize) {
    let roots = squares.map(f32::sqrt);
    if n_lanes == LANES {
        // a fixed length is what lets this run in registers
        for (sum, root) in sums.iter_mut().zip(roots) {
            *sum += f64::from(root);
        }
    } else {
        for (sum, &root) in sums.iter_mut().zip(&roots[..n_lanes]) {
            *sum += f64::from(root);
        }
    }
}

/// Rows of `z` as queries.
pub(crate) fn queries(z: ArrayView2<f32>, cells: impl IntoIterator<Item = usize>) -> Vec<Vec<f32>> {
    let rows = cells.into_iter().map(|cell| z.row(cell).to_vec());
    rows.collect()
}

/// The squared distances of one tile, compiled once for every width of registers that processors have.
struct TileDistances<'a> {
    values: &'a [[f32; LANES]],
    query: &'a [f32],
}

impl WithSimd for TileDistances<'_> {
    type Output = [f32; LANES];

    #[expect(
        clippy::inline_always,
        reason = "only what is inlined is compiled for the wider registers"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let mut squares = [0.0; LANES];
        for (lanes, &q) in self.values.iter().zip(self.query) {
            for (square, &value) in squares.iter_mut().zip(lanes) {
                let difference = value - q;
                *square += difference * difference;
            }
        }
        squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn equals_the_plain_formula_for_full_and_padded_tiles() {
        let z = Array2::from_shape_fn((41, 3), |(i, k)| ((i * 7 + k * 5) % 23) as f32 * 0.5);
        for n_cells in [1, 15, 16, 17, 41] {
            let cells: Vec<usize> = (0..n_cells).map(|i| (i * 17) % 41).collect();
            let tiles = Tiles::new(z.view(), &cells);
            let query = vec![1.0, -2.0, 0.25];
            let found: Vec<f32> = (0..tiles.len())
                .map(|tile| tiles.squared_distances(tile, &query))
                .flat_map(|(squares, n_lanes)| squares[..n_lanes].to_vec())
                .collect();
            let expected: Vec<f32> = cells
                .iter()
                .map(|&i| (0..3).map(|k| (z[(i, k)] - query[k]).powi(2)).sum())
                .collect();
            assert_eq!(found, expected);
            let total: f64 = expected.iter().map(|&d| f64::from(d.sqrt())).sum();
            let found = tiles.total_distances(&[query.clone(), query]);
            for sum in found {
                assert!((sum - total).abs() < 1e-9 * total);
            }
        }
    }
}
