//! The raw counts of an open file, a run of cells at a time.

use std::ops::Range;

use super::{
    H5adError,
    array::Array,
    csc, csr,
    data_frame::DataFrame,
    dense,
    element::Group,
    matrix::{Matrix, Sparse, Storage},
    nan_places::{NanCounter, NanPlaces},
    raw_counts::{self, Seems},
    sparse_rows::{NotCount, SparseRows},
};
use crate::counts::{CountRules, CountSource, CountsError, Csr};

/// Cells that are in memory at once while NaN are counted.
const CELLS: usize = 1024;

/// Raw counts, cells × genes, in an open file.
///
/// Reading `rows` costs memory for those rows only. A matrix stored by genes (CSC) cannot be read so:
/// it is turned into rows when it is opened, see [`super::H5ad::counts`]. Every value is checked on
/// its way: negative, fractional or too large ones, and NaN, end in an error unless the rules permit them.
#[derive(Debug)]
pub struct Counts {
    matrix: Matrix,
    rows: Rows,
    anndata: Option<AnnData>,
    rules: CountRules,
}

/// What messages know besides the matrix.
#[derive(Debug)]
pub(crate) struct AnnData {
    /// The cells.
    pub(crate) obs: DataFrame,
    /// The genes of this matrix.
    pub(crate) var: DataFrame,
    /// Where other matrices lie that may hold counts.
    pub(crate) others: Option<Group>,
}

/// Where rows are read from.
#[derive(Debug)]
enum Rows {
    Dense(Array),
    DenseByGenes(Array),
    Csr { parts: Sparse, offsets: Vec<usize> },
    Turned(csc::Turned),
}

impl Counts {
    /// Reads a sample of values, a CSR matrix's offsets, or all of a CSC matrix.
    pub(crate) fn open(
        matrix: Matrix,
        anndata: Option<AnnData>,
        rules: CountRules,
    ) -> Result<Self, H5adError> {
        let sample = matrix.sample()?;
        if let Some(value) = raw_counts::first_no_count(&sample) {
            let seems = seems(&matrix);
            if !rules.round || rules.count(value).is_none() || !seems.may_be_rounded() {
                return Err(not_counts(
                    &matrix,
                    anndata.as_ref(),
                    NotCount(value),
                    seems,
                ));
            }
        }
        let rows = match &matrix.storage {
            Storage::Dense(array) => Rows::Dense(array.clone()),
            Storage::DenseByGenes(array) => Rows::DenseByGenes(array.clone()),
            Storage::Csr(parts) => {
                // Found now, as the sample found those of the values: a temporary file may lose its name once it is open.
                parts.indices.chunks();
                Rows::Csr {
                    parts: parts.clone(),
                    offsets: parts.offsets()?,
                }
            }
            Storage::Csc(parts) => Rows::Turned(csc::turn(&matrix, parts)?),
        };
        Ok(Self {
            matrix,
            rows,
            anndata,
            rules,
        })
    }

    /// Where NaN are, from a pass over the whole matrix; `None` where there are none.
    pub fn nan_places(&self) -> Result<Option<NanPlaces>, H5adError> {
        let mut counter = NanCounter::new(self.n_genes());
        for start in (0..self.n_cells()).step_by(CELLS) {
            counter.add(&self.raw_rows(start..self.n_cells().min(start + CELLS))?);
        }
        let names = |table: &DataFrame| table.names().unwrap_or_default();
        let named = self.anndata.as_ref();
        let named = named.map(|anndata| (names(&anndata.obs), names(&anndata.var)));
        let (cells, genes) = named.unwrap_or_default();
        Ok(counter.places(&cells, &genes))
    }

    fn raw_rows(&self, cells: Range<usize>) -> Result<SparseRows, H5adError> {
        match &self.rows {
            Rows::Turned(turned) => turned.read_rows(cells),
            Rows::Csr { parts, offsets } => {
                csr::read_rows(parts, offsets, self.matrix.n_genes, cells)
            }
            Rows::Dense(array) => dense::read_rows(array, cells),
            Rows::DenseByGenes(array) => dense::read_columns(array, cells),
        }
    }

    /// The error for a value that is not a count.
    fn refused(&self, found: NotCount) -> H5adError {
        if found.0.is_nan() {
            match self.nan_places() {
                Ok(Some(places)) => {
                    return H5adError::Nan {
                        path: self.matrix.place.path(),
                        element: self.matrix.place.element(),
                        places: Box::new(places),
                    };
                }
                Ok(None) => {}
                Err(error) => return error,
            }
        }
        let seems = seems(&self.matrix);
        not_counts(&self.matrix, self.anndata.as_ref(), found, seems)
    }
}

impl CountSource for Counts {
    fn n_cells(&self) -> usize {
        self.matrix.n_cells
    }

    fn n_genes(&self) -> usize {
        self.matrix.n_genes
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError> {
        let raw = self.raw_rows(cells)?;
        raw.into_counts(self.matrix.n_genes, self.rules)
            .map_err(|found| self.refused(found).into())
    }
}

/// What the values of a matrix seem to be.
fn seems(matrix: &Matrix) -> Seems {
    let sample = matrix.sample();
    let rows = matrix.sample_rows().unwrap_or_default();
    sample.map_or(Seems::Counts, |sample| Seems::of(&sample, &rows))
}

fn not_counts(
    matrix: &Matrix,
    anndata: Option<&AnnData>,
    found: NotCount,
    seems: Seems,
) -> H5adError {
    let place = &matrix.place;
    let others = anndata.and_then(|anndata| anndata.others.as_ref());
    H5adError::NotCounts {
        path: place.path(),
        value: found.0,
        seems: seems.with(found.0),
        places: others.map(|root| raw_counts::places_with_counts(root, place)),
        element: place.element(),
    }
}
