//! Rows of a matrix stored row by row.

use std::ops::Range;

use super::{H5adError, array::Array, matrix::Sparse, sparse_rows::SparseRows};

/// How many indices are in memory as 64-bit numbers at once.
const BLOCK: usize = 1 << 20;

/// A run of rows of a CSR matrix whose offsets are known.
pub(super) fn read_rows(
    parts: &Sparse,
    offsets: &[usize],
    n_genes: usize,
    cells: Range<usize>,
) -> Result<SparseRows, H5adError> {
    let stored = offsets[cells.start]..offsets[cells.end];
    let mut columns = Vec::with_capacity(stored.len());
    for_each_index(&parts.indices, stored.clone(), n_genes, |column| {
        columns.push(column);
    })?;
    let offsets = offsets[cells.start..=cells.end].iter();
    Ok(SparseRows {
        offsets: offsets.map(|offset| offset - stored.start).collect(),
        columns,
        values: parts.data.read_range(stored)?,
    })
}

/// Calls `visit` with each index of a run, all of them below `limit`.
pub(super) fn for_each_index(
    indices: &Array,
    stored: Range<usize>,
    limit: usize,
    mut visit: impl FnMut(u32),
) -> Result<(), H5adError> {
    for start in stored.clone().step_by(BLOCK) {
        let end = stored.end.min(start + BLOCK);
        for found in indices.read_range::<i64>(start..end)? {
            match u32::try_from(found) {
                Ok(index) if (index as usize) < limit => visit(index),
                _ => {
                    return Err(H5adError::OutOfRange {
                        path: indices.place().path(),
                        element: indices.place().element(),
                        found,
                        limit,
                    });
                }
            }
        }
    }
    Ok(())
}
