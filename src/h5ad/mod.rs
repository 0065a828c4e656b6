//! `AnnData` on HDF5.

use std::path::PathBuf;

/// Why an `.h5ad` file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum H5adError {
    /// There is no such file.
    #[error("{path}: no such file")]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
}
