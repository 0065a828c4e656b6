//! Rows of a matrix stored column by column.

use super::{
    H5adError,
    csr::for_each_index,
    matrix::{Matrix, Sparse},
    sparse_rows::SparseRows,
};

/// How many values are read at once.
const BLOCK: usize = 1 << 20;

/// The whole matrix by rows: its stored order cannot be streamed by cells.
///
/// The indices are read twice (once to count, once to place), the values once; 8 bytes per stored
/// value stay in memory, as much as a CSR matrix of that size, plus 16 per cell and gene.
pub(super) fn read_all(matrix: &Matrix, parts: &Sparse) -> Result<SparseRows, H5adError> {
    let starts = parts.offsets()?;
    let n_values = parts.data.len()?;
    let mut offsets = vec![0_usize; matrix.n_cells + 1];
    for_each_index(&parts.indices, 0..n_values, matrix.n_cells, |cell| {
        offsets[cell as usize + 1] += 1;
    })?;
    for cell in 0..matrix.n_cells {
        offsets[cell + 1] += offsets[cell];
    }
    let mut next = offsets.clone();
    let mut columns = vec![0_u32; n_values];
    let mut values = vec![0_f32; n_values];
    let mut gene = 0;
    for start in (0..n_values).step_by(BLOCK) {
        let stored = start..n_values.min(start + BLOCK);
        let block = parts.data.read_range::<f32>(stored.clone())?;
        let mut position = 0;
        for_each_index(&parts.indices, stored, matrix.n_cells, |cell| {
            while starts[gene + 1] <= start + position {
                gene += 1;
            }
            let slot = &mut next[cell as usize];
            columns[*slot] = gene as u32;
            values[*slot] = block[position];
            *slot += 1;
            position += 1;
        })?;
    }
    Ok(SparseRows {
        offsets,
        columns,
        values,
    })
}
