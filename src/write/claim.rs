//! The right to write outputs of a name, which one process has at a time.

use std::{fs, io, path::Path, thread, time::Duration};

use crate::atomic::Scratch;

/// How often it is looked whether another process is done.
const PAUSE: Duration = Duration::from_millis(20);

/// While it is there no other process has the same one. The file that says so goes with it.
#[derive(Debug)]
pub(crate) struct Claim {
    /// `None` where no file can be made: that is told of where the first output is written.
    _lock: Option<Scratch>,
}

impl Claim {
    /// That of the lock file at `lock`, whose folder is made; `None` where another process has it.
    pub(super) fn of(lock: &Path) -> Option<Self> {
        if let Some(folder) = lock.parent() {
            let _ = fs::create_dir_all(folder);
        }
        match Scratch::locked(lock) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            locked => Some(Self { _lock: locked.ok() }),
        }
    }

    /// The same, as soon as no other process has it.
    pub(crate) fn wait_for(lock: &Path) -> Self {
        loop {
            if let Some(claim) = Self::of(lock) {
                return claim;
            }
            thread::sleep(PAUSE);
        }
    }
}
