//! A folder of data sets, and batches in it.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
};

use assert_cmd::{Command, assert::Assert};
use serde_json::Value;
use tempfile::TempDir;

use crate::signals::listening;

pub const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");
/// Enough training to pass through every stage.
pub const SHORT: [(&str, &str); 3] = [
    ("-training_epoch", "2"),
    ("-clustering_epoch", "1"),
    ("-n_hvg", "100"),
];

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A folder of data sets and one for outputs.
pub struct Place(pub TempDir);

impl Place {
    /// Copies of the golden data set under these names.
    pub fn with(names: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(place.data()).expect("a folder");
        for name in names {
            fs::copy(SMALL, place.input(name)).expect("a copy");
        }
        place
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub fn input(&self, name: &str) -> PathBuf {
        self.data().join(format!("{name}.h5ad"))
    }

    pub fn output(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// The arguments of a batch of short runs; `args` may set the same options otherwise.
    pub fn arguments(&self, args: &[&str]) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let places = [
            ("-data_dir", path(self.data())),
            ("-output_dir", path(self.output())),
        ];
        let short = SHORT.map(|(option, value)| (option, value.to_owned()));
        let is_free = |option: &str| {
            !args
                .iter()
                .any(|arg| arg.starts_with(&format!("{option}=")))
        };
        let common = places
            .into_iter()
            .chain(short)
            .filter(|(option, _)| is_free(option));
        let common = common.map(|(option, value)| format!("{option}={value}"));
        let args = args.iter().map(ToString::to_string);
        std::iter::once("batch".to_owned())
            .chain(common)
            .chain(args)
            .collect()
    }

    pub fn batch(&self, args: &[&str]) -> Assert {
        let mut program = Command::new(PROGRAM);
        program.env("HDF5_USE_FILE_LOCKING", "FALSE");
        program.args(self.arguments(args)).assert()
    }

    /// A batch that goes on while the test does.
    pub fn start(&self, args: &[&str]) -> std::io::Result<Child> {
        listening(&mut Process::new(PROGRAM))
            .env("HDF5_USE_FILE_LOCKING", "FALSE")
            .args(self.arguments(args))
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
    }

    /// `name status` of every record.
    pub fn statuses(&self) -> Vec<String> {
        let records = self.records();
        let status =
            |record: &Value| format!("{} {}", text(record, "name"), text(record, "status"));
        records.iter().map(status).collect()
    }

    pub fn records(&self) -> Vec<Value> {
        let json = fs::read(self.output().join("results/batch.json")).expect("batch.json");
        serde_json::from_slice(&json).expect("JSON")
    }

    /// Every output, sorted.
    pub fn outputs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.output()).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).expect("a folder").flatten() {
                let path = file.path();
                let path = path.strip_prefix(self.output()).expect("below it");
                found.push(path.display().to_string());
            }
        }
        found.sort();
        found
    }
}

pub fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().expect(field)
}

pub fn stdout(batch: &Assert) -> String {
    String::from_utf8_lossy(&batch.get_output().stdout).into_owned()
}

pub fn stderr(batch: &Assert) -> String {
    String::from_utf8_lossy(&batch.get_output().stderr).into_owned()
}
