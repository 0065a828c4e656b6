//! Runs of the program in a folder of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::short::SHORT;

pub const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");

/// A folder for the program to run in.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A copy of the golden data set, which messages call `small.h5ad`.
    pub fn with_data(self) -> Self {
        fs::copy(SMALL, self.path("small.h5ad")).expect("a copy");
        self
    }

    /// The program, to be run here. Without file locks: see `tests/run/program.rs`.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        command.env("HDF5_USE_FILE_LOCKING", "FALSE");
        command
    }

    /// A short run of `./NAME`.
    pub fn run(&self, name: &str) -> Output {
        let mut program = self.command(PROGRAM);
        program.args(["-quiet", "-name", &format!("./{name}")]);
        program.args(SHORT);
        program.output().expect("a run")
    }

    /// Every file and folder here, sorted, hidden ones too; folders end in a slash.
    pub fn content(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.list(self.folder.path(), &mut found);
        found.sort();
        found
    }

    fn list(&self, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(self.folder.path()).expect("below it");
            let name = name.display().to_string();
            if path.is_dir() {
                found.push(format!("{name}/"));
                self.list(&path, found);
            } else {
                found.push(name);
            }
        }
    }
}

/// Asserts exit code 1, nothing on stdout, and exactly this on stderr.
#[track_caller]
pub fn assert_fails(ended: &Output, expected: &str) {
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(stderr.trim_end(), expected);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stdout.is_empty());
}
