//! Files that appear whole or not at all.

use std::{
    collections::BTreeSet,
    ffi::{CString, OsString},
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use nix::unistd::unlink;
use tempfile::{NamedTempFile, TempPath};

/// Why a file was not written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum AtomicError<E> {
    /// The operating system refuses the folder, the temporary file or the final name.
    #[error("{}: the file cannot be written: {source}", path.display())]
    File {
        /// The file that was to be written.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// What was to be written could not be.
    #[error(transparent)]
    Write(E),
    /// The run is being stopped.
    #[error("stopped before the file was complete")]
    Interrupted,
}

/// The temporary files now in use.
static UNFINISHED: Registry = Registry::new();

/// Writes a file under a temporary name in its own folder and renames it at the end: a run that is
/// stopped leaves no half file, and an older file of that name stays until the new one is complete.
/// `write` gets the temporary path, which has the final one's extension. Missing folders are made.
///
/// # Errors
/// [`AtomicError`]; the temporary file is then removed.
pub fn write_atomically<E>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), AtomicError<E>> {
    UNFINISHED.write(path, write)
}

/// Removes every temporary file now in use; no further file can be written. For the end of a run that
/// a signal stops.
pub fn remove_unfinished() {
    UNFINISHED.close();
}

/// As [`remove_unfinished`], without an allocation, and without waiting for a lock: for a signal handler. Where the
/// set is being changed at that very moment, nothing is removed.
pub(crate) fn remove_unfinished_at_once() {
    match UNFINISHED.0.try_lock() {
        Ok(mut state) => state.close(),
        Err(TryLockError::Poisoned(state)) => state.into_inner().close(),
        Err(TryLockError::WouldBlock) => {}
    }
}

/// A file for the time being: it goes when dropped, and when a signal stops the run.
#[derive(Debug)]
pub struct Scratch {
    file: NamedTempFile,
    registered: CString,
}

impl Scratch {
    /// An empty file in the system's folder for temporary files.
    ///
    /// # Errors
    /// When the system refuses the file, or the run is being stopped.
    pub fn new() -> io::Result<Self> {
        let mut state = UNFINISHED.state();
        let (file, registered) = state.register(NamedTempFile::new)?;
        Ok(Self { file, registered })
    }

    /// The file at `path`, locked, so that one process at a time has it.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another has it, and as [`Self::new`].
    pub(crate) fn locked(path: &Path) -> io::Result<Self> {
        let mut state = UNFINISHED.state();
        let (file, registered) = state.register(|| locked(path))?;
        Ok(Self { file, registered })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The file, to be written to.
    pub fn file(&mut self) -> &mut fs::File {
        self.file.as_file_mut()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        UNFINISHED.state().paths.remove(&self.registered);
    }
}

/// A set of temporary files. Once closed, it accepts and finishes no more.
#[derive(Debug)]
struct Registry(Mutex<State>);

#[derive(Debug)]
struct State {
    /// As the system takes them.
    paths: BTreeSet<CString>,
    is_closed: bool,
}

impl State {
    /// Creates a file and notes its name; an error once closed.
    fn register(
        &mut self,
        create: impl FnOnce() -> io::Result<NamedTempFile>,
    ) -> io::Result<(NamedTempFile, CString)> {
        if self.is_closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let file = create()?;
        let registered = CString::new(file.path().as_os_str().as_bytes())?;
        self.paths.insert(registered.clone());
        Ok((file, registered))
    }

    fn close(&mut self) {
        self.is_closed = true;
        for path in &self.paths {
            // What is already gone need not be removed, and nobody is left to tell.
            let _ = unlink(path.as_c_str());
        }
    }
}

impl Registry {
    const fn new() -> Self {
        Self(Mutex::new(State {
            paths: BTreeSet::new(),
            is_closed: false,
        }))
    }

    /// A panic elsewhere leaves the set whole: every change to it is a single call.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<E>(
        &self,
        path: &Path,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), AtomicError<E>> {
        let refused = |source| AtomicError::File {
            path: path.to_owned(),
            source,
        };
        let (file, registered) = self.create(path).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => AtomicError::Interrupted,
            _ => refused(e),
        })?;
        let written = write(file.path()).map_err(AtomicError::Write);
        // On disk before it has its name: else a crash of the machine may leave the name with half of the file.
        let synced = file.as_file().sync_all();
        // Held over the rename: `close` comes either before it, or when nothing is left to remove.
        let mut state = self.state();
        state.paths.remove(&registered);
        written?;
        synced.map_err(refused)?;
        if state.is_closed {
            return Err(AtomicError::Interrupted);
        }
        file.persist(path).map_err(|e| refused(e.error))?;
        drop(state);
        // The name is on disk once its folder is; where a folder cannot be synced there is nothing more to be done.
        let _ = fs::File::open(folder_of(path)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// A registered temporary file beside `path`.
    fn create(&self, path: &Path) -> io::Result<(NamedTempFile, CString)> {
        let folder = folder_of(path);
        fs::create_dir_all(folder)?;
        self.state().register(|| create_beside(path, folder))
    }

    fn close(&self) {
        self.state().close();
    }
}

