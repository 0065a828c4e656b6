//! What is converted.

use std::path::PathBuf;

use crate::read::{Inputs, ReadOptions};

/// What to convert into one `.h5ad` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertConfig {
    /// The data set's name.
    pub name: String,
    /// The files to read.
    pub input: RawFiles,
    /// What is read of them.
    pub read: ReadOptions,
    /// The `.h5ad` file to write.
    pub output: PathBuf,
    /// It is replaced also where it was made of another input, or not by this program.
    pub overwrite: bool,
}

/// Data to convert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawFiles {
    /// A file or a folder in any format that is read, or several that are joined.
    Any(Inputs),
    /// An HDF5 file of `X` (cells × genes) and `Y` (labels), or a zip archive of one.
    H5 {
        /// A path, or the name of a data set below `raw_dir`.
        typed: String,
        /// The folder that holds `NAME/NAME.h5`.
        raw_dir: PathBuf,
    },
    /// Tables (plain, `.gz`, or in zip archives) whose cells together are the data set. At least one.
    Csv(Vec<PathBuf>),
}
