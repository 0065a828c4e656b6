//! Several files that are read as one data set.

use std::fs;

use attentionae_sc::{
    h5ad::Column,
    read::{CellTypes, DataSet, Format, GeneJoin, InputFile, Inputs, ReadOptions, open_all},
};
use ndarray::{Array2, s};

use super::sample::{N_CELLS, N_GENES, Sample, counts, read};

/// Cells and genes of the two files.
const FIRST_CELLS: usize = 180;
const FIRST_GENES: usize = 300;
const SECOND_GENES: usize = 100;

/// `first.h5ad` has the first cells and genes, with labels and a column called batch; `second.csv` the other cells with the
/// last genes, in reverse order.
fn two_files(sample: &Sample) {
    let first = sample.counts.slice(s![..FIRST_CELLS, ..FIRST_GENES]);
    let types = sample.types[..FIRST_CELLS].iter().cloned().map(Some);
    let day = (0..FIRST_CELLS as i64).collect();
    Sample::write(
        &sample.path("first.h5ad"),
        &first.to_owned(),
        &sample.cells[..FIRST_CELLS],
        &sample.genes[..FIRST_GENES],
        vec![
            ("celltype", Column::Categorical(types.collect())),
            ("batch", Column::Whole(day)),
        ],
        vec![],
    );
    let genes: Vec<usize> = (SECOND_GENES..N_GENES).rev().collect();
    let line = |first: &str, entry: &dyn Fn(usize) -> String| {
        let entries = genes.iter().map(|&gene| entry(gene));
        let fields: Vec<String> = std::iter::once(first.to_owned()).chain(entries).collect();
        fields.join(",") + "\n"
    };
    let mut table = line("cell", &|gene| sample.genes[gene].clone());
    for cell in FIRST_CELLS..N_CELLS {
        table += &line(&sample.cells[cell], &|gene| {
            sample.counts[(cell, gene)].to_string()
        });
    }
    sample.file("second.csv", table);
}

fn joined(sample: &Sample, names: [&str; 2], genes: GeneJoin) -> DataSet {
    let files = names.map(|name| InputFile {
        name: name.split('.').next().unwrap_or_default().to_owned(),
        path: sample.path(name),
    });
    let options = ReadOptions {
        genes,
        ..ReadOptions::default()
    };
    open_all(&Inputs::new(files.to_vec()), &options).expect("a data set")
}

#[test]
fn genes_that_both_files_have_are_read_from_both() {
    let sample = Sample::new();
    two_files(&sample);
    let data = joined(
        &sample,
        ["first.h5ad", "second.csv"],
        GeneJoin::Intersection,
    );
    assert_eq!(data.format, Format::Joined);
    assert_eq!(data.cell_names, sample.cells);
    assert_eq!(data.gene_names, sample.genes[SECOND_GENES..FIRST_GENES]);
    let expected = sample.counts.slice(s![.., SECOND_GENES..FIRST_GENES]);
    assert_eq!(counts(&data), expected);
    let across = data.counts.rows(170..190).expect("rows").to_dense();
    assert_eq!(across, expected.slice(s![170..190, ..]));
    let batches = data.obs.labels("batch").expect("a column");
    let of_first = |label: &Option<String>| label.as_deref() == Some("first");
    assert!(batches[..FIRST_CELLS].iter().all(of_first));
    assert!(!batches[FIRST_CELLS..].iter().any(of_first));
    let types = data.obs.labels("celltype").expect("a column");
    assert_eq!(types[3].as_ref(), Some(&sample.types[3]));
    assert!(types[FIRST_CELLS..].iter().all(Option::is_none));
    let moved = data.obs.labels("batch_of_file").expect("a column");
    assert_eq!(
        (moved[7].as_deref(), &moved[FIRST_CELLS]),
        (Some("7"), &None)
    );
    assert!(
        data.notes[0].starts_with("2 files: 180 + 120 cells, 200 genes in both (of 300 and 300)"),
        "{:?}",
        data.notes
    );
}

