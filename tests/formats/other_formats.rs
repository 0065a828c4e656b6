//! 10x, tables, `.h5` of X and Y, Zarr.

use std::fs;

use attentionae_sc::h5ad::Column;

use super::*;

#[test]
fn tenx_data_give_genes_unless_all_features_are_asked_for() {
    for (name, format) in [
        ("tenx_v3.h5", Format::TenxH5),
        ("tenx_v2.h5", Format::TenxH5),
        ("mtx_v3", Format::Mtx),
        ("mtx_v3/matrix.mtx.gz", Format::Mtx),
        ("mtx_v2", Format::Mtx),
        ("mtx_prefix", Format::Mtx),
    ] {
        let data = opened(name, &ReadOptions::default(), format);
        let ids = ["ENSG0", "ENSG1", "ENSG2", "ENSG3"].map(str::to_owned);
        let column = ("gene_ids".to_owned(), Column::Text(ids.to_vec()));
        assert_eq!(data.var[0], column, "{name}");
    }
    opened("mtx_cells_by_genes", &ReadOptions::default(), Format::Mtx);
    let all = ReadOptions {
        gex_only: false,
        ..ReadOptions::default()
    };
    for name in ["tenx_v3.h5", "mtx_v3"] {
        let data = open(&file(name), &all).expect("a data set");
        assert_eq!(data.gene_names[4..], ["CD3_TotalSeq", "CD19_TotalSeq"]);
        let antibodies = dense(&*data.counts).column(5).to_vec();
        assert_eq!(antibodies, [0., 9., 9., 0., 2., 4.], "{name}");
    }
}

#[test]
fn a_genome_of_tenx_data_is_chosen() {
    let of = |genome: &str| ReadOptions {
        genome: Some(genome.to_owned()),
        ..ReadOptions::default()
    };
    for name in ["tenx_v3.h5", "tenx_v2.h5"] {
        opened(name, &of("GRCh38"), Format::TenxH5);
        let error = open(&file(name), &of("mm10")).expect_err("no such genome");
        let message = error.to_string();
        assert!(
            message.contains("of genome mm10; the file holds: GRCh38"),
            "{message}"
        );
    }
}

#[test]
fn tables_give_the_same_data_whatever_separates_them() {
    for name in [
        "cells_by_genes.csv",
        "cells_by_genes.csv.gz",
        "semicolons.txt",
        "write_table.txt",
    ] {
        opened(name, &ReadOptions::default(), Format::Table);
    }
    opened("genes_by_cells.tsv", &transpose(), Format::Table);
    for name in ["baron.csv", "baron.zip"] {
        let data = opened(name, &ReadOptions::default(), Format::Table);
        assert_labels(&data, TYPES, name);
    }
}

#[test]
fn an_h5_file_of_x_and_y_has_labels_and_names_by_position() {
    let data = open(&file("xy.h5"), &ReadOptions::default()).expect("a data set");
    assert_eq!(data.format, Format::XyH5);
    assert_eq!(dense(&*data.counts), counts());
    assert_eq!(
        (data.cell_names[5].as_str(), data.gene_names[3].as_str()),
        ("cell_5", "gene_3")
    );
    assert_labels(&data, TYPES, "xy.h5");
}

/// What the columns of `obs` in Zarr hold besides `celltype`.
const COLUMNS: [(&str, [&str; 6]); 8] = [
    ("text", TYPES),
    (
        "nullable_text",
        ["neuron", NONE, NONE, "neuron", NONE, "neuron"],
    ),
    (
        "missing_category",
        ["neuron", NONE, NONE, "neuron", NONE, "neuron"],
    ),
    (
        "boolean",
        ["False", "True", "True", "False", "True", "False"],
    ),
    (
        "nullable_boolean",
        ["True", NONE, "False", "True", "False", "True"],
    ),
    ("integer", ["0", "1", "2", "3", "4", "5"]),
    ("nullable_integer", ["1", "2", NONE, "1", "2", "1"]),
    ("float", ["1.5", "2", NONE, "1.5", "2", "1.5"]),
];

#[test]
fn zarr_gives_the_same_data_in_a_folder_and_in_an_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["zarr_v2", "zarr_v3", "zarr_v3_sharded"] {
        let archive = fs::File::open(file(&format!("{name}.zarr.zip"))).expect("an archive");
        let mut archive = zip::ZipArchive::new(archive).expect("an archive");
        archive.extract(folder.path()).expect("a folder");
        let unpacked = folder.path().join(format!("{name}.zarr"));
        let unpacked = unpacked.to_str().expect("text");
        let packed = format!("{name}.zarr.zip");
        for input in [unpacked, &packed] {
            let data = opened(input, &ReadOptions::default(), Format::Zarr);
            assert_labels(&data, TYPES, input);
            for (column, expected) in COLUMNS {
                let labels = data.obs.labels(column).expect("labels");
                let labels = labels.iter().map(|label| label.as_deref().unwrap_or(NONE));
                assert_eq!(labels.collect::<Vec<_>>(), expected, "{input}: {column}");
            }
            for options in [layer("dense"), layer("dense_f8"), layer("csc"), raw()] {
                opened(input, &options, Format::Zarr);
            }
            let error = open(&file(input), &layer("none")).expect_err("no such layer");
            let message = error.to_string();
            assert!(
                message.contains("csc") && message.contains(input),
                "{message}"
            );
        }
    }
    // Without the chunk of its values, a sparse matrix would be read as one of zeros.
    let lost = folder.path().join("zarr_v3.zarr/X/data/c/0");
    fs::remove_file(&lost).expect("a chunk");
    let error = open(&folder.path().join("zarr_v3.zarr"), &ReadOptions::default());
    let message = error.expect_err("a chunk is lost").to_string();
    assert!(
        message.contains("X/data") && message.contains("c/0 is not there"),
        "{message}"
    );
}
