//! Files that are written whole or not at all.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Temporary files now being written.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum AtomicError<E> {
    /// The temporary file could not be made or renamed.
    #[error("{0}")]
    Io(io::Error),
    /// Writing the content failed.
    #[error("{0}")]
    Content(E),
}

/// Lets `write` fill a temporary file in the folder of `path`, then renames it to `path`. When
/// anything fails, the temporary file is removed and `path` is as it was.
pub fn write_atomically<E>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), AtomicError<E>> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    fs::create_dir_all(folder.unwrap_or(Path::new("."))).map_err(AtomicError::Io)?;
    let file = tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(AtomicError::Io)?
        .into_temp_path();
    unfinished().insert(file.to_path_buf());
    let written = write(&file).map_err(AtomicError::Content);
    let temporary = file.to_path_buf();
    let kept = written.and_then(|()| {
        file.persist(path)
            .map_err(|error| AtomicError::Io(error.error))
    });
    unfinished().remove(&temporary);
    kept
}

/// Removes every temporary file now being written.
pub fn remove_unfinished() {
    for path in unfinished().iter() {
        let _ = fs::remove_file(path);
    }
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
