//! Tables.

use std::{fs, path::Path};

use attentionae_sc::{
    convert::{Converted, tables_to_h5ad},
    h5ad::H5ad,
    read::{Orientation, ReadOptions},
};
use ndarray::arr2;

use crate::folder::{Folder, SECOND_TABLE, TABLE, assert_refused, counts, csv_to_h5ad, labels};

#[test]
fn one_table_plain_or_compressed() {
    let folder = Folder::new();
    let output = folder.path("AnnData/pancreas.h5ad");
    let inputs = [
        folder.file("m1.csv", TABLE),
        folder.gzip("m1.csv.gz", TABLE),
        folder.zip("m1.zip", &[("m1.csv", TABLE.as_bytes())]),
        folder.gzip("gzip_without_its_extension.csv", TABLE),
    ];
    for input in inputs {
        let converted = csv_to_h5ad(&[&input], &output).expect("a conversion");
        let expected = Converted {
            n_cells: 2,
            n_genes: 3,
            n_celltypes: Some(2),
            notes: converted.notes.clone(),
        };
        assert_eq!(converted, expected);
        assert_eq!(counts(&output), arr2(&[[5., 0., 1.], [0., 7., 0.]]));
        assert_eq!(labels(&output, "celltype"), ["beta", "alpha"]);
        assert_eq!(labels(&output, "barcode"), ["AC", "AG"]);
        let file = H5ad::open(&output).expect("a file");
        assert_eq!(file.obs_names().expect("cells"), ["m1_1", "m1_2"]);
        assert_eq!(file.var_names().expect("genes"), ["Ins1", "Gcg", "Sst"]);
        assert_eq!(file.obs_columns(), ["celltype", "barcode"]);
    }
}

#[test]
fn several_tables_become_one_data_set_with_unique_names() {
    let folder = Folder::new();
    let output = folder.path("pancreas.h5ad");
    let inputs = [
        folder.file("m1.csv", TABLE),
        folder.gzip("m2.csv.gz", SECOND_TABLE),
    ];
    let converted = csv_to_h5ad(&inputs, &output).expect("a conversion");
    assert_eq!((converted.n_cells, converted.n_celltypes), (3, Some(2)));
    let expected = arr2(&[[5., 0., 1.], [0., 7., 0.], [2., 0., 0.]]);
    assert_eq!(counts(&output), expected);
    assert_eq!(labels(&output, "sample"), ["m1", "m1", "m2.csv"]);
    let names = H5ad::open(&output).and_then(|file| file.obs_names());
    assert_eq!(names.expect("cells"), ["m1_1", "m1_2", "m1_2-1"]);
}

#[test]
fn columns_of_any_names_are_kept() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let first = folder.file(
        "m1.csv",
        "cell,sample,Ins1,Gcg\nc1,left,5,0\nc2,right,1,3\n",
    );
    let second = folder.file("m2.csv", "cell,sample,Ins1,Gcg\nc3,left,0,2\nc4,left,7,0\n");
    csv_to_h5ad(&[first, second], &output).expect("a conversion");
    assert_eq!(labels(&output, "sample"), ["m1", "m1", "m2", "m2"]);
    let own = ["left", "right", "left", "left"];
    assert_eq!(labels(&output, "sample_of_file"), own);
    let untitled = folder.file("untitled.csv", ",,Ins1,Gcg\nc1,T,5,0\nc2,B,1,3\n");
    csv_to_h5ad(&[untitled], &output).expect("a conversion");
    assert_eq!(labels(&output, "unnamed"), ["T", "B"]);
    let twice = "gene,Length,Length,c1,c2\nIns1,900,870,5,0\nGcg,750,700,1,3\n";
    let options = ReadOptions {
        orientation: Orientation::GenesInRows,
        ..ReadOptions::default()
    };
    let inputs = [folder.file("twice.csv", twice)];
    tables_to_h5ad(&inputs, &options, &output).expect("a conversion");
    let var = H5ad::open(&output).and_then(|file| file.var_frame());
    let var = var.expect("columns");
    let names: Vec<&str> = var.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Length", "Length-1"]);
}

