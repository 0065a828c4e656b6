//! Products of some cells with the soft clusters: how near they are, what their sums are, and what is taken off them.
//!
//! Matrices are slices of rows of `f32`. Each product is one thread's.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::Array2;

use crate::special::exp;

/// σ: how soft the clusters are.
pub(super) const SOFTNESS: f32 = 0.1;

/// Cells that are multiplied with the centres at a time.
pub(super) const BLOCK: usize = 512;

/// exp(−2 (1 − cosine) / σ) of some cells to all centres, both of length 1, over its largest value of each cell: n × k. Also the
/// largest cosine of each cell.
pub(super) fn nearness(
    unit: &[f32],
    centers: &Array2<f32>,
    nearness: &mut [f32],
    largest: &mut [f32],
) {
    let k = centers.nrows();
    let out = MatMut::from_row_major_slice_mut(nearness, largest.len(), k);
    let cells = matrix(unit, largest.len());
    matmul(
        out,
        Accum::Replace,
        cells,
        rows(centers).transpose(),
        1.0,
        Par::Seq,
    );
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, largest) in nearness.chunks_exact_mut(k).zip(largest) {
                *largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for cosine in row {
                    *cosine = exp((2.0 / SOFTNESS) * (*cosine - *largest));
                }
            }
        },
    );
}

/// Takes the offsets of a batch (k × components) off some of its cells (n × components), each by its shares (n × k).
pub(super) fn take_off(cells: &mut [f32], shares: &[f32], offsets: &Array2<f32>) {
    let width = offsets.ncols();
    let n_cells = cells.len() / width;
    let shares = matrix(shares, n_cells);
    let cells = MatMut::from_row_major_slice_mut(cells, n_cells, width);
    matmul(cells, Accum::Add, shares, rows(offsets), -1.0, Par::Seq);
}

/// Sums of some cells (n × components) in every cluster, each by its shares (n × k): k × components.
pub(super) fn sums(shares: &[f32], cells: &[f32], n_cells: usize) -> Vec<f32> {
    let (shares, cells) = (matrix(shares, n_cells), matrix(cells, n_cells));
    let (k, width) = (shares.ncols(), cells.ncols());
    let mut sums = vec![0.0; k * width];
    let out = MatMut::from_row_major_slice_mut(&mut sums, k, width);
    matmul(
        out,
        Accum::Replace,
        shares.transpose(),
        cells,
        1.0,
        Par::Seq,
    );
    sums
}

/// Some rows of a matrix, one after the other.
pub(super) fn part(array: &Array2<f32>, rows: Range<usize>) -> &[f32] {
    let width = array.ncols();
    &array.as_slice().unwrap_or_default()[rows.start * width..rows.end * width]
}

fn matrix(values: &[f32], n_rows: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, n_rows, values.len() / n_rows.max(1))
}

fn rows(array: &Array2<f32>) -> MatRef<'_, f32> {
    matrix(array.as_slice().unwrap_or_default(), array.nrows())
}
