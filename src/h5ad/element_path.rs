//! Where in which file something is, for error messages.

use std::path::{Path, PathBuf};

use super::H5adError;
use crate::guard::guarded;

/// An element of an HDF5 file.
#[derive(Debug, Clone)]
pub(crate) struct ElementPath {
    path: PathBuf,
    element: String,
}

impl ElementPath {
    /// The file as a whole.
    pub(crate) fn root(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            element: String::new(),
        }
    }

    /// An element below this one.
    pub(crate) fn child(&self, name: &str) -> Self {
        let element = if self.element.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.element)
        };
        Self {
            path: self.path.clone(),
            element,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(crate) fn element(&self) -> String {
        if self.element.is_empty() {
            "the file".to_owned()
        } else {
            self.element.clone()
        }
    }

    /// Lets HDF5 read here, see [`guarded`]; `bytes` is the memory that the answer may take.
    pub(crate) fn guard<T>(&self, bytes: u64, read: impl FnOnce() -> T) -> T {
        let subject = format!("{}: {}", self.path.display(), self.element());
        guarded(subject, bytes, read)
    }

    /// As [`ElementPath::guard`], for what HDF5 may refuse. The answer is small.
    pub(crate) fn ask<T>(&self, read: impl FnOnce() -> hdf5::Result<T>) -> Result<T, H5adError> {
        self.guard(0, read).map_err(|e| self.refused(e))
    }

    /// The error for what HDF5 refuses here.
    #[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
    pub(crate) fn refused(&self, reason: hdf5::Error) -> H5adError {
        H5adError::Hdf5 {
            path: self.path(),
            element: self.element(),
            reason: reason.to_string(),
        }
    }

    /// The error for a link into another file.
    pub(crate) fn elsewhere(&self) -> H5adError {
        H5adError::ExternalLink {
            path: self.path(),
            element: self.element(),
        }
    }

    /// The error for an encoding that is not understood here.
    pub(crate) fn encoding(&self, expected: &'static str, found: impl Into<String>) -> H5adError {
        H5adError::Encoding {
            path: self.path(),
            element: self.element(),
            expected,
            found: found.into(),
        }
    }

    /// Fails unless the length here is the expected one.
    pub(crate) fn check_length(
        &self,
        found: usize,
        expected: usize,
        because: impl FnOnce() -> String,
    ) -> Result<(), H5adError> {
        if found == expected {
            return Ok(());
        }
        Err(H5adError::Length {
            path: self.path(),
            element: self.element(),
            expected,
            found,
            because: because(),
        })
    }
}