/// The file at `path` with a lock on it, which no other process has. It is removed before the lock is given up.
fn locked(path: &Path) -> io::Result<NamedTempFile> {
    let mut options = fs::File::options();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        let file = options.open(path)?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            // Some network disks know no locks: nobody has one there.
            Err(fs::TryLockError::Error(_)) | Ok(()) => {}
        }
        // Between both calls the process that had the file may have removed it: what is locked is then not what others will find.
        let locked = file.metadata()?;
        match fs::metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == (locked.dev(), locked.ino()) => {
                let path = TempPath::try_from_path(path)?;
                return Ok(NamedTempFile::from_parts(file, path));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `.NAME.RANDOM.EXTENSION`, with the permissions of any new file of this user.
fn create_beside(path: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_stem().unwrap_or_default());
    prefix.push(".");
    let mut suffix = OsString::new();
    if let Some(extension) = path.extension() {
        suffix.push(".");
        suffix.push(extension);
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(&suffix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The default would keep everyone else out; the user's umask shall decide.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_file_appears_at_the_end_with_its_folder() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("new/labels.csv");
        write_atomically(&path, |unfinished| {
            assert!(!path.exists());
            assert_eq!(unfinished.extension(), path.extension());
            assert_eq!(unfinished.parent(), path.parent());
            fs::write(unfinished, "cell,label\n")
        })?;
        assert_eq!(fs::read_to_string(&path)?, "cell,label\n");
        assert_eq!(names(&folder.path().join("new")), ["labels.csv"]);
        Ok(())
    }

    #[test]
    fn an_error_keeps_the_older_file_and_leaves_no_other() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.csv");
        fs::write(&path, "older")?;
        let result = write_atomically(&path, |unfinished| {
            fs::write(unfinished, "half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(matches!(result, Err(AtomicError::Write(e)) if e.to_string() == "disk full"));
        assert_eq!(fs::read_to_string(&path)?, "older");
        assert_eq!(names(folder.path()), ["a.csv"]);
        Ok(())
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() -> TestResult {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("out"), "")?;
        let path = folder.path().join("out/a.csv");
        let error = write_atomically(&path, |_| Ok::<_, io::Error>(())).expect_err("no folder");
        assert!(error.to_string().contains("out/a.csv"), "{error}");
        Ok(())
    }

    #[test]
    fn closing_removes_what_is_unfinished_and_accepts_no_more() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.csv");
        let registry = Registry::new();
        let result = registry.write(&path, |unfinished| {
            fs::write(unfinished, "half")?;
            registry.close();
            assert_eq!(names(folder.path()), [""; 0]);
            Ok::<_, io::Error>(())
        });
        assert!(matches!(result, Err(AtomicError::Interrupted)));
        let result = registry.write(&path, |_| Ok::<_, io::Error>(()));
        assert!(matches!(result, Err(AtomicError::Interrupted)));
        assert_eq!(names(folder.path()), [""; 0]);
        Ok(())
    }

    #[test]
    fn a_scratch_file_goes_when_dropped_and_when_the_run_is_stopped() -> TestResult {
        let path = Scratch::new()?.path().to_owned();
        assert!(!path.exists());
        let mut registry = State {
            paths: BTreeSet::new(),
            is_closed: false,
        };
        let (file, _) = registry.register(NamedTempFile::new)?;
        registry.close();
        assert!(!file.path().exists());
        assert!(registry.register(NamedTempFile::new).is_err());
        Ok(())
    }

    #[test]
    fn a_locked_file_is_had_once_and_goes_with_its_lock() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.lock");
        // One that a killed process has left.
        fs::write(&path, "")?;
        for _ in 0..2 {
            let held = Scratch::locked(&path)?;
            let refused = Scratch::locked(&path).map_err(|error| error.kind());
            assert_eq!(refused.err(), Some(io::ErrorKind::WouldBlock));
            assert!(path.exists());
            drop(held);
            assert!(!path.exists());
        }
        Ok(())
    }

    #[test]
    fn a_lock_on_a_file_that_is_gone_holds_nobody_back() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.lock");
        let gone = fs::File::create(&path)?;
        gone.lock()?;
        fs::remove_file(&path)?;
        drop(Scratch::locked(&path)?);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() -> TestResult {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let (path, plain) = (folder.path().join("a"), folder.path().join("b"));
        write_atomically(&path, |unfinished| fs::write(unfinished, "x"))?;
        fs::write(&plain, "x")?;
        let mode = |path| fs::metadata(path).map(|metadata| metadata.permissions().mode());
        assert_eq!(mode(&path)?, mode(&plain)?);
        Ok(())
    }
}
