//! Cosine distances between cells, by blocks of rows.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use rayon::prelude::*;

use crate::unit::scale_to_unit;

/// Distances that a thread computes at a time, 8 MiB of them.
const BLOCK_VALUES: usize = 1 << 21;

/// Fewest and most rows of a block.
const BLOCK_ROWS: (usize, usize) = (16, 256);

/// Rounding error of a cosine of thousands of features in `f32`, twice the largest seen.
///
/// Deviation: scanpy takes such distances for real ones. Here they are 0, so that cells that coincide
/// do so when they are compared within the graph and from outside.
pub const ROUNDING: f32 = 4e-6;

/// Cells as vectors of length 1, whose products are cosines. A cell without features stays 0: its
/// distance to every other cell is 1.
#[derive(Debug, Clone)]
pub(super) struct Directions {
    /// Row by row.
    values: Vec<f32>,
    n_cells: usize,
    n_features: usize,
}

impl Directions {
    /// The directions of `features`, cells × features, finite.
    pub(super) fn of(features: &ArrayView2<f32>) -> Self {
        Self::from_owned(features.to_owned())
    }

    /// The same in the place of the features.
    pub(super) fn from_owned(features: Array2<f32>) -> Self {
        let (n_cells, n_features) = features.dim();
        let mut values = if features.is_standard_layout() {
            features.into_raw_vec_and_offset().0
        } else {
            features.iter().copied().collect()
        };
        values
            .par_chunks_mut(n_features.max(1))
            .for_each(scale_to_unit);
        Self {
            values,
            n_cells,
            n_features,
        }
    }

    /// All of them, cells × features.
    pub(super) fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.n_cells, self.n_features), &self.values)
            .unwrap_or_else(|_| unreachable!("rows lie together"))
    }

    /// Number of cells.
    pub(super) fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Number of features.
    pub(super) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Some of them, in this order.
    pub(super) fn select(&self, cells: &[u32]) -> Self {
        let mut values = Vec::with_capacity(cells.len() * self.n_features);
        for &cell in cells {
            values.extend_from_slice(self.row(cell as usize));
        }
        Self {
            values,
            n_cells: cells.len(),
            n_features: self.n_features,
        }
    }

    fn row(&self, cell: usize) -> &[f32] {
        &self.values[cell * self.n_features..][..self.n_features]
    }

    /// The distance of two of them.
    pub(super) fn distance(&self, one: usize, other: usize) -> f32 {
        // Several sums at a time: one after the other, each addition would wait for the one before.
        let ((one, one_rest), (other, other_rest)) = (
            self.row(one).as_chunks::<8>(),
            self.row(other).as_chunks::<8>(),
        );
        let mut sums = [0.0_f32; 8];
        for (a, b) in one.iter().zip(other) {
            for lane in 0..8 {
                sums[lane] += a[lane] * b[lane];
            }
        }
        let rest = one_rest.iter().zip(other_rest).map(|(a, b)| a * b);
        distance(sums.into_iter().chain(rest).sum())
    }

    /// Replaces one of them by another vector of length 1.
    pub(super) fn set(&mut self, cell: usize, direction: &[f32]) {
        self.values[cell * self.n_features..][..self.n_features].copy_from_slice(direction);
    }

    /// Cosines of a run of `queries` to a run of these cells, row by row into `out`: run of queries × run of cells. By one
    /// thread.
    pub(super) fn cosines(
        &self,
        queries: (&Self, Range<usize>),
        cells: Range<usize>,
        out: &mut [f32],
    ) {
        let width = self.n_features;
        let (queries, run) = queries;
        let from = &queries.values[run.start * width..run.end * width];
        let to = &self.values[cells.start * width..cells.end * width];
        matmul(
            MatMut::from_row_major_slice_mut(out, run.len(), cells.len()),
            Accum::Replace,
            MatRef::from_row_major_slice(from, run.len(), width),
            MatRef::from_row_major_slice(to, cells.len(), width).transpose(),
            1.0,
            Par::Seq,
        );
    }

    /// Distances between all cells, symmetric and 0 on the diagonal: cells × cells.
    ///
    /// Each pair is multiplied once: blocks of rows reach from the diagonal to the right, and what is
    /// left of it is copied from above.
    pub(super) fn all_distances(&self) -> Array2<f32> {
        let (n, rows) = (self.n_cells, self.block_rows());
        let mut distances = Array2::zeros((n, n));
        distances
            .axis_chunks_iter_mut(Axis(0), rows)
            .into_par_iter()
            .enumerate()
            .for_each(|(block, out)| self.fill(self, block * rows, block * rows, out));
        for first in (0..n).step_by(rows) {
            mirror(&mut distances, first..(first + rows).min(n));
        }
        distances
    }

    /// Distances of a run of these cells to all of them, 0 from a cell to itself: run × cells.
    pub(super) fn distances(&self, cells: Range<usize>) -> Array2<f32> {
        let mut distances = self.distances_from(self, cells.clone());
        for (row, cell) in cells.enumerate() {
            distances[[row, cell]] = 0.0;
        }
        distances
    }

    /// Distances of a run of `queries` to all of these cells, 1 − cosine, from 0 to 2: run × cells.
    ///
    /// Each block of rows is multiplied by one thread, so that the result does not depend on the
    /// number of threads.
    pub(super) fn distances_from(&self, queries: &Self, run: Range<usize>) -> Array2<f32> {
        let mut distances = Array2::zeros((run.len(), self.n_cells));
        let rows = self.block_rows();
        distances
            .axis_chunks_iter_mut(Axis(0), rows)
            .into_par_iter()
            .enumerate()
            .for_each(|(block, out)| self.fill(queries, run.start + block * rows, 0, out));
        distances
    }

    /// The runs of up to [`Self::block_rows`] rows that `n_rows` rows are worked on by.
    pub(super) fn blocks(
        &self,
        n_rows: usize,
    ) -> impl IndexedParallelIterator<Item = Range<usize>> {
        let rows = self.block_rows();
        (0..n_rows.div_ceil(rows))
            .into_par_iter()
            .map(move |block| block * rows..((block + 1) * rows).min(n_rows))
    }

    /// Rows of distances that are computed at a time.
    pub(super) fn block_rows(&self) -> usize {
        (BLOCK_VALUES / self.n_cells.max(1)).clamp(BLOCK_ROWS.0, BLOCK_ROWS.1)
    }

    /// Distances of the queries from `query` on, as many as `out` has rows, to the cells from `cell`
    /// on. `out` has a column for every cell.
    fn fill(&self, queries: &Self, query: usize, cell: usize, mut out: ArrayViewMut2<f32>) {
        let (n_rows, n, width) = (out.nrows(), self.n_cells, self.n_features);
        let Some(values) = out.as_slice_mut() else {
            unreachable!("whole rows of a new matrix lie together");
        };
        let from = &queries.values[query * width..][..n_rows * width];
        let to = &self.values[cell * width..];
        // By columns and transposed: in faer 0.24 the constructor by rows with a stride swaps the two.
        let out = MatMut::from_column_major_slice_with_stride_mut(
            &mut values[cell..],
            n - cell,
            n_rows,
            n,
        );
        matmul(
            out.transpose_mut(),
            Accum::Replace,
            MatRef::from_row_major_slice(from, n_rows, width),
            MatRef::from_row_major_slice(to, n - cell, width).transpose(),
            1.0,
            Par::Seq,
        );
        for row in values.chunks_exact_mut(n) {
            for value in &mut row[cell..] {
                *value = distance(*value);
            }
        }
    }
}

