//! Runs of the program, as a user starts it.

use std::{path::Path, process::Command};

use serde_json::Value;

/// The stages of a run that draws nothing, in order.
pub const STAGES: [&str; 9] = [
    "read",
    "preprocess",
    "graph",
    "pretrain",
    "leiden",
    "cluster",
    "embed",
    "score",
    "write",
];

/// Clusters a file with these options; what `results/NAME.json` says of it.
pub fn run(input: &Path, options: &[&str]) -> Value {
    let output = tempfile::tempdir().expect("a folder for outputs");
    let done = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .arg("-name")
        .arg(input)
        .arg("-output_dir")
        .arg(output.path())
        .args(options)
        .arg("-quiet")
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {stderr}", input.display());
    let results = output.path().join("results");
    let file = std::fs::read_dir(results)
        .expect("results")
        .flatten()
        .next()
        .expect("one file of results");
    let text = std::fs::read_to_string(file.path()).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

/// Seconds that a stage took.
pub fn seconds(results: &Value, stage: &str) -> f64 {
    let stages = results["stages"].as_array().expect("stages");
    let found = stages.iter().find(|found| found["name"] == stage);
    found.map_or(0.0, |found| found["seconds"].as_f64().expect("seconds"))
}
