//! Why a picture could not be made.

use std::{io, path::PathBuf};

/// Errors of drawing and writing a figure.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Coordinates and labels are not of the same cells.
    #[error("a figure of {cells} cells has {labels} labels: expected one per cell")]
    Lengths {
        /// Rows of the coordinates.
        cells: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Coordinates are not in the plane.
    #[error("a figure has coordinates in {found} dimensions: expected 2")]
    Dimensions {
        /// Columns of the coordinates.
        found: usize,
    },
    /// The drawing library failed.
    #[error("the figure could not be drawn: {reason}")]
    Draw {
        /// What the library says.
        reason: String,
    },
    /// The file could not be created.
    #[error("{path}: the figure could not be written")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be filled.
    #[error("{path}: the figure could not be written")]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: png::EncodingError,
    },
}

impl PlotError {
    /// The drawing library's error, whose type depends on what was drawn.
    pub(super) fn draw(error: impl std::fmt::Display) -> Self {
        Self::Draw {
            reason: error.to_string(),
        }
    }
}
