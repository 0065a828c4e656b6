//! Why a Zarr store is not copied.

/// Why elements are not copied.
#[derive(Debug)]
pub(crate) enum ZarrError {
    /// An element cannot be read.
    Read {
        /// Its path in the data set.
        element: String,
        /// What is wrong.
        reason: String,
    },
    /// The copy cannot be written.
    Write(hdf5::Error),
}

impl From<hdf5::Error> for ZarrError {
    fn from(error: hdf5::Error) -> Self {
        Self::Write(error)
    }
}

/// Makes an error on an element of what is said of it.
pub(super) fn unread<E: ToString>(element: &str) -> impl Fn(E) -> ZarrError {
    let element = element.trim_start_matches('/').to_owned();
    move |reason| ZarrError::Read {
        element: element.clone(),
        reason: reason.to_string(),
    }
}
