//! Every format and encoding that is read gives the same counts and names: `tests/formats/make.py` wrote the
//! files, with two versions of anndata.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    convert::to_h5ad,
    counts::CountSource,
    h5ad::{Column, CountsIn},
    read::{CellTypes, DataSet, Format, Orientation, ReadError, ReadOptions, open, read},
};
use ndarray::{Array2, arr2};

const CELLS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
const GENES: [&str; 4] = ["Gad1", "Mbp", "Aif1", "Pdgfra"];
const TYPES: [&str; 6] = ["neuron", "glia", "glia", "neuron", "glia", "neuron"];
/// Stands for a missing label.
const NONE: &str = "—";

/// Every `.h5ad` file whose `X`, names and `obs['celltype']` are the common ones.
const PLAIN: [&str; 28] = [
    "anndata07_csr",
    "anndata07_dense",
    "csc",
    "csc_int64",
    "csr",
    "csr_gzip",
    "csr_int64",
    "csr_uint32",
    "csr_unsorted_duplicates",
    "dense",
    "dense_big_endian_f4",
    "dense_blosc_blosclz",
    "dense_blosc_lz4",
    "dense_blosc_zlib",
    "dense_blosc_zstd",
    "dense_chunked",
    "dense_f2",
    "dense_f8",
    "dense_i1",
    "dense_i8",
    "dense_lzf",
    "dense_u2",
    "index_by_attribute",
    "index_by_name",
    "index_fixed_ascii",
    "index_fixed_utf8",
    "index_nullable_text",
    "index_variable_ascii",
];

