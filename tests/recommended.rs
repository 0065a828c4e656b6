//! The recommended training, whole runs: what it chooses, and that it repeats.

mod common;

use std::{fs, path::Path};

use assert_cmd::Command;
use attentionae_sc::{
    counts::Csr,
    graph::JointGraph,
    h5ad::{NewH5ad, write_h5ad},
    partition::leiden,
    preprocess::prepare,
};
use common::golden;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
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
    results_of("small", output)
}

fn results_of(name: &str, output: &Path) -> Value {
    let file = output.join("results").join(name).with_extension("json");
    let text = fs::read_to_string(file).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_tree_is_told_written_and_recorded() {
    let output = tempdir().expect("a folder");
    let said = run(output.path(), "-batch_size 64 -n_clusters 4");
    let results = results(output.path());
    assert_eq!(results["n_clusters"], 4);
    assert_eq!(results["parameters"]["resolution"], "auto");
    assert_eq!(results["parameters"]["n_clusters"], 4);
    let splits = results["tree"]["splits"].as_array().expect("a list");
    assert_eq!(splits.len(), 3);
    let weakest = splits[2].as_str().expect("a line");
    assert!(weakest.contains("of edges between; in "), "{weakest}");
    let told = format!(
        "the tree of {} fine clusters was cut into 4 clusters",
        results["tree"]["n_fine_clusters"]
    );
    assert!(said.contains(&told) && said.contains(weakest), "{said}");

    let read = |file: &str| fs::read_to_string(output.path().join(file)).expect("an output");
    let tree: Value = serde_json::from_str(&read("tree/small.json")).expect("JSON");
    let nodes = tree["nodes"].as_array().expect("a list");
    assert_eq!(
        nodes.len(),
        2 * tree["n_fine_clusters"].as_u64().expect("a number") as usize - 1
    );
    let root = nodes.last().expect("a root");
    assert_eq!(root["cells"], 239);
    assert_eq!(root["clusters"], serde_json::json!([0, 1, 2, 3]));
    let n_splits = nodes.iter().filter(|node| node["is_split"] == true).count();
    assert_eq!(n_splits, 3);
    let newick = read("tree/small.nwk");
    assert!(
        newick.ends_with(";\n") && newick.matches(',').count() == 3,
        "{newick}"
    );

    let labels = read("pred_label/small.csv");
    assert!(labels.starts_with("cell,label,fine,confidence\n"));
    // A finer cluster lies within one cluster.
    let mut cluster_of_fine = std::collections::HashMap::new();
    for (_, columns) in by_cell(&output.path().join("pred_label/small.csv")) {
        let cluster = cluster_of_fine
            .entry(columns[1].clone())
            .or_insert(columns[0].clone());
        assert_eq!(*cluster, columns[0]);
        let confidence: f64 = columns[2].parse().expect("a number");
        assert!((0.0..=1.0).contains(&confidence));
    }
}

#[test]
fn one_cluster_is_an_answer() {
    let output = tempdir().expect("a folder");
    let said = run(output.path(), "-batch_size 64 -n_clusters 1");
    assert!(
        said.contains("fine clusters was cut into one cluster"),
        "{said}"
    );
    assert!(!said.contains("all cells are one cluster"), "{said}");
    assert_eq!(results(output.path())["scores"]["asw"], Value::Null);
    let said = run(output.path(), "-batch_size 64 -resolution 0.0001");
    assert!(
        said.contains("one cluster at this -resolution; a higher one may find more"),
        "{said}"
    );
}

#[test]
fn more_clusters_than_there_are_are_refused() {
    let output = tempdir().expect("a folder");
    let args = [
        "-name",
        SMALL,
        "-n_clusters",
        "9999",
        "-training_epoch",
        "1",
        "-output_dir",
    ];
    let run = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .args(args)
        .arg(output.path())
        .assert()
        .code(1);
    let said = String::from_utf8_lossy(&run.get_output().stderr);
    assert!(said.contains("-n_clusters 9999 is too many"), "{said}");
    assert_eq!(fs::read_dir(output.path()).expect("a folder").count(), 0);
}

#[test]
fn a_resolution_that_is_given_is_taken() {
    let output = tempdir().expect("a folder");
    run(output.path(), "-resolution 0.5 -batch_size 64");
    let results = results(output.path());
    assert_eq!(results["tree"], Value::Null);
    assert!(!output.path().join("tree").exists());
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
        [
            "pred_label/small.csv",
            "embedding/small.csv",
            "tree/small.json",
        ]
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
    let mut joint = JointGraph::default();
    joint.add(&z.view(), 1).expect("a graph");
    let graph = joint.balanced(&counts.totals);
    let expected = leiden(&graph, 0.8, 1).expect("clusters").labels;
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
        said.contains("the network is trained on 100 of the 239 cells"),
        "{said}"
    );
}

