//! Labels of new cells: seconds of every stage, peak memory and accuracy for growing numbers of simulated cells, labelled by a model
//! of 20,000 others.
//!
//! `cargo bench --bench annotate -- 20000 200000`: numbers of new cells. The first 20,000 cells train the model; those of larger
//! files follow them.

mod common;

use std::path::Path;

use common::{
    program::{start, text},
    simulated_file::{self, GZIP_LEVEL, Types},
};
use serde_json::Value;

const N_GENES: usize = 20_000;
const DENSITY: f64 = 0.05;
const TRAINED_ON: usize = 20_000;
const SIZES: [usize; 2] = [20_000, 200_000];

fn main() {
    let typed = std::env::args().skip(1).filter(|a| a != "--bench");
    let mut sizes: Vec<usize> = typed.flat_map(|a| a.parse()).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("known.h5ad");
    simulate(&path, TRAINED_ON);
    start(
        folder.path(),
        &["-save_model_para", "True", "-name", text(&path)],
    );
    println!(
        "| new cells | read s | label s | score s | write s | peak MB | unassigned | type F1 |"
    );
    println!("|{}", " --- |".repeat(8));
    for n_cells in sizes {
        let path = folder.path().join("new.h5ad");
        simulate(&path, n_cells);
        let model = folder.path().join("model_save/known.safetensors");
        let labels = ["-label_by", "celltype", "-overwrite", "True"];
        let args = ["annotate", text(&path), "-model", text(&model)];
        start(folder.path(), &[&args[..], &labels[..]].concat());
        print_row(n_cells, folder.path());
    }
}

fn print_row(n_cells: usize, folder: &Path) {
    let results = std::fs::read_to_string(folder.join("results/new.json")).expect("results");
    let results: Value = serde_json::from_str(&results).expect("JSON");
    let stages = results["stages"].as_array().expect("stages").iter();
    let seconds: Vec<String> = stages
        .map(|stage| format!("{:.1}", stage["seconds"].as_f64().expect("seconds")))
        .collect();
    println!(
        "| {n_cells} | {} | {:.0} | {:.1} % | {:.3} |",
        seconds.join(" | "),
        results["peak_rss_mb"].as_f64().expect("memory"),
        100.0 * results["n_unassigned"].as_f64().expect("cells") / n_cells as f64,
        results["f1"]["named"].as_f64().unwrap_or(f64::NAN),
    );
}

fn simulate(path: &Path, n_cells: usize) {
    let gzip = Some(GZIP_LEVEL);
    simulated_file::write(path, n_cells, N_GENES, DENSITY, Types::default(), gzip);
}
