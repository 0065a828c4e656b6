//! The data set as the pipeline takes it, from any of the formats that people have.
//!
//! ```text
//! .h5ad  .zarr  .h5mu  .loom  10x .h5  .mtx folder  alevin  CSV, TSV  .h5 of X and Y
//!    └──────┴──────┴──────┴───────┴─────────┴─────────┴───────┴───────────┘
//!                          │ Format::of (by content)
//!                       DataSet: counts, names, obs
//! ```
//!
//! HDF5 matrices are read by runs of cells; Zarr is copied to HDF5 first. Text (`.mtx`, tables) is read once, as a stream, and its
//! non-zero counts stay in memory: 8 bytes each, 12 while a `.mtx` file is read, or 20 if its entries are not in the order of the cells.

mod alevin;
mod cell_types;
mod data_set;
mod error;
mod foreign;
mod format;
mod inputs;
mod joined;
mod joined_genes;
mod labels;
mod lines;
mod loom;
mod mtx;
mod mtx_folder;
mod mtx_names;
mod mudata;
mod names_seem;
mod options;
mod orientation;
mod other_columns;
mod packing;
mod sample_folder;
mod selected;
mod stacked;
mod table;
mod table_header;
mod table_lines;
mod tables;
mod tenx_features;
mod tenx_h5;
mod text_start;
mod triplets;
mod usa_mode;
mod within;
mod xy_h5;
mod zarr;
mod zip_store;

use std::path::{Path, PathBuf};

pub use cell_types::CellTypes;
pub use data_set::{DataSet, Obs};
pub use error::ReadError;
pub use foreign::Foreign;
pub use format::Format;
pub(crate) use inputs::NamedInputs;
pub use inputs::{InputFile, Inputs};
pub use joined_genes::GeneJoin;
pub(crate) use labels::{crossed_labels, note_on_labels};
pub(crate) use mtx_folder::{files_of, holds_matrix};
pub use options::ReadOptions;
pub use orientation::Orientation;
pub(crate) use packing::copy_hdf5;
pub(crate) use sample_folder::sample_of;
pub(crate) use table_header::separator;
pub(crate) use tables::read_tables;
pub(crate) use within::Within;

use self::{
    orientation::Rows,
    tables::examples,
    tenx_features::{TenxFeatures, note_on_tags},
};
use crate::{
    atomic::Scratch,
    h5ad::{Column, Counts, H5ad, H5adError, earlier_columns},
};

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

/// Opens an input with its true labels; several files are joined.
///
/// # Errors
///
/// When the input cannot be read, holds no raw counts, or lacks the column that `celltype` names.
pub fn read(
    inputs: &Inputs,
    options: &ReadOptions,
    celltype: &CellTypes,
) -> Result<Input, ReadError> {
    let data = open_all(inputs, options)?;
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
        truth: column
            .map(|name| data.obs.labels(name).map(labels::cleaned))
            .transpose()?,
        earlier_results: match &data.obs {
            Obs::File(file) => file.earlier_results(),
            Obs::Memory { columns, .. } => earlier_columns(columns.iter().map(|(name, _)| name)),
        },
        obs_columns,
        data,
    })
}

/// What is read of a sample's folder: the matrix below it; of any other path itself.
pub(crate) fn matrix_of(path: &Path) -> PathBuf {
    let below = sample_folder::matrix_below(path).filter(|_| !mtx_folder::is_matrix(path));
    below.unwrap_or_else(|| path.to_owned())
}

/// Opens the files of a data set; several are joined: their cells below each other, genes matched by name, and
/// `obs['batch']` the name of each cell's file.
///
/// # Errors
/// Those of [`open`]; where a file has no gene in common with the others.
pub fn open_all(inputs: &Inputs, options: &ReadOptions) -> Result<DataSet, ReadError> {
    joined::open_all(inputs, options)
}

/// Whether all files are there, without reading any that is.
///
/// # Errors
/// For one that is missing, what [`open_all`] says of it.
pub(crate) fn check_there(inputs: &Inputs) -> Result<(), ReadError> {
    let missing = inputs.paths().filter(|path| !matrix_of(path).exists());
    for path in missing {
        Format::of(path)?;
    }
    Ok(())
}