#[test]
fn batches_are_told_and_how_they_mix_is_recorded() {
    let output = tempdir().expect("a folder");
    // Types in the place of batches: they are apart, and come nearer.
    let said = run(
        output.path(),
        "-resolution 0.5 -batch_size 64 -batch_key celltype",
    );
    assert!(said.contains("4 batches by celltype, of "), "{said}");
    let mixing = &results(output.path())["mixing"];
    assert_eq!(mixing["batches"].as_array().expect("names").len(), 4);
    let index = |field: &str| mixing[field].as_f64().expect("a number");
    assert!(
        index("ilisi") > index("ilisi_before") && index("ilisi_before") >= 1.0,
        "{mixing}"
    );
    assert!(
        said.contains("around a cell are, of 4 batches, effectively "),
        "{said}"
    );
}

#[test]
fn a_batch_key_that_names_no_samples_is_refused() {
    for (key, reason) in [
        ("nope", "obs has no column 'nope'"),
        ("celltype,nope", "obs has no column 'nope'"),
    ] {
        let output = tempdir().expect("a folder");
        Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
            .env("HDF5_USE_FILE_LOCKING", "FALSE")
            .args(["-name", SMALL, "-batch_key", key, "-output_dir"])
            .arg(output.path())
            .assert()
            .code(1)
            .stderr(predicates::str::contains(reason));
    }
}

/// 400 cells with a count of one on average in each of 183 genes. Half of them express 17 more, `names`, which the others hardly do.
fn write_cells_in_two_states(path: &Path, names: &[String]) {
    let n_cells = 400;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut count = |rate: f64| Poisson::new(rate).expect("a rate").sample(&mut rng) as f32;
    let mut counts = Array2::zeros((n_cells, 200));
    for ((cell, gene), value) in counts.indexed_iter_mut() {
        *value = match (gene < names.len(), cell < n_cells / 2) {
            (false, _) => count(1.0),
            (true, true) => count(1.4),
            (true, false) => count(0.05),
        };
    }
    let others = (names.len()..200).map(|gene| format!("gene_{gene}"));
    let new = NewH5ad {
        counts: &Csr::csr_from_dense(counts.view(), 0.0),
        obs_names: (0..n_cells).map(|cell| format!("cell_{cell}")).collect(),
        var_names: names.iter().cloned().chain(others).collect(),
        obs: Vec::new(),
        var: Vec::new(),
        uns: Vec::new(),
    };
    write_h5ad(path, &new).expect("a file");
}

#[test]
fn cells_of_heat_shock_are_no_cluster_of_their_own() {
    let heat_shock = "BAG3 CACYBP CHORDC1 DNAJA1 DNAJB1 DNAJB4 HSP90AA1 HSP90AB1 Hspa1a ENSMUSG00000090877 HSPA6 \
                      ENSG00000109971.20 HSPB1 HSPD1 HSPE1 HSPH1 ZFAND2A";
    let heat_shock: Vec<String> = heat_shock.split_whitespace().map(str::to_owned).collect();
    let others: Vec<String> = (0..17).map(|gene| format!("marker_{gene}")).collect();
    let output = tempdir().expect("a folder");
    for (name, names, n_clusters) in [("shocked", heat_shock, 1), ("types", others, 2)] {
        let file = output.path().join(name).with_extension("h5ad");
        write_cells_in_two_states(&file, &names);
        Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
            .args(["-name"])
            .arg(&file)
            .arg("-output_dir")
            .arg(output.path())
            .args(["-training_epoch", "8", "-batch_size", "64"])
            .assert()
            .code(0);
        assert_eq!(
            results_of(name, output.path())["n_clusters"],
            n_clusters,
            "{name}"
        );
    }
}