#[test]
fn genes_that_either_file_has_are_not_detected_in_the_other() {
    let sample = Sample::new();
    two_files(&sample);
    let data = joined(&sample, ["second.csv", "first.h5ad"], GeneJoin::Union);
    let order: Vec<usize> = (SECOND_GENES..N_GENES)
        .rev()
        .chain(0..SECOND_GENES)
        .collect();
    let names: Vec<&String> = order.iter().map(|&gene| &sample.genes[gene]).collect();
    assert_eq!(data.gene_names.iter().collect::<Vec<_>>(), names);
    let n_second = N_CELLS - FIRST_CELLS;
    let expected = Array2::from_shape_fn((N_CELLS, N_GENES), |(cell, gene)| {
        let gene = order[gene];
        if cell < n_second && gene >= SECOND_GENES {
            sample.counts[(cell + FIRST_CELLS, gene)]
        } else if cell >= n_second && gene < FIRST_GENES {
            sample.counts[(cell - n_second, gene)]
        } else {
            0.0
        }
    });
    assert_eq!(counts(&data), expected);
    assert!(
        data.notes[0].contains("400 genes in either of them"),
        "{:?}",
        data.notes
    );
}

#[test]
fn equal_cell_names_get_those_of_their_files() {
    let sample = Sample::new();
    for name in ["a.csv", "b.csv"] {
        sample.file(name, sample.table("", ","));
    }
    let data = joined(&sample, ["a.csv", "b.csv"], GeneJoin::Intersection);
    assert_eq!(data.cell_names[0], format!("{}-a", sample.cells[0]));
    assert_eq!(data.cell_names[N_CELLS], format!("{}-b", sample.cells[0]));
}

#[test]
fn a_run_joins_files_and_brings_them_together() {
    let sample = Sample::new();
    two_files(&sample);
    let ended = sample.run(
        "first.h5ad,second.csv",
        &[
            "-batch_key",
            "batch",
            "-save_h5ad",
            "True",
            "-save_markers",
            "True",
        ],
    );
    ended.succeeds(&[
        "note: 2 files: 180 + 120 cells, 200 genes in both (of 300 and 300)",
        "2 batches by batch, of 120 to 180 cells",
        "computed on 180 of 300 cells",
    ]);
    let copy = read(
        &sample.path("h5ad/first+second.h5ad"),
        &ReadOptions::default(),
    );
    assert_eq!(
        counts(&copy),
        sample.counts.slice(s![.., SECOND_GENES..FIRST_GENES])
    );
    let obs = copy.obs.names();
    for column in ["celltype", "batch", "batch_of_file", "attentionae"] {
        assert!(obs.iter().any(|name| name == column), "{column}: {obs:?}");
    }
    let markers = fs::read_to_string(sample.path("markers/first+second.csv")).expect("markers");
    assert!(
        markers
            .lines()
            .next()
            .unwrap_or_default()
            .ends_with(",n_batches")
    );
    // The same files may be run again; in another order they are another input.
    sample.run("first.h5ad,second.csv", &[]).succeeds(&[]);
    let other = ["-output_name", "first+second"];
    let ended = sample.run("second.csv,first.h5ad", &other);
    ended.fails(&["holds the results of", "-overwrite True"]);
}

#[test]
fn a_batch_takes_joined_files_as_one_data_set() {
    let sample = Sample::new();
    two_files(&sample);
    let typed = [
        "batch",
        "both=first.h5ad,second.csv",
        "first.h5ad",
        "-training_epoch",
        "1",
    ];
    let ended = sample.program(&typed);
    ended.succeeds(&["both", "first"]);
    assert!(sample.path("pred_label/both.csv").is_file());
    let again = sample.program(&[&typed[..], &["-resume"]].concat());
    again.succeeds(&["unchanged"]);
    sample.file("second.csv", sample.table("", ","));
    let changed = sample.program(&[&typed[..2], &typed[3..], &["-resume"]].concat());
    assert!(!changed.stdout.contains("unchanged"), "{changed:?}");
}

