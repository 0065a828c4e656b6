//! Rows of a dense matrix.

use std::ops::Range;

use super::{H5adError, array::Array, sparse_rows::SparseRows};

/// How much of a dense matrix is in memory at once.
const BLOCK_BYTES: usize = 16 << 20;

/// A run of rows of a dense matrix, read by blocks of about 16 MiB.
pub(super) fn read_rows(array: &Array, cells: Range<usize>) -> Result<SparseRows, H5adError> {
    let n_genes = array.shape()[1];
    let block = (BLOCK_BYTES / (4 * n_genes).max(1)).max(1);
    let mut rows = SparseRows::new();
    for start in cells.clone().step_by(block) {
        let end = cells.end.min(start + block);
        for row in array.read_rows(start..end)?.rows() {
            rows.push_dense(row);
        }
    }
    Ok(rows)
}

/// A run of columns of a matrix of genes × cells as rows, read by blocks of about 16 MiB.
pub(super) fn read_columns(array: &Array, cells: Range<usize>) -> Result<SparseRows, H5adError> {
    let n_genes = array.shape()[0];
    let block = (BLOCK_BYTES / (4 * n_genes).max(1)).max(1);
    let mut rows = SparseRows::new();
    for start in cells.clone().step_by(block) {
        let end = cells.end.min(start + block);
        for column in array.read_columns(start..end)?.columns() {
            rows.push_dense(column);
        }
    }
    Ok(rows)
}
