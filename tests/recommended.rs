//! The recommended training, whole runs: what it chooses, and that it repeats.

mod common;

use std::{fs, path::Path};

use assert_cmd::Command;
use attentionae_sc::{
    cluster::leiden,
    graph::{View, Views},
    preprocess::prepare,
};
use common::golden;
use ndarray::Array2;
use serde_json::Value;
use tempfile::tempdir;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
/// Enough training to pass through every stage.
const SHORT: &str = "-training_epoch 8 -n_hvg 100";

/// A run of the golden data set that must succeed: what it says on stderr.
fn run(output: &Path, args: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args(["-name", SMALL, "-output_dir"])
        .arg(output)
        .args(SHORT.split_whitespace())
        .args(args.split_whitespace())
        .assert()
        .code(0);
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

fn results(output: &Path) -> Value {
    let text = fs::read_to_string(output.join("results/small.json")).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_resolution_is_chosen_told_and_recorded() {
    let output = tempdir().expect("a folder");
    let said = run(output.path(), "-resolution auto -batch_size 64");
    let results = results(output.path());
    let chosen = &results["resolution"]["chosen"];
    let candidates = results["resolution"]["candidates"]
        .as_array()
        .expect("a list");
    assert_eq!(candidates.len(), 32);
    assert!(candidates.contains(chosen));
    let soundness = |candidate: &Value| candidate["soundness"].as_f64().expect("a number");
    assert!(
        candidates
            .iter()
            .all(|one| soundness(one) <= soundness(chosen))
    );
    let line = format!(
        "resolution {} chosen of 32: {} clusters",
        chosen["resolution"], chosen["n_clusters"]
    );
    assert!(said.contains(&line), "{line} is not in\n{said}");
    assert_eq!(results["parameters"]["resolution"], "auto");
}

#[test]
fn a_resolution_that_is_given_is_taken() {
    let output = tempdir().expect("a folder");
    run(output.path(), "-resolution 0.5 -batch_size 64");
    let results = results(output.path());
    assert_eq!(results["resolution"], Value::Null);
    assert_eq!(results["parameters"]["resolution"], 0.5);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let written = |threads: &str| {
        let output = tempdir().expect("a folder");
        run(
            output.path(),
            &format!("-resolution auto -batch_size 64 {threads}"),
        );
        ["pred_label/small.csv", "embedding/small.csv"]
            .map(|file| fs::read(output.path().join(file)).expect("an output"))
    };
    assert!(written("-threads 1") == written("-threads 2"));
}

#[test]
fn it_works_with_every_graph_and_with_all_cells_in_a_step() {
    for args in [
        "-batch_size 0 -parts zinb,graph,attention,residual",
        "-batch_size 0 -parts zinb,graph,attention -max_num_cell 100",
        "-connectivity_methods umap -batch_size 64",
        "-knn True -batch_size 64 -parts contrast",
        "-n_pcs 0 -batch_size 64 -landmarks 100",
        "-leiden_graph embedding -batch_size 64",
        "-leiden_graph expression -batch_size 64",
        "-leiden_graph dense -batch_size 64",
        "-clustering_epoch 2 -batch_size 64",
        "-max_num_cell 100 -batch_size 64 -n_z 200",
    ] {
        let output = tempdir().expect("a folder");
        run(output.path(), &format!("-resolution auto {args}"));
        assert!(
            results(output.path())["scores"]["asw"].is_number(),
            "{args}"
        );
    }
}

/// Columns of a CSV file by cell.
fn by_cell(file: &Path) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(file).expect("an output");
    let rows = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',').map(str::to_owned);
        (fields.next().expect("a cell"), fields.collect())
    });
    rows.collect()
}

#[test]
fn without_self_training_labels_are_leidens() {
    // The same embedding is clustered once more by the program's own Leiden.
    let output = tempdir().expect("a folder");
    run(
        output.path(),
        "-resolution 0.8 -batch_size 64 -leiden_graph embedding -clustering_epoch 0",
    );
    let embedding = by_cell(&output.path().join("embedding/small.csv"));
    let z = Array2::from_shape_vec(
        (embedding.len(), embedding[0].1.len()),
        embedding
            .iter()
            .flat_map(|(_, z)| z.iter().map(|x| x.parse::<f32>().expect("a number")))
            .collect(),
    )
    .expect("a row per cell");
    let counts = prepare(&golden::small_counts(), 100).expect("counts");
    let views = Views::of(vec![View::of(&z.view()).expect("a graph")], &counts.totals);
    let expected = leiden(&views.joint, 0.8, 1).expect("clusters").labels;
    let found: Vec<usize> = by_cell(&output.path().join("pred_label/small.csv"))
        .iter()
        .map(|(_, label)| label[0].parse().expect("a label"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn cells_beyond_the_sample_are_labelled_and_the_sample_is_recorded() {
    let output = tempdir().expect("a folder");
    let said = run(
        output.path(),
        "-resolution 0.5 -batch_size 64 -max_num_cell 100",
    );
    let results = results(output.path());
    let sample = results["training_cells"].as_array().expect("a list");
    assert_eq!(sample.len(), 100);
    assert_eq!(
        by_cell(&output.path().join("pred_label/small.csv")).len(),
        239
    );
    assert!(
        said.contains("trained on and clustered are 100 of the 239 cells"),
        "{said}"
    );
}
