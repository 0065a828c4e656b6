//! The data set as the pipeline takes it: counts, cell names and, where there are any, true labels.

use std::path::Path;

use crate::{
    config::CellTypes,
    counts::CountSource,
    h5ad::{Counts, H5ad, H5adError},
};

/// The `obs` column of true labels that is used where none is named.
const DEFAULT_COLUMN: &str = "celltype";

/// A data set that is open for reading.
#[derive(Debug)]
pub struct Input {
    /// Raw counts, cells × genes.
    pub counts: Counts,
    /// Cell names, from the index of `obs`.
    pub cell_names: Vec<String>,
    /// True labels, `None` for a cell without one; `None` altogether where none are known.
    pub truth: Option<Vec<Option<String>>>,
    /// The columns of `obs`.
    pub obs_columns: Vec<String>,
}

impl Input {
    /// Number of cells in the file.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.counts.n_cells()
    }

    /// Number of genes in the file.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.counts.n_genes()
    }
}

/// Opens an `.h5ad` file.
///
/// # Errors
///
/// When the file cannot be read, holds no raw counts, or lacks the column that `celltype` names.
pub fn read(path: &Path, celltype: &CellTypes) -> Result<Input, H5adError> {
    let file = H5ad::open(path)?;
    let obs_columns = file.obs_columns();
    let column = match celltype {
        CellTypes::Unknown => None,
        CellTypes::Column(name) => Some(name.as_str()),
        CellTypes::Auto => obs_columns
            .iter()
            .any(|name| name == DEFAULT_COLUMN)
            .then_some(DEFAULT_COLUMN),
    };
    Ok(Input {
        counts: file.counts()?,
        cell_names: file.obs_names()?,
        truth: column.map(|name| file.obs_labels(name)).transpose()?,
        obs_columns,
    })
}
