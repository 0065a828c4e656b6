//! Why an `.h5ad` file cannot be used.

use std::{io, path::PathBuf};

use super::{
    NanPlaces, Seems,
    instead::{elsewhere, instead, instead_columns, instead_layers, read_instead},
};
use crate::{counts::CountsError, guard::ADVICE};

/// Why an `.h5ad` file could not be read or written. `element` is a path inside the HDF5 file.
#[derive(Debug, thiserror::Error)]
pub enum H5adError {
    /// The counts that are to be written could not be read.
    #[error(transparent)]
    Counts(#[from] CountsError),
    /// There is no such file.
    #[error("{}: no such file{}", path.display(), elsewhere(path, nearby))]
    Missing {
        /// The file asked for.
        path: PathBuf,
        /// `.h5ad` files in the folder where it was looked for.
        nearby: Vec<String>,
    },
    /// The path is a link to a file that is not there.
    #[error(
        "{}: this is a link to {}, and there is no such file; name the file itself, or make the link anew", path.display(), target.display()
    )]
    DeadLink {
        /// The link.
        path: PathBuf,
        /// Where it leads, as it says itself.
        target: PathBuf,
    },
    /// The path is a folder.
    #[error("{}: this is a folder, not an .h5ad file{}", path.display(), instead(nearby))]
    IsFolder {
        /// The folder.
        path: PathBuf,
        /// `.h5ad` files in that folder, at most ten.
        nearby: Vec<String>,
    },
    /// The operating system refuses the file.
    #[error("{}: the file cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file is no HDF5 file.
    #[error("{}: this is not an .h5ad file: it does not start as HDF5 does", path.display())]
    NotHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// The path is a device, a pipe or a socket: HDF5 reads back and forth.
    #[error("{}: this is not a regular file; save the data to one first", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file has no content.
    #[error("{}: the file is empty (0 bytes): copy or download it again", path.display())]
    NoBytes {
        /// The file.
        path: PathBuf,
    },
    /// The file's end is missing.
    #[error("{}: the file is cut short: it has {size} of {expected} bytes. Copy or download it again", path.display())]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The size that it was closed with.
        expected: u64,
    },
    /// Another program holds the file's lock.
    #[error(
        "{}: another program has the file open for writing; wait until that is done, or, where nobody writes \
         (some network disks cannot lock), set HDF5_USE_FILE_LOCKING=FALSE", path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// HDF5 refuses an element, or the whole file.
    #[error("{}: {element} cannot be read: {reason}. {ADVICE}", path.display())]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// HDF5's own words.
        reason: String,
    },
    /// There is no count matrix.
    #[error("{}: there is no X, the matrix of raw counts (cells x genes){}", path.display(), read_instead(places))]
    MissingX {
        /// The file.
        path: PathBuf,
        /// Elements that hold counts.
        places: Vec<String>,
    },
    /// There is no data frame of cells (`obs`) or genes (`var`).
    #[error("{}: there is no {element}; was the file written by anndata?", path.display())]
    MissingDataFrame {
        /// The file.
        path: PathBuf,
        /// `obs` or `var`.
        element: String,
    },
    /// A data frame has no index, so its rows have no names.
    #[error("{}: {element} has no index: neither an attribute '_index' nor a dataset '_index' or 'index' names its rows", path.display())]
    MissingIndex {
        /// The file.
        path: PathBuf,
        /// `obs` or `var`.
        element: String,
    },
    /// Part of an element is absent.
    #[error("{}: there is no {element}: the file is incomplete", path.display())]
    MissingElement {
        /// The file.
        path: PathBuf,
        /// What is absent.
        element: String,
    },
    /// The file was written by anndata 0.6 or older.
    #[error(
        "{0}: {element} is a compound table, as anndata 0.6 wrote it; rewrite the file in Python: \
         import anndata; anndata.read_h5ad(\"{0}\").write_h5ad(\"new.h5ad\")", path.display()
    )]
    OldFormat {
        /// The file.
        path: PathBuf,
        /// `obs` or `var`.
        element: String,
    },
    /// An element is stored in a way that is not understood.
    #[error("{}: {element} is {found}; expected {expected}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// What can be read there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// Two lengths that must agree do not.
    #[error("{}: {element} has length {found}, but {because}, so it should be {expected}: the file is inconsistent", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        found: usize,
        /// What the expectation follows from.
        because: String,
    },
    /// There are no cells, or no genes.
    #[error("{}: {element} is empty: {n_cells} cells x {n_genes} genes", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The matrix.
        element: String,
        /// Number of cells.
        n_cells: usize,
        /// Number of genes.
        n_genes: usize,
    },
    /// The offsets of a sparse matrix are no offsets.
    #[error("{}: {element} must rise from 0 to the {n_values} stored values, but holds {found} at position {position}: the file is damaged", path.display())]
    Indptr {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// How many values are stored.
        n_values: usize,
        /// The offending position.
        position: usize,
        /// What is there.
        found: i64,
    },
    /// An index or code points outside of what it refers to.
    #[error("{}: {element} holds {found}, but only 0 to {} is possible: the file is damaged", path.display(), limit.saturating_sub(1))]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// The number found.
        found: i64,
        /// The first number that is too large.
        limit: usize,
    },
    /// The matrix holds something else than counts.
    #[error(
        "{}: {element} holds {value}, which is not a count{seems}; raw counts are needed (whole numbers, none negative){}",
        path.display(), places.as_deref().map(read_instead).unwrap_or_default()
    )]
    NotCounts {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// A value that is negative, fractional or too large.
        value: f32,
        /// What the values seem to be.
        seems: Seems,
        /// Elements that do hold counts; `None` where the format has only one matrix.
        places: Option<Vec<String>>,
    },
    /// The matrix holds NaN.
    #[error(
        "{}: {element} holds {places}; raw counts are needed. NaN come from batch correction or from joining data sets of \
         different genes: -nan_as_zero True reads them as 0", path.display()
    )]
    Nan {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// How many, and where.
        places: Box<NanPlaces>,
    },
    /// A layer was asked for that is not there.
    #[error("{}: there is no layer '{layer}'{}", path.display(), instead_layers(layers))]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// The layer asked for.
        layer: String,
        /// The layers there are.
        layers: Vec<String>,
    },
    /// `raw` was asked for, but is not there.
    #[error("{}: there is no raw/X{}", path.display(), read_instead(places))]
    NoRaw {
        /// The file.
        path: PathBuf,
        /// Elements that hold counts.
        places: Vec<String>,
    },
    /// An element is a link into another file.
    #[error("{}: {element} is a link into another file, which is not followed; copy it into this one (h5repack does)", path.display())]
    ExternalLink {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
    },
    /// An element is a link whose target cannot be found.
    #[error("{}: {element} is a link that leads nowhere, or in a circle: the file is incomplete", path.display())]
    BrokenLink {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
    },
    /// A column of `obs` was asked for that is not there.
    #[error("{}: obs has no column '{column}'{}", path.display(), instead_columns(columns))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// Text that is not UTF-8.
    #[error("{}: {element} is not UTF-8 text at position {position}; rewrite it in that encoding", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// Which entry, from 0.
        position: usize,
    },
    /// An element is compressed with a filter that this program does not have.
    #[error(
        "{0}: {element} is compressed with {filter}, which cannot be read here; rewrite the file in Python: \
         import hdf5plugin, anndata; anndata.read_h5ad(\"{0}\").write_h5ad(\"new.h5ad\", compression=\"gzip\")",
        path.display()
    )]
    Filter {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// The filter's name or number.
        filter: String,
    },
    /// An element claims far more data than the file stores.
    #[error("{}: {element} claims {claimed} bytes, but the file stores {stored} for it: the file is damaged", path.display())]
    Unbacked {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// Bytes its shape stands for.
        claimed: u128,
        /// Bytes stored.
        stored: u64,
    },
    /// A matrix stored by genes does not fit into memory, nor into the temporary folder.
    #[error(
        "{}: {element} is stored by genes (CSC) and is turned into rows in a temporary file, which cannot be written \
         to {}: {reason}; set TMPDIR to a folder that exists and has room", path.display(), folder.display()
    )]
    Spill {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        element: String,
        /// The temporary folder.
        folder: PathBuf,
        /// The operating system's answer.
        reason: String,
    },
    /// A new file could not be written.
    #[error("{}: the file cannot be written: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl From<H5adError> for CountsError {
    fn from(error: H5adError) -> Self {
        Self::new(error)
    }
}
