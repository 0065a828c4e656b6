//! Sparse count matrices, as every stage passes them on.

use std::{fmt::Debug, ops::Range};

use crate::h5ad::H5adError;

/// Cells × genes in compressed sparse rows: `f32` values, `u32` columns, 64-bit row offsets.
pub type Csr = sprs::CsMatI<f32, u32, usize>;

/// Raw counts, cells × genes, that can be read a run of rows at a time.
pub trait CountSource: Debug {
    /// Number of cells (rows).
    fn n_cells(&self) -> usize;

    /// Number of genes (columns).
    fn n_genes(&self) -> usize;

    /// The raw counts of a run of cells: NaN already 0, columns sorted within a row, duplicates summed,
    /// no stored zeros.
    fn rows(&self, cells: Range<usize>) -> Result<Csr, H5adError>;
}

impl CountSource for Csr {
    fn n_cells(&self) -> usize {
        self.rows()
    }

    fn n_genes(&self) -> usize {
        self.cols()
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, H5adError> {
        Ok(self.slice_outer(cells).to_owned())
    }
}