/// Copies what a run of rows lacks left of the diagonal from the columns above, and clears the
/// diagonal.
fn mirror(distances: &mut Array2<f32>, run: Range<usize>) {
    let (above, mut rows) = distances.view_mut().split_at(Axis(0), run.start);
    Zip::from(rows.slice_mut(s![..run.len(), ..run.start]))
        .and(above.slice(s![.., run.clone()]).t())
        .par_for_each(|below, &above| *below = above);
    for cell in run.clone() {
        for other in run.start..cell {
            distances[[cell, other]] = distances[[other, cell]];
        }
        distances[[cell, cell]] = 0.0;
    }
}

/// The distance of two directions of this cosine.
pub(super) fn distance(cosine: f32) -> f32 {
    let distance = (1.0 - cosine).min(2.0);
    if distance > ROUNDING { distance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn four_cells_by_hand() {
        let cells = array![[2.0, 0.0], [0.0, 5.0], [-1e30, 0.0], [0.0, 0.0]];
        let distances = Directions::of(&cells.view()).distances(0..4);
        let expected = array![
            [0.0, 1.0, 2.0, 1.0],
            [1.0, 0.0, 1.0, 1.0],
            [2.0, 1.0, 0.0, 1.0],
            [1.0, 1.0, 1.0, 0.0]
        ];
        assert_eq!(distances, expected);
        assert_eq!(Directions::of(&cells.view()).all_distances(), expected);
    }

    #[test]
    fn distances_between_all_are_symmetric_and_those_of_the_rows() {
        let features =
            Array2::from_shape_fn((530, 41), |(i, j)| ((i * 31 + j * 17) % 23) as f32 - 9.0);
        let cells = Directions::of(&features.view());
        let all = cells.all_distances();
        assert_eq!(all, all.t());
        for (&a, &b) in all.iter().zip(&cells.distances(0..530)) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn blocks_cover_every_row_once() {
        let cells = Directions::of(&Array2::zeros((3, 1)).view());
        let rows: Vec<Range<usize>> = cells.blocks(600).collect();
        assert_eq!(rows, [0..256, 256..512, 512..600]);
    }

    #[test]
    fn other_cells_are_measured_as_these_are() {
        let cells = Directions::of(
            &Array2::from_shape_fn((300, 7), |(i, j)| ((i * 31 + j * 17) % 23) as f32).view(),
        );
        let to_itself = cells.distances(3..280);
        let as_queries = cells.distances_from(&cells, 3..280);
        for ((row, column), &distance) in to_itself.indexed_iter() {
            let expected = if row + 3 == column {
                0.0
            } else {
                as_queries[[row, column]]
            };
            assert_eq!(distance.to_bits(), expected.to_bits());
        }
    }
}