#[test]
fn an_archive_of_tables_is_read_in_the_order_of_names() {
    let folder = Folder::new();
    let output = folder.path("pancreas.h5ad");
    let contents: [(&str, &[u8]); 4] = [
        ("data/m2.csv", SECOND_TABLE.as_bytes()),
        ("data/m1.csv", TABLE.as_bytes()),
        ("__MACOSX/data/._m1.csv", b"\0\x05\x16"),
        ("readme.txt", b"text"),
    ];
    let input = folder.zip("pancreas.zip", &contents);
    csv_to_h5ad(&[input], &output).expect("a conversion");
    assert_eq!(labels(&output, "celltype"), ["beta", "alpha", "beta"]);
}

#[test]
fn tables_with_different_genes_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let first = folder.file("m1.csv", TABLE);
    let swapped = SECOND_TABLE.replace("Gcg,Sst", "Sst,Gcg");
    let second = folder.file("m2.csv", swapped);
    let words = ["m2.csv", "Sst is gene 2", "m1.csv has Gcg", "same order"];
    assert_refused(csv_to_h5ad(&[&first, &second], &output), &output, &words);
    let fewer = ",barcode,assigned_cluster,Ins1,Gcg\nc,A,beta,1,2\n";
    let second = folder.file("m3.csv", fewer);
    let words = ["m3.csv", "none is gene 3", "m1.csv has Sst"];
    assert_refused(csv_to_h5ad(&[&first, &second], &output), &output, &words);
}

#[test]
fn tables_without_cells_or_names_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    for (content, words) in [
        ("", "0 cells x 0 genes"),
        (",barcode,assigned_cluster,Ins1\n", "0 cells x 1 genes"),
        ("c1\nc2\n", "1 cells x 0 genes"),
        ("1,2\n3,4\n", "line 1: only numbers"),
    ] {
        let input = folder.file("other.csv", content);
        assert_refused(
            csv_to_h5ad(&[input], &output),
            &output,
            &["other.csv", words],
        );
    }
    let no_inputs: [&Path; 0] = [];
    assert_refused(csv_to_h5ad(&no_inputs, &output), &output, &["no input"]);
}

#[test]
fn entries_that_are_no_counts_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    for entry in ["-1", "0.5", "many", "1e99"] {
        let input = folder.file("m1.csv", TABLE.replace("\"7\"", entry));
        let found = format!("'{entry}'");
        let words = [
            "m1.csv, line 3",
            "column 'Gcg'",
            &found,
            "raw counts are needed",
        ];
        assert_refused(csv_to_h5ad(&[input], &output), &output, &words);
    }
}

#[test]
fn a_line_of_another_length_is_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let input = folder.file("m1.csv", format!("{TABLE}m1_3,AA,beta,1\n"));
    let words = ["m1.csv, line 4", "4 fields", "have 6"];
    assert_refused(csv_to_h5ad(&[input], &output), &output, &words);
}

#[test]
fn archives_that_are_damaged_or_hold_no_table_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let missing = folder.path("missing.csv");
    assert_refused(
        csv_to_h5ad(&[&missing], &output),
        &output,
        &["missing.csv", "cannot be read"],
    );
    let input = folder.zip("a.zip", &[("readme.txt", b"text")]);
    assert_refused(
        csv_to_h5ad(&[&input], &output),
        &output,
        &["a.zip", "no .csv or .tsv file"],
    );
    let whole = fs::read(&input).expect("bytes");
    let cut = folder.file("cut.zip", &whole[..whole.len() / 2]);
    assert_refused(
        csv_to_h5ad(&[&cut], &output),
        &output,
        &["cut.zip", "zip archive"],
    );
    let whole = fs::read(folder.gzip("m1.csv.gz", TABLE)).expect("bytes");
    let cut = folder.file("cut.csv.gz", &whole[..whole.len() - 12]);
    assert_refused(csv_to_h5ad(&[&cut], &output), &output, &["cut.csv.gz"]);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    folder.file("AnnData", "");
    let output = folder.path("AnnData/x.h5ad");
    let input = folder.file("m1.csv", TABLE);
    assert_refused(
        csv_to_h5ad(&[input], &output),
        &output,
        &["AnnData/x.h5ad", "cannot be written"],
    );
}
