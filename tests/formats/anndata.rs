//! Encodings of `.h5ad` files.

use attentionae_sc::convert::to_h5ad;

use super::*;

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
