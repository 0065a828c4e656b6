//! AnnData in the Zarr format: a folder, or a zip archive of one.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use zarrs::{filesystem::FilesystemStore, storage::ReadableListableStorage};

use super::{
    ReadError, ReadOptions,
    zip_store::{ROOTS, ZipStore, root_of},
};
use crate::{
    atomic::Scratch,
    h5ad::{ZarrError, copy_zarr, zarr_children},
};

/// What a message may name: tables, and matrices that may hold counts.
const ALL: [&str; 5] = ["obs", "var", "X", "layers", "raw"];

/// Whether a folder is in the Zarr format.
pub(super) fn is_zarr(folder: &Path) -> bool {
    ROOTS.iter().any(|name| folder.join(name).is_file())
}

/// Whether the files of an archive, by their names, are such a folder.
pub(super) fn is_zarr_inside(names: &[String]) -> bool {
    root_of(names).is_some()
}

/// Every file of such a folder.
pub(super) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Copies what is read of a data set, or all of it that a message may name, to HDF5: a temporary file that takes what the
/// arrays take unpacked.
pub(super) fn unpack(path: &Path, options: &ReadOptions, all: bool) -> Result<Scratch, ReadError> {
    let store = open_store(path)?;
    let found = zarr_children(&store, "");
    if !found.iter().any(|name| name == "obs") {
        return Err(ReadError::NoAnnData {
            path: path.to_owned(),
            found,
        });
    }
    let unwritable = |reason: String| ReadError::Unpack {
        file: path.display().to_string(),
        folder: std::env::temp_dir(),
        source: io::Error::other(reason),
    };
    let copy = Scratch::new().map_err(|e| unwritable(e.to_string()))?;
    let matrix = options.counts_in.to_string();
    let needed = ["obs", options.counts_in.var(), &matrix];
    let elements = if all { &ALL[..] } else { &needed };
    copy_zarr(&store, elements, copy.path()).map_err(|error| match error {
        ZarrError::Read { element, reason } => ReadError::Zarr {
            path: path.to_owned(),
            element,
            reason,
        },
        ZarrError::Write(error) => unwritable(error.to_string()),
    })?;
    Ok(copy)
}

fn open_store(path: &Path) -> Result<ReadableListableStorage, ReadError> {
    let unreadable = |reason: String| ReadError::Zarr {
        path: path.to_owned(),
        element: "the data set".to_owned(),
        reason,
    };
    if path.is_dir() {
        let store = FilesystemStore::new(path).map_err(|e| unreadable(e.to_string()))?;
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(ZipStore::open(path)?))
}