#[test]
fn joined_files_are_converted_to_one() {
    let sample = Sample::new();
    two_files(&sample);
    let join = |more: &[&str]| {
        let typed = [
            "preprocess",
            "join",
            "first.h5ad",
            "second.csv",
            "-data_dir",
            ".",
        ];
        sample.program(&[&typed[..], more].concat())
    };
    join(&["-name", "both", "-genes", "union"]).succeeds(&["300 cells x 400 genes, 4 cell types"]);
    let data = read(&sample.path("both.h5ad"), &ReadOptions::default());
    let direct = joined(&sample, ["first.h5ad", "second.csv"], GeneJoin::Union);
    assert_eq!(counts(&data), counts(&direct));
    assert_eq!(data.gene_names, direct.gene_names);
}

#[test]
fn files_of_other_genes_or_twice_the_same_are_not_joined() {
    let sample = Sample::new();
    two_files(&sample);
    sample.file("c.csv", "cell,Gad1,Mbp\nc0,1,2\nc1,0,3\n");
    sample.run("first.h5ad,c.csv", &[]).fails(&[
        "c.csv: none of its genes (Gad1, Mbp) is in first.h5ad (CD3D, GAPDH, ACTB",
        "of one kind",
    ]);
    let twice = sample.run("first.h5ad,first.h5ad", &[]);
    assert_eq!(twice.code, Some(2), "{twice:?}");
    assert!(twice.stderr.contains("twice"), "{twice:?}");
    sample.run("first.h5ad,none.csv", &[]).fails(&["none.csv"]);
}

#[test]
fn a_conversion_replaces_only_one_of_the_same_input() {
    let sample = Sample::new();
    two_files(&sample);
    sample.file("other/second.csv", sample.table("", ","));
    let convert = |file: &str, more: &[&str]| {
        let typed = ["preprocess", file, "-name", "x", "-data_dir", "d"];
        sample.program(&[&typed[..], more].concat())
    };
    convert("second.csv", &[]).succeeds(&["120 cells"]);
    convert("./second.csv", &[]).succeeds(&["120 cells"]);
    convert("other/second.csv", &[])
        .fails(&["x.h5ad: is there already, made of", "-overwrite True"]);
    convert("other/second.csv", &["-overwrite"]).succeeds(&["300 cells"]);
    fs::copy(sample.path("first.h5ad"), sample.path("d/x.h5ad")).expect("a copy");
    convert("second.csv", &[]).fails(&["no conversion of this program"]);
    convert("second.csv", &["-overwrite", "True"]).succeeds(&["120 cells"]);
}

#[test]
fn results_of_an_earlier_run_are_found_in_joined_files() {
    let sample = Sample::new();
    two_files(&sample);
    let labels = (0..FIRST_CELLS).map(|_| Some("0".to_owned())).collect();
    Sample::write(
        &sample.path("labelled.h5ad"),
        &sample.counts.slice(s![..FIRST_CELLS, ..]).to_owned(),
        &sample.cells[..FIRST_CELLS],
        &sample.genes,
        vec![("attentionae_fine", Column::Categorical(labels))],
        vec![],
    );
    for (name, expected) in [
        ("labelled.h5ad", &["obs/attentionae_fine"][..]),
        ("first.h5ad", &[]),
    ] {
        let files = [name, "second.csv"].map(|name| InputFile {
            name: name.to_owned(),
            path: sample.path(name),
        });
        let inputs = Inputs::new(files.to_vec());
        let input = attentionae_sc::read::read(&inputs, &ReadOptions::default(), &CellTypes::Auto);
        assert_eq!(input.expect("a data set").earlier_results, expected);
    }
}
