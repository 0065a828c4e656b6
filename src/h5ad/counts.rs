//! The raw counts of an open file, a run of cells at a time.

use std::ops::Range;

use super::{
    H5adError,
    array::Array,
    csc, csr, dense,
    element::{Element, Group},
    matrix::{Matrix, Sparse, Storage},
    place::Place,
    sparse_rows::{NotCount, is_count},
};
use crate::counts::{CountSource, Csr};

/// Raw counts, cells × genes, in an open file.
///
/// Reading `rows` costs memory for those rows only; a matrix stored by genes (CSC) is the exception:
/// it is read whole when opened and stays in memory, at 8 bytes per stored value. Every value is
/// checked on its way: negative, fractional or infinite ones end in an error.
#[derive(Debug)]
pub struct Counts {
    n_cells: usize,
    n_genes: usize,
    rows: Rows,
    place: Place,
    root: Group,
}

/// Where rows are read from.
#[derive(Debug)]
enum Rows {
    Dense(Array),
    Csr { parts: Sparse, offsets: Vec<usize> },
    InMemory(Csr),
}

impl Counts {
    /// Reads a sample of values, a CSR matrix's offsets, or all of a CSC matrix.
    pub(crate) fn open(matrix: Matrix, root: Group) -> Result<Self, H5adError> {
        let refuse = |found| not_counts(&matrix.place, &root, found);
        let sample = matrix.sample()?;
        if let Some(&value) = sample.iter().find(|value| !is_count_or_nan(**value)) {
            return Err(refuse(NotCount(value)));
        }
        let rows = match &matrix.storage {
            Storage::Dense(array) => Rows::Dense(array.clone()),
            Storage::Csr(parts) => Rows::Csr {
                parts: parts.clone(),
                offsets: parts.offsets()?,
            },
            Storage::Csc(parts) => {
                let all = csc::read_all(&matrix, parts)?;
                Rows::InMemory(all.into_counts(matrix.n_genes).map_err(refuse)?)
            }
        };
        Ok(Self {
            n_cells: matrix.n_cells,
            n_genes: matrix.n_genes,
            rows,
            place: matrix.place,
            root,
        })
    }
}

impl CountSource for Counts {
    fn n_cells(&self) -> usize {
        self.n_cells
    }

    fn n_genes(&self) -> usize {
        self.n_genes
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, H5adError> {
        let raw = match &self.rows {
            Rows::InMemory(all) => return CountSource::rows(all, cells),
            Rows::Csr { parts, offsets } => csr::read_rows(parts, offsets, self.n_genes, cells)?,
            Rows::Dense(array) => dense::read_rows(array, cells)?,
        };
        raw.into_counts(self.n_genes)
            .map_err(|found| not_counts(&self.place, &self.root, found))
    }
}

fn not_counts(place: &Place, root: &Group, found: NotCount) -> H5adError {
    H5adError::NotCounts {
        path: place.path(),
        element: place.element(),
        value: found.0,
        places: places_with_counts(root),
    }
}

/// The layers, and `raw/X`, whose sampled values are all counts.
pub(super) fn places_with_counts(root: &Group) -> Vec<String> {
    let layers = match root.get("layers") {
        Ok(Some(Element::Group(layers))) => layers.names().unwrap_or_default(),
        _ => Vec::new(),
    };
    let layers = layers.into_iter().map(|name| format!("layers/{name}"));
    layers
        .chain(["raw/X".to_owned()])
        .filter(|place| holds_counts(root, place).unwrap_or(false))
        .collect()
}

fn holds_counts(root: &Group, place: &str) -> Result<bool, H5adError> {
    let Some(element) = root.get(place)? else {
        return Ok(false);
    };
    let sample = Matrix::open(element)?.sample()?;
    let are_counts = sample.iter().all(|&value| is_count_or_nan(value));
    Ok(are_counts && sample.iter().any(|&value| value > 0.0))
}

fn is_count_or_nan(value: f32) -> bool {
    value.is_nan() || is_count(value)
}
