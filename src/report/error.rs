//! Why a report could not be made.

use std::io;

use crate::counts::CountsError;

/// Errors of making a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The input could not be read again.
    #[error(transparent)]
    Read(#[from] CountsError),
    /// The page could not be filled in.
    #[error("the report's template could not be filled in")]
    Template(#[from] minijinja::Error),
    /// The data could not be encoded.
    #[error("the report's data could not be encoded")]
    Json(#[from] serde_json::Error),
    /// The file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
