//! `annotate -save_report True`.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::{browser::tab, page::Page, simulated::HOSTILE};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");

fn program(args: &[&str], folder: &Path) {
    Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args(args)
        .args(["-quiet", "-output_dir"])
        .arg(folder)
        .assert()
        .success();
}

/// The report of the golden cells, labelled by a model of their own whose clusters have these names.
fn report(folder: &Path, names: &[&str]) -> PathBuf {
    let short = [
        "-training_epoch",
        "5",
        "-n_hvg",
        "100",
        "-landmarks",
        "60",
        "-n_clusters",
        "3",
    ];
    let train = [&["-name", SMALL, "-save_model_para", "True"], &short[..]].concat();
    program(&train, folder);
    let table = folder.join("names.csv");
    let mut writer = csv::Writer::from_path(&table).expect("a table");
    writer.write_record(["cluster", "name"]).expect("written");
    for (cluster, name) in names.iter().enumerate() {
        let cluster = cluster.to_string();
        writer
            .write_record([cluster.as_str(), name])
            .expect("written");
    }
    drop(writer);
    label(folder, &["-names", table.to_str().expect("a path")]);
    folder.join("report/new.html")
}

/// Labels the golden cells by the model that is in the folder, and reports them.
fn label(folder: &Path, how: &[&str]) {
    let model = folder.join("model_save/small.safetensors");
    let model = model.to_str().expect("a path");
    let input = format!("new={SMALL}");
    let args = ["annotate", &input, "-model", model, "-save_report", "True"];
    program(&[&args, how].concat(), folder);
}

#[test]
fn new_cells_are_told_beside_the_training_cells() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = report(folder.path(), &["alpha", "beta", "gamma"]);
    let page = Page::open(&path);
    let names: Vec<&str> = page.data["names"]
        .as_array()
        .expect("names")
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    assert_eq!(names.last(), Some(&"training cells"));
    for name in ["alpha", "beta", "gamma"] {
        assert!(names.contains(&name), "{names:?}");
        assert!(page.html.contains(name));
    }
    let text = std::fs::read_to_string(folder.path().join("results/new.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let n_new = results["n_cells"].as_u64().expect("cells") as usize;
    let background = page.data["background"].as_u64().expect("a position") as usize;
    let tips = page.shorts("/cells/tips");
    let n_old = tips.iter().filter(|&&tip| tip == background).count();
    assert_eq!((tips.len(), n_old), (2 * n_new, n_new));
    // Training cells keep their labels, so that none is unassigned.
    assert!(page.data["unassigned"].is_null());
    for told in [
        "were labelled",
        "Time and memory",
        "Unassigned, but nearest",
        "Agreement with the true labels",
        "share of the vote of the 15 nearest",
    ] {
        assert!(page.html.contains(told), "{told}");
    }
    assert_eq!(page.data["label_by"], "cluster");
}

#[test]
fn what_confidence_is_depends_on_what_labels_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = report(folder.path(), &["alpha", "beta", "gamma"]);
    label(folder.path(), &["-label_by", "celltype"]);
    let page = Page::open(&path);
    assert!(
        page.html
            .contains("Confidence is the probability of the label")
    );
    assert!(!page.html.contains("vote of the 15 nearest"));
    assert_eq!(page.data["label_by"], "celltype");
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    tab.open(&path);
    tab.evaluate("change({colour: 'confidence'})");
    let unit = "(async () => { await new Promise(done => setTimeout(done, 100)); return map.colouring.unit; })()";
    assert_eq!(tab.evaluate(unit), "probability of the label");
}

#[test]
fn hostile_names_of_labels_neither_run_nor_load_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = report(folder.path(), &HOSTILE[..3]);
    let Some(mut tab) = tab(390, 900) else {
        return;
    };
    tab.open(&path);
    let colours = tab.evaluate("(async () => { for (const option of $('colour').options) { change({colour: option.value}); await new Promise(requestAnimationFrame); } return $('colour').options.length; })()");
    assert!(colours.as_u64().expect("a number") >= 5, "{colours}");
    assert_ne!(tab.evaluate("document.title"), "broken");
    assert_eq!(
        tab.evaluate("document.querySelectorAll('img, script:not([type]), style').length"),
        2
    );
    // No part of the page is wider than a telephone.
    assert_eq!(
        tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"),
        true
    );
    assert_eq!(tab.problems(), Vec::<String>::new());
}

#[test]
fn map_and_table_follow_each_other_and_training_cells_stay_grey() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = report(folder.path(), &["alpha", "beta", "gamma"]);
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    tab.open(&path);
    tab.evaluate("document.querySelector('tr[data-cluster=\"1\"] button').click()");
    let chosen = "[...document.querySelectorAll('#cluster-table tr.chosen')].map(row => row.dataset.cluster).join()";
    assert_eq!(tab.evaluate(chosen), "1");
    let lit = "[...map.lit].filter(Boolean).length === data.clusters[1]";
    assert_eq!(tab.evaluate(lit), true);
    tab.evaluate("change({chosen: null, colour: 'confidence'})");
    let greys = "(async () => { await new Promise(done => setTimeout(done, 100)); return new Set([...cells.tips.keys()].filter(isBackground).map(cell => map.colours[cell])).size; })()";
    assert_eq!(tab.evaluate(greys), 1);
    let tip = "linesOf([...cells.tips.keys()].find(cell => !isBackground(cell))).join('; ')";
    let tip = tab.evaluate(tip);
    let tip = tip.as_str().expect("text");
    for told in ["Confidence", "Distance", "Depth"] {
        assert!(tip.contains(told), "{tip}");
    }
    assert_eq!(tab.problems(), Vec::<String>::new());
}