/// Files with other labels.
const LABELS: [(&str, [&str; 6]); 10] = [
    ("obs_categorical", TYPES),
    ("obs_text", TYPES),
    (
        "obs_nullable_text",
        ["neuron", "glia", "glia", "neuron", NONE, "neuron"],
    ),
    (
        "obs_missing_category",
        ["neuron", "glia", "glia", "neuron", NONE, "neuron"],
    ),
    ("obs_single_category", ["neuron"; 6]),
    (
        "obs_boolean",
        ["True", "False", "False", "True", "False", "True"],
    ),
    (
        "obs_nullable_boolean",
        ["True", "False", NONE, "True", "False", "True"],
    ),
    ("obs_integer", ["0", "1", "2", "3", "4", "5"]),
    ("obs_nullable_integer", ["1", "2", NONE, "1", "2", "1"]),
    ("obs_float", ["1.5", "2", NONE, "1.5", "2", "1.5"]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

fn file(name: &str) -> PathBuf {
    folder().join(name)
}

fn counts() -> Array2<f32> {
    arr2(&[
        [1., 0., 2., 0.],
        [0., 3., 0., 0.],
        [0., 0., 0., 100.],
        [4., 5., 6., 7.],
        [0., 0., 1., 0.],
        [90., 0., 0., 1.],
    ])
}

fn dense(counts: &dyn CountSource) -> Array2<f32> {
    let all = counts.rows(0..counts.n_cells()).expect("rows").to_dense();
    for cell in 0..counts.n_cells() {
        let row = counts.rows(cell..cell + 1).expect("a row").to_dense();
        assert_eq!(row.row(0), all.row(cell), "cell {cell} by itself");
    }
    all
}

fn layer(name: &str) -> ReadOptions {
    ReadOptions {
        counts_in: CountsIn::Layer(name.to_owned()),
        ..ReadOptions::default()
    }
}

fn raw() -> ReadOptions {
    ReadOptions {
        counts_in: CountsIn::Raw,
        ..ReadOptions::default()
    }
}

fn transpose() -> ReadOptions {
    ReadOptions {
        orientation: Orientation::GenesInRows,
        ..ReadOptions::default()
    }
}

/// Opens a file and checks counts and names; then the same of its conversion to `.h5ad`.
#[track_caller]
fn opened(name: &str, options: &ReadOptions, format: Format) -> DataSet {
    let data = open(&file(name), options).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(data.format, format, "{name}");
    assert_eq!(dense(&*data.counts), counts(), "{name}");
    assert_eq!(data.cell_names, CELLS, "{name}");
    assert_eq!(data.gene_names, GENES, "{name}");
    let converted = tempfile::tempdir().expect("a folder");
    let output = converted.path().join("converted.h5ad");
    to_h5ad(file(name), options, &output).expect("a conversion");
    let again = open(&output, &ReadOptions::default()).expect("an .h5ad file");
    assert_eq!(dense(&*again.counts), counts(), "{name}, converted");
    assert_eq!(again.cell_names, CELLS, "{name}, converted");
    assert_eq!(again.gene_names, GENES, "{name}, converted");
    let columns = data.obs.names();
    assert_eq!(again.obs.names(), columns, "{name}, converted");
    for column in &columns {
        let (before, after) = (data.obs.labels(column), again.obs.labels(column));
        assert_eq!(
            before.expect("labels"),
            after.expect("labels"),
            "{name}, converted: {column}"
        );
    }
    data
}

#[track_caller]
fn assert_labels(data: &DataSet, expected: [&str; 6], name: &str) {
    let labels = data.obs.labels("celltype").expect("labels");
    let labels: Vec<_> = labels
        .iter()
        .map(|label| label.as_deref().unwrap_or(NONE))
        .collect();
    assert_eq!(labels, expected, "{name}");
}

#[test]
fn every_encoding_of_h5ad_gives_the_same_data() {
    for name in PLAIN {
        let data = opened(
            &format!("{name}.h5ad"),
            &ReadOptions::default(),
            Format::H5ad,
        );
        assert_labels(&data, TYPES, name);
    }
}

#[test]
fn every_encoding_of_a_column_gives_its_labels() {
    for (name, labels) in LABELS {
        let data = opened(
            &format!("{name}.h5ad"),
            &ReadOptions::default(),
            Format::H5ad,
        );
        assert_labels(&data, labels, name);
    }
    let numbers = ["2", "1", "1", "2", "1", "2"];
    let name = "obs_categorical_of_numbers.h5ad";
    assert_labels(
        &opened(name, &ReadOptions::default(), Format::H5ad),
        numbers,
        name,
    );
    let name = "obs_without_columns.h5ad";
    let data = opened(name, &ReadOptions::default(), Format::H5ad);
    assert_eq!(data.obs.names(), [""; 0]);
}

#[test]
fn layers_and_raw_give_the_counts_that_x_does_not() {
    for name in ["counts", "dense", "by_genes"] {
        let data = opened("layers.h5ad", &layer(name), Format::H5ad);
        assert_labels(&data, TYPES, name);
    }
    let name = "layers_without_x.h5ad";
    assert_labels(&opened(name, &layer("counts"), Format::H5ad), TYPES, name);
    for name in ["raw.h5ad", "anndata07_raw.h5ad"] {
        assert_labels(&opened(name, &raw(), Format::H5ad), TYPES, name);
    }
}

#[test]
fn duplicate_cell_names_stay_and_are_unique_in_a_conversion() {
    let input = file("obs_duplicate_names.h5ad");
    let data = open(&input, &ReadOptions::default()).expect("a data set");
    assert_eq!(data.cell_names, ["c0", "c1", "c1", "c3", "c3", "c3"]);
    assert_eq!(dense(&*data.counts), counts());
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("unique.h5ad");
    to_h5ad(&input, &ReadOptions::default(), &output).expect("a conversion");
    let data = open(&output, &ReadOptions::default()).expect("a data set");
    assert_eq!(data.cell_names, ["c0", "c1", "c1-1", "c3", "c3-1", "c3-2"]);
}

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

#[test]
fn the_pipeline_takes_any_format_with_its_labels() {
    let auto = CellTypes::Auto;
    let input = read(&file("baron.csv").into(), &ReadOptions::default(), &auto).expect("an input");
    assert_eq!((input.n_cells(), input.n_genes()), (6, 4));
    assert_eq!(input.obs_columns, ["celltype", "barcode"]);
    assert!(
        input
            .truth
            .is_some_and(|labels| labels[0].as_deref() == Some("neuron"))
    );
    let input = read(&file("mtx_v3").into(), &ReadOptions::default(), &auto).expect("an input");
    assert!(input.truth.is_none());
    let column = CellTypes::Column("type".to_owned());
    let error = read(&file("baron.csv").into(), &ReadOptions::default(), &column);
    let message = error.expect_err("no such column").to_string();
    assert!(
        message.contains("no column 'type'; it has: celltype, barcode"),
        "{message}"
    );
}

#[test]
fn options_that_mean_nothing_for_a_format_are_refused() {
    let cases: [(&str, ReadOptions, &str); 5] = [
        (
            "tenx_v3.h5",
            layer("counts"),
            "-layer is for .h5ad, .h5mu and .loom files, but this is a 10x .h5 file",
        ),
        (
            "mtx_v3",
            raw(),
            "-use_raw is for .h5ad and .h5mu files, but this is an .mtx matrix",
        ),
        (
            "csr.h5ad",
            transpose(),
            "-transpose is for CSV and TSV tables, but this is an .h5ad file",
        ),
        (
            "baron.csv",
            ReadOptions {
                gex_only: false,
                ..ReadOptions::default()
            },
            "-gex_only is for 10x data and .h5ad files, but this is a table",
        ),
        (
            "xy.h5",
            ReadOptions {
                genome: Some("hg19".to_owned()),
                ..ReadOptions::default()
            },
            "-genome is for 10x data and .h5ad files, but this is an .h5 file of X and Y",
        ),
    ];
    for (name, options, words) in cases {
        let error = open(&file(name), &options).expect_err("an option that does not fit");
        assert!(matches!(error, ReadError::OptionUnfit { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn what_a_conversion_would_replace_is_not_its_own_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layers.h5ad");
    fs::copy(file("layers.h5ad"), &path).expect("a copy");
    let before = fs::read(&path).expect("bytes");
    let error = to_h5ad(&path, &layer("counts"), &path).expect_err("its own output");
    assert!(
        error.to_string().contains("would replace this file"),
        "{error}"
    );
    assert!(fs::read(&path).expect("bytes") == before);
}

#[test]
fn every_file_has_its_row_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inputs.md");
    let page = fs::read_to_string(page).expect("text");
    let names = fs::read_dir(folder()).expect("a folder").map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    });
    let names: BTreeSet<String> = names
        .filter(|name| !["make.py", "README.md"].contains(&name.as_str()))
        .collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for name in &names {
        let cell = format!("`{name}`");
        assert!(rows.iter().any(|row| row.contains(&cell)), "{name}");
    }
    assert!(names.len() > 50, "{names:?}");
}