/// Opens an input in any format.
///
/// # Errors
///
/// When it is in none of them, is damaged, or holds no raw counts; [`ReadError::OptionUnfit`] where an
/// option means nothing for its format, [`ReadError::GenesInRows`] or [`ReadError::Turned`] where it has genes for cells.
pub fn open(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let path = &matrix_of(path);
    let (format, unpacked) = Format::of(path)?;
    options.check(path, format)?;
    let mut data = match format {
        Format::Mtx => mtx_folder::open(path, options),
        Format::Table => read_tables(&[path], options),
        Format::Zarr => open_zarr(path, options),
        Format::Alevin => alevin::open(path, options),
        // `of` tells the format of one file.
        Format::H5ad
        | Format::H5mu
        | Format::Loom
        | Format::TenxH5
        | Format::XyH5
        | Format::Joined => {
            let file = unpacked.as_ref().map_or(path.as_path(), Scratch::path);
            open_hdf5(file, path, format, options)
        }
    }?;
    if format != Format::Table
        && options.orientation == Orientation::Checked
        && Rows::by_names(&data.cell_names, &data.gene_names) == Rows::Genes
    {
        return Err(ReadError::Turned {
            path: path.to_owned(),
            cells: examples(&data.cell_names),
            genes: examples(&data.gene_names),
        });
    }
    if options.gex_only && !data.var.iter().any(|(name, _)| name == FEATURE_TYPES[0]) {
        data.notes.extend(note_on_tags(&data.gene_names));
    }
    Ok(data)
}

/// Opens a copy on HDF5 of what is read of a data set in the Zarr format.
fn open_zarr(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let open_copy = |has_others: bool| {
        let copy = zarr::unpack(path, options, has_others)?;
        let mut file = H5ad::open_at(copy.path(), path, "", &options.counts_in)?;
        if !has_others {
            file = file.without_others();
        }
        from_h5ad(file, path, Format::Zarr, options)
    };
    match open_copy(false) {
        // The message names other matrices that hold counts, if they are in the copy.
        Err(ReadError::H5ad(_)) => open_copy(true),
        opened => opened,
    }
}

/// Opens the HDF5 file at `file`, which messages call `path`.
fn open_hdf5(
    file: &Path,
    path: &Path,
    format: Format,
    options: &ReadOptions,
) -> Result<DataSet, ReadError> {
    match format {
        Format::TenxH5 => tenx_h5::open(file, path, options),
        Format::XyH5 => xy_h5::open(file, path, options),
        Format::Loom => loom::open(file, path, options),
        Format::H5mu => from_h5ad(mudata::open(file, path, options)?, path, format, options),
        _ => {
            let h5ad = H5ad::open_at(file, path, "", &options.counts_in)?;
            from_h5ad(h5ad, path, format, options)
        }
    }
}

/// Says which NaN are read as 0, from a pass over the whole matrix.
fn note_on_nan(counts: &Counts, options: &ReadOptions) -> Result<Option<String>, H5adError> {
    if !options.rules.nan_as_zero {
        return Ok(None);
    }
    let places = counts.nan_places()?;
    Ok(places.map(|places| format!("read as 0: {places}")))
}

/// How AnnData calls the column of feature types, and how some call it.
const FEATURE_TYPES: [&str; 2] = ["feature_types", "feature_type"];
/// How AnnData calls the column of genomes.
const GENOMES: [&str; 2] = ["genome", "genomes"];

/// The counts of an open file, less the features that the options leave out.
fn from_h5ad(
    file: H5ad,
    shown: &Path,
    format: Format,
    options: &ReadOptions,
) -> Result<DataSet, ReadError> {
    let var = file.var_frame()?;
    let texts = |names: [&str; 2]| {
        let column = names
            .iter()
            .find_map(|wanted| var.iter().find(|(name, _)| name == wanted));
        let texts = column.map(|(_, column)| column.texts()).unwrap_or_default();
        texts.into_iter().map(Option::unwrap_or_default).collect()
    };
    let features = TenxFeatures {
        names: file.var_names()?,
        ids: Vec::new(),
        types: texts(FEATURE_TYPES),
        genomes: texts(GENOMES),
    };
    let selection = features.select(&shown.display().to_string(), options)?;
    let counts = file.counts_by(options.rules)?;
    let mut notes: Vec<String> = note_on_nan(&counts, options)?.into_iter().collect();
    notes.extend(selection.note);
    let selected = &selection.features;
    let pick = |names: &[String]| -> Vec<String> {
        selected
            .iter()
            .map(|&gene| names[gene as usize].clone())
            .collect()
    };
    let picked = |(name, column): (String, Column)| (name, column.picked(selected));
    Ok(DataSet {
        format,
        counts: selected::SelectedGenes::of(Box::new(counts), selected),
        cell_names: file.obs_names()?,
        gene_names: pick(&features.names),
        var: var.into_iter().map(picked).collect(),
        obs: Obs::File(Box::new(file)),
        notes,
    })
}
