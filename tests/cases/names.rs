//! What outputs are called, and what they replace.

use std::{collections::BTreeSet, fs};

use super::sample::Sample;

fn outputs(sample: &Sample) -> BTreeSet<String> {
    let entries = fs::read_dir(sample.path("results")).expect("results");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn samples_are_called_by_their_folders() {
    let sample = Sample::new();
    sample.cell_ranger("s1", 300);
    sample.cell_ranger("s2", 200);
    sample
        .run("s1/outs/filtered_feature_bc_matrix", &[])
        .succeeds(&["Preparing 300 cells"]);
    sample.run("s2", &[]).succeeds(&["Preparing 200 cells"]);
    sample
        .run("./s2/outs", &[])
        .succeeds(&["Preparing 200 cells"]);
    assert_eq!(
        outputs(&sample),
        ["s1.json", "s2.json"].map(str::to_owned).into()
    );
}

#[test]
fn results_of_another_input_are_not_replaced() {
    let sample = Sample::new();
    for folder in ["a", "b"] {
        sample.file(&format!("{folder}/x.csv"), sample.table("", ","));
    }
    sample.run("a/x.csv", &[]).succeeds(&[]);
    sample.run("./a/x.csv", &["-seed", "2"]).succeeds(&[]);
    let before = fs::read(sample.path("pred_label/x.csv")).expect("labels");
    sample
        .run("b/x.csv", &[])
        .fails(&["-output_name NAME", "-overwrite True"]);
    assert!(fs::read(sample.path("pred_label/x.csv")).expect("labels") == before);
    sample.run("b/x.csv", &["-output_name", "y"]).succeeds(&[]);
    sample.run("b/x.csv", &["-overwrite", "True"]).succeeds(&[]);
    assert_eq!(
        outputs(&sample),
        ["x.json", "y.json"].map(str::to_owned).into()
    );
}

#[test]
fn a_batch_names_its_data_sets_and_keeps_the_records_of_others() {
    let sample = Sample::new();
    sample.cell_ranger("s1", 300);
    sample.cell_ranger("s2", 200);
    let batch = |names: &[&str]| {
        let options = ["-training_epoch", "1", "-resume"];
        sample.program(&[&["batch"], names, &options].concat())
    };
    let both = ["first=s1/outs/filtered_feature_bc_matrix", "s2"];
    batch(&both).succeeds(&["first", "s2"]);
    batch(&["s2"]).succeeds(&["s2: unchanged"]);
    let table = fs::read_to_string(sample.path("results/batch.csv")).expect("a table");
    assert!(table.contains("\nfirst,"), "{table}");
    batch(&both).succeeds(&["first: unchanged", "s2: unchanged"]);
    let ended = sample.program(&["batch", "s1/outs", "s1/outs/filtered_feature_bc_matrix"]);
    ended.fails(&["are both called 's1'", "as in NAME="]);
}

#[test]
fn equal_barcodes_are_numbered_over_all_cells() {
    let sample = Sample::new();
    let mut names = sample.cells.clone();
    for cell in 150..300 {
        names[cell] = names[cell - 150].clone();
    }
    // The first cell has no counts, and is not labelled: its name is none the less taken.
    let mut x = sample.counts.clone();
    x.row_mut(0).fill(0.0);
    Sample::write(
        &sample.path("merged.h5ad"),
        &x,
        &names,
        &sample.genes,
        vec![],
        vec![],
    );
    sample
        .run("merged.h5ad", &[])
        .succeeds(&["150 cell names occur more than once"]);
    let labels = fs::read_to_string(sample.path("pred_label/merged.csv")).expect("labels");
    let cells: Vec<&str> = labels
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!((cells.len(), cells[0]), (299, names[1].as_str()));
    assert_eq!(cells[149], format!("{}-1", names[0]));
    assert_eq!(cells.iter().collect::<BTreeSet<_>>().len(), 299);
}

#[test]
fn threads_beyond_the_cores_are_cut() {
    let sample = Sample::new();
    sample.file("x.csv", sample.table("", ","));
    sample
        .run("x.csv", &["-threads", "900"])
        .succeeds(&["note: -threads 900 is more than the "]);
}
