//! `-save_report True`.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;

use crate::page::Page;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");

fn run(output: &Path, args: &[&str]) {
    Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args([
            "-name",
            SMALL,
            "-training_epoch",
            "2",
            "-n_hvg",
            "100",
            "-quiet",
            "-output_dir",
        ])
        .arg(output)
        .args(args)
        .assert()
        .success();
}

#[test]
fn a_report_is_written_where_it_is_asked_for_and_nothing_besides() {
    let output = tempfile::tempdir().expect("a folder");
    run(output.path(), &[]);
    assert!(!output.path().join("report").exists());
    run(output.path(), &["-save_report"]);
    for folder in ["markers", "umap_figure"] {
        assert!(!output.path().join(folder).exists(), "{folder}");
    }
    let page = Page::open(&output.path().join("report/small.html"));
    let results = fs::read(output.path().join("results/small.json")).expect("results");
    let results: Value = serde_json::from_slice(&results).expect("JSON");
    let sizes = |clusters: &Value, of: fn(&Value) -> Option<u64>| -> Vec<Option<u64>> {
        clusters
            .as_array()
            .expect("clusters")
            .iter()
            .map(of)
            .collect()
    };
    assert_eq!(
        sizes(&page.data["clusters"], Value::as_u64),
        sizes(&results["clusters"], |cluster| cluster["cells"].as_u64())
    );
    assert_eq!(page.data["cells"]["n"], results["n_cells"]);
    // The two options above; -quiet is one as well, and what it silenced is told.
    for told in [
        "-training_epoch 2",
        "-n_hvg 100",
        "-quiet True",
        "-save_report True",
    ] {
        assert!(page.html.contains(told), "{told}");
    }
    assert!(page.html.contains("The run gave"));
    assert_eq!(page.data["charts"][0]["steps"], serde_json::json!([1, 2]));
}

#[test]
fn a_run_at_one_resolution_has_a_report_without_tree() {
    let output = tempfile::tempdir().expect("a folder");
    run(
        output.path(),
        &["-save_report", "-resolution=0.5", "-celltype=unknown"],
    );
    let page = Page::open(&output.path().join("report/small.html"));
    assert_eq!(page.data["tree"], Value::Null);
    assert!(page.html.contains("-resolution 0.5"));
    assert!(
        page.html
            .contains("The clusters were found at one resolution")
    );
}

#[test]
fn multiqc_files_hold_the_clusters_and_the_scores() {
    let output = tempfile::tempdir().expect("a folder");
    run(output.path(), &["-save_report"]);
    let read = |name: &str| -> Value {
        let text = fs::read(output.path().join("report").join(name)).expect(name);
        serde_json::from_slice(&text).expect("JSON")
    };
    let bars = read("small_clusters_mqc.json");
    assert_eq!(bars["plot_type"], "bargraph");
    let sizes = bars["data"]["small"].as_object().expect("clusters");
    let statistics = read("small_statistics_mqc.json");
    assert_eq!(statistics["plot_type"], "generalstats");
    assert_eq!(statistics["data"]["small"]["clusters"], sizes.len());
    let n_cells: u64 = sizes.values().filter_map(Value::as_u64).sum();
    assert_eq!(statistics["data"]["small"]["cells"], n_cells);
    assert!(statistics["data"]["small"]["ari"].is_f64());
}
