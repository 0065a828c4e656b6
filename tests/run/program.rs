//! Starts the program, and reads what it printed and wrote.

use std::{
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::{Command, assert::Assert};
use predicates::str::is_empty;
use serde_json::Value;
use tempfile::TempDir;

pub const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");
/// The published training, just enough of it to pass through every stage.
pub const SHORT: [&str; 8] = [
    "-preset",
    "published",
    "-training_epoch",
    "3",
    "-clustering_epoch",
    "2",
    "-n_hvg",
    "100",
];
/// The golden data set less its one cell without counts.
pub const CELLS: usize = 239;

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A folder for outputs, and for inputs where a test makes its own.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The program, without file locks: a file that this process has just closed can stay locked for as long as a
/// program started meanwhile by another test holds a copy of its descriptor.
pub fn program() -> Command {
    let mut program = Command::new(PROGRAM);
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program
}

/// A short run of `input` into `output`, with `args` after the common ones.
pub fn run(input: &str, output: &Path, args: &[&str]) -> Assert {
    program()
        .args(["-name", input, "-output_dir"])
        .arg(output)
        .args(SHORT)
        .args(args)
        .assert()
}

pub fn stdout(run: &Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stdout).into_owned()
}

pub fn stderr(run: &Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

/// Every file below a folder, relative to it, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(folder).expect("below it");
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Asserts that a run of `input` ends with exit code 1 and an error of at most two lines that
/// contains `parts`, prints no result and writes nothing.
pub fn fails(input: &str, args: &[&str], parts: &[&str]) {
    let output = folder();
    let mut quiet = vec!["-quiet"];
    quiet.extend(args);
    let failed = run(input, output.path(), &quiet).code(1).stdout(is_empty());
    assert_is_error(&stderr(&failed), parts);
    assert_eq!(files(output.path()), [""; 0]);
}

pub fn assert_is_error(stderr: &str, parts: &[&str]) {
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(stderr.lines().count() <= 2, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
}

/// A table's header and its rows.
pub fn rows(path: PathBuf) -> (Vec<String>, Vec<Vec<String>>) {
    let mut table = csv::Reader::from_path(path).expect("a table");
    let fields = |record: &csv::StringRecord| record.iter().map(String::from).collect();
    let header = fields(table.headers().expect("a header"));
    let rows = table.records().map(|row| fields(&row.expect("a row")));
    (header, rows.collect())
}

pub fn results(output: &Path, name: &str) -> Value {
    let path = output.join(format!("results/{name}.json"));
    let text = fs::read_to_string(path).expect("results");
    serde_json::from_str(&text).expect("JSON")
}
