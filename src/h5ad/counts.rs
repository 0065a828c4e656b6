//! The raw counts of an open file, a run of cells at a time.

use std::ops::Range;

use super::{
    H5adError,
    array::Array,
    csc, csr, dense,
    element::Group,
    evidence::{self, Seems},
    matrix::{Matrix, Sparse, Storage},
    sparse_rows::NotCount,
};
use crate::counts::{CountSource, Csr};

/// Raw counts, cells × genes, in an open file.
///
/// Reading `rows` costs memory for those rows only. A matrix stored by genes (CSC) cannot be read so:
/// it is turned into rows when it is opened, see [`super::H5ad::counts`]. Every value is checked on
/// its way: negative, fractional or infinite ones end in an error.
#[derive(Debug)]
pub struct Counts {
    matrix: Matrix,
    rows: Rows,
    anndata: Option<Group>,
}

/// Where rows are read from.
#[derive(Debug)]
enum Rows {
    Dense(Array),
    Csr { parts: Sparse, offsets: Vec<usize> },
    Turned(csc::Turned),
}

impl Counts {
    /// Reads a sample of values, a CSR matrix's offsets, or all of a CSC matrix. `anndata` is the file
    /// whose other matrices a message may name.
    pub(crate) fn open(matrix: Matrix, anndata: Option<Group>) -> Result<Self, H5adError> {
        let sample = matrix.sample()?;
        if let Some(value) = evidence::first_no_count(&sample) {
            return Err(not_counts(&matrix, anndata.as_ref(), NotCount(value)));
        }
        let rows = match &matrix.storage {
            Storage::Dense(array) => Rows::Dense(array.clone()),
            Storage::Csr(parts) => Rows::Csr {
                parts: parts.clone(),
                offsets: parts.offsets()?,
            },
            Storage::Csc(parts) => Rows::Turned(csc::turn(&matrix, parts)?),
        };
        Ok(Self {
            matrix,
            rows,
            anndata,
        })
    }
}

impl CountSource for Counts {
    fn n_cells(&self) -> usize {
        self.matrix.n_cells
    }

    fn n_genes(&self) -> usize {
        self.matrix.n_genes
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, H5adError> {
        let n_genes = self.matrix.n_genes;
        let raw = match &self.rows {
            Rows::Turned(turned) => turned.read_rows(cells)?,
            Rows::Csr { parts, offsets } => csr::read_rows(parts, offsets, n_genes, cells)?,
            Rows::Dense(array) => dense::read_rows(array, cells)?,
        };
        raw.into_counts(n_genes)
            .map_err(|found| not_counts(&self.matrix, self.anndata.as_ref(), found))
    }
}

fn not_counts(matrix: &Matrix, anndata: Option<&Group>, found: NotCount) -> H5adError {
    let element = matrix.place.element();
    H5adError::NotCounts {
        path: matrix.place.path(),
        value: found.0,
        seems: matrix
            .sample()
            .map_or(Seems::Counts, |sample| Seems::of(&sample)),
        places: anndata.map(|root| evidence::places_with_counts(root, &element)),
        element,
    }
}
