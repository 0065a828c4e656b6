//! The data set as the pipeline takes it, from any of the formats that people have.
//!
//! ```text
//! .h5ad  10x .h5  .mtx folder  CSV, TSV  .h5 of X and Y
//!    └───────┴─────────┴──────────┴────────────┘
//!                      │ Format::of (by content)
//!                   DataSet: counts, names, obs
//! ```
//!
//! HDF5 matrices are read by runs of cells. Text (`.mtx`, tables) is read once, as a stream, and its
//! non-zero counts stay in memory: 8 bytes each, 12 while a `.mtx` file is read.

mod data_set;
mod error;
mod format;
mod lines;
mod mtx;
mod mtx_folder;
mod options;
mod packing;
mod selected;
mod table;
mod table_header;
mod tables;
mod tenx_features;
mod tenx_h5;
mod triplets;
mod xy_h5;

use std::path::Path;

pub use data_set::{DataSet, Obs};
pub use error::ReadError;
pub use format::Format;
pub(crate) use mtx_folder::{files_of, holds_matrix};
pub use options::ReadOptions;
pub(crate) use packing::copy_hdf5;
pub(crate) use tables::read_tables;

use crate::{atomic::Scratch, config::CellTypes, h5ad::H5ad};

/// The `obs` column of true labels that is used where none is named.
pub(crate) const CELLTYPE: &str = "celltype";

/// A data set that is open for reading.
#[derive(Debug)]
pub struct Input {
    /// Counts, names, and what is known besides.
    pub data: DataSet,
    /// True labels, `None` for a cell without one; `None` altogether where none are known.
    pub truth: Option<Vec<Option<String>>>,
    /// The columns of `obs`.
    pub obs_columns: Vec<String>,
    /// The elements of an earlier run's results that it holds, such as `obs/attentionae`.
    pub earlier_results: Vec<String>,
}

impl Input {
    /// Number of cells in the file.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.data.counts.n_cells()
    }

    /// Number of genes in the file.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.data.counts.n_genes()
    }
}

/// Opens an input with its true labels.
///
/// # Errors
///
/// When the input cannot be read, holds no raw counts, or lacks the column that `celltype` names.
pub fn read(path: &Path, options: &ReadOptions, celltype: &CellTypes) -> Result<Input, ReadError> {
    let data = open(path, options)?;
    let obs_columns = data.obs.names();
    let column = match celltype {
        CellTypes::Unknown => None,
        CellTypes::Column(name) => Some(name.as_str()),
        CellTypes::Auto => obs_columns
            .iter()
            .any(|name| name == CELLTYPE)
            .then_some(CELLTYPE),
    };
    Ok(Input {
        truth: column.map(|name| data.obs.labels(name)).transpose()?,
        earlier_results: match &data.obs {
            Obs::File(file) => file.earlier_results(),
            Obs::Memory { .. } => Vec::new(),
        },
        obs_columns,
        data,
    })
}

/// Opens an input in any format.
///
/// # Errors
///
/// When it is in none of them, is damaged, or holds no raw counts; [`ReadError::OptionUnfit`] where an
/// option means nothing for its format.
pub fn open(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let format = Format::of(path)?;
    options.check(path, format)?;
    match format {
        Format::Mtx => mtx_folder::open(path, options),
        Format::Table => read_tables(&[path], options.transpose),
        Format::H5ad | Format::TenxH5 | Format::XyH5 => open_hdf5(path, format, options),
    }
}

/// Opens an HDF5 file, or the one in an archive.
fn open_hdf5(path: &Path, format: Format, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let is_archive = path.is_file() && packing::open(path)?.1 == packing::Packing::Zip;
    let unpacked = is_archive.then(|| packing::unpack_hdf5(path)).transpose()?;
    let file = unpacked.as_ref().map_or(path, Scratch::path);
    match format {
        Format::TenxH5 => tenx_h5::open(file, path, options),
        Format::XyH5 => xy_h5::open(file, path),
        _ => from_h5ad(file, options),
    }
}

fn from_h5ad(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let file = H5ad::open_for(path, &options.counts_in)?;
    Ok(DataSet {
        format: Format::H5ad,
        counts: Box::new(file.counts()?),
        cell_names: file.obs_names()?,
        gene_names: file.var_names()?,
        var: file.var_table()?,
        obs: Obs::File(Box::new(file)),
    })
}
