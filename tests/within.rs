//! A run that is restricted to a group of cells: the same as one of a file that holds only these.

mod common;

use std::{collections::HashMap, fs, path::Path};

use assert_cmd::{Command, assert::Assert};
use attentionae_sc::{
    counts::Csr,
    h5ad::{Column, NewH5ad, write_h5ad},
    read::{ReadOptions, open},
};
use tempfile::tempdir;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");

fn run(input: &Path, output: &Path, more: &[&str]) -> Assert {
    Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .arg("-name")
        .arg(input)
        .args(
            "-training_epoch 8 -n_hvg 60 -batch_size 32 -n_neighbors 8 -n_clusters 2 -output_dir"
                .split(' '),
        )
        .arg(output)
        .args(more)
        .assert()
}

/// Cell, then all that follows in its line.
fn labels(file: &Path) -> HashMap<String, String> {
    let text = fs::read_to_string(file).expect("labels");
    let cells = text.lines().skip(1).filter_map(|line| line.split_once(','));
    cells
        .map(|(cell, rest)| (cell.to_owned(), rest.to_owned()))
        .collect()
}

/// The cells of some types as a file of their own; how many they are. Those called alpha are of two donors, the others of none.
fn write_subset(path: &Path, types: &[&str]) -> usize {
    let data = open(Path::new(SMALL), &ReadOptions::default()).expect("a data set");
    let types_of = data.obs.labels("celltype").expect("types");
    let type_of = |cell: usize| types_of[cell].as_deref().unwrap_or_default();
    let wanted: Vec<usize> = (0..types_of.len())
        .filter(|&cell| types.contains(&type_of(cell)))
        .collect();
    let donor = |&cell: &usize| (type_of(cell) == "alpha").then(|| format!("d{}", cell % 2));
    let all = data.counts.rows(0..types_of.len()).expect("counts");
    let mut offsets = vec![0];
    let (mut genes, mut values) = (Vec::new(), Vec::new());
    for &cell in &wanted {
        for (gene, &count) in all.outer_view(cell).expect("a cell").iter() {
            genes.push(gene as u32);
            values.push(count);
        }
        offsets.push(genes.len());
    }
    let counts = Csr::new((wanted.len(), all.cols()), offsets, genes, values);
    let of = |cell: &usize| types_of[*cell].clone();
    let new = NewH5ad {
        counts: &counts,
        obs_names: wanted
            .iter()
            .map(|&cell| data.cell_names[cell].clone())
            .collect(),
        var_names: data.gene_names.clone(),
        obs: vec![
            (
                "celltype".to_owned(),
                Column::Categorical(wanted.iter().map(of).collect()),
            ),
            (
                "donor".to_owned(),
                Column::Categorical(wanted.iter().map(donor).collect()),
            ),
        ],
        var: Vec::new(),
        uns: Vec::new(),
    };
    write_h5ad(path, &new).expect("a file");
    wanted.len()
}

#[test]
fn labels_and_embedding_are_those_of_a_file_of_these_cells_alone() {
    let folder = tempdir().expect("a folder");
    let alone = folder.path().join("small.h5ad");
    let n_cells = write_subset(&alone, &["alpha"]);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    run(&alone, &one, &["-save_embedding", "True"]).code(0);
    let told = format!("celltype=alpha: {n_cells} of ");
    run(
        Path::new(SMALL),
        &other,
        &[
            "-save_embedding",
            "True",
            "-within",
            "celltype=alpha",
            "-save_h5ad",
            "True",
            "-save_report",
            "True",
        ],
    )
    .code(0)
    .stderr(predicates::str::contains(told));
    for file in ["pred_label/small.csv", "embedding/small.csv"] {
        let (expected, found) = (labels(&one.join(file)), labels(&other.join(file)));
        assert_eq!(found.len(), n_cells);
        assert_eq!(found, expected, "{file}");
    }
    let text = fs::read_to_string(other.join("results/small.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(results["parameters"]["within"], "celltype=alpha");
    assert_eq!(results["n_cells"], n_cells);
    let report = fs::read_to_string(other.join("report/small.html")).expect("a report");
    assert!(report.contains("outside of celltype=alpha were left out"));

    // Neither a run of all cells nor one of another group replaces it unasked.
    for more in [&[][..], &["-within", "celltype=beta"][..]] {
        run(Path::new(SMALL), &other, more)
            .code(1)
            .stderr(predicates::str::contains("(-within celltype=alpha)"));
    }
}

#[test]
fn batches_are_those_of_the_group() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("small.h5ad");
    write_subset(&file, &["alpha", "beta"]);
    let output = folder.path().join("out");
    run(&file, &output, &["-batch_key", "donor"])
        .code(1)
        .stderr(predicates::str::contains("cells have no value there"));
    run(
        &file,
        &output,
        &["-batch_key", "donor", "-within", "celltype=alpha"],
    )
    .code(0)
    .stderr(predicates::str::contains(
        "there are 2 batches by donor, of ",
    ));
    run(
        &file,
        &output,
        &[
            "-batch_key",
            "donor",
            "-within",
            "donor=d0",
            "-overwrite",
            "True",
        ],
    )
    .code(0)
    .stderr(predicates::str::contains("all cells are in one batch, d0"));
}

#[test]
fn a_group_that_is_not_there_is_refused_with_those_that_are() {
    let folder = tempdir().expect("a folder");
    let cases = [
        (
            "celltype=T",
            1,
            "no cell has this value; obs['celltype'] holds: alpha, beta",
        ),
        ("nope=1", 1, "obs has no column 'nope'"),
        ("celltype", 2, "must be COLUMN=VALUE"),
    ];
    for (within, code, reason) in cases {
        run(Path::new(SMALL), folder.path(), &["-within", within])
            .code(code)
            .stderr(predicates::str::contains(reason));
    }
    assert!(!folder.path().join("results").exists());
}
