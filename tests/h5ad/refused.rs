//! Files that are refused, and what they are told.

use std::{fs, path::Path};

use attentionae_sc::{counts::CountSource, h5ad::H5ad};
use ndarray::{Array2, arr2};

use crate::draft::{COUNTS, CSC, CSR, Draft, assert_says, name, texts, values};

fn refusal(path: &Path) -> String {
    H5ad::open(path)
        .expect_err("a file that is refused")
        .to_string()
}

#[test]
fn a_missing_file_lists_those_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("zeisl.h5ad");
    assert_says(
        &refusal(&path),
        &[&name(&path), "no such file", "no .h5ad file"],
    );
    for cell in 0..12 {
        let path = folder.path().join(format!("set{cell:02}.h5ad"));
        fs::write(path, "").expect("a file");
    }
    fs::write(folder.path().join("notes.txt"), "").expect("a file");
    let message = refusal(&path);
    assert_says(
        &message,
        &["there are: set00.h5ad, set01.h5ad", "set09.h5ad"],
    );
    assert!(
        !message.contains("set10") && !message.contains("notes"),
        "{message}"
    );
}

#[test]
fn a_missing_file_in_a_missing_folder() {
    let message = refusal("no-such-folder/x.h5ad".as_ref());
    assert_says(&message, &["no-such-folder/x.h5ad", "no such file"]);
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.h5ad"), "").expect("a file");
    assert_says(&refusal(folder.path()), &["folder", "a.h5ad"]);
}

#[test]
fn not_hdf5() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.h5ad");
    for content in ["gene,cell\n", &"x".repeat(5000)] {
        fs::write(&path, content).expect("a file");
        assert_says(
            &refusal(&path),
            &[&name(&path), "not an .h5ad file", "HDF5"],
        );
    }
}

#[test]
fn a_file_that_is_cut_short() {
    let finished = Draft::new().finish();
    let bytes = fs::read(&finished.path).expect("bytes");
    fs::write(&finished.path, &bytes[..bytes.len() / 2]).expect("a file");
    assert_says(
        &refusal(&finished.path),
        &["tiny.h5ad", "cut short: it has"],
    );
}

#[test]
fn no_x() {
    let message = Draft::new().without("X").refusal();
    assert_says(
        &message,
        &[
            "tiny.h5ad",
            "no X",
            "raw counts",
            "neither X, layers nor raw",
        ],
    );
    let draft = Draft::new()
        .without("X")
        .dense("layers/counts", &arr2(&COUNTS));
    assert_says(
        &draft.refusal(),
        &["no X", "layers/counts holds counts: add -layer counts"],
    );
}

#[test]
fn no_obs_or_var() {
    for table in ["obs", "var"] {
        let message = Draft::new().without(table).refusal();
        assert_says(&message, &["tiny.h5ad", &format!("no {table}")]);
    }
}

#[test]
fn no_index() {
    assert_says(
        &Draft::new().without("obs/_index").refusal(),
        &["obs has no index", "'_index'"],
    );
    assert_says(
        &Draft::new().without("var/gene").refusal(),
        &["var has no index"],
    );
}

#[derive(hdf5::H5Type, Clone, Copy)]
#[repr(C)]
struct OldRow {
    index: hdf5::types::FixedAscii<8>,
    batch: i32,
}

#[test]
fn tables_of_anndata_0_6() {
    let row = |batch| OldRow {
        index: hdf5::types::FixedAscii::from_ascii("cell").expect("ASCII"),
        batch,
    };
    let draft = Draft::new().without("obs");
    values(&draft.file, "obs", &[0, 1, 2, 3].map(row));
    let message = draft.refusal();
    assert_says(&message, &["obs", "anndata 0.6", "read_h5ad", "write_h5ad"]);
}

#[test]
fn an_empty_matrix() {
    let draft = Draft::new().without("X").without("obs/_index");
    texts(&draft.obs(), "_index", &[]);
    let draft = draft.dense("X", &Array2::<f32>::zeros((0, 3)));
    assert_says(&draft.refusal(), &["empty", "0 cells x 3 genes"]);
}

#[test]
fn x_of_another_shape() {
    let x = Array2::<f32>::zeros((5, 3));
    let message = Draft::new().without("X").dense("X", &x).refusal();
    assert_says(&message, &["obs has length 4", "X has 5 cells"]);
    let x = Array2::<f32>::zeros((4, 2));
    let message = Draft::new().without("X").dense("X", &x).refusal();
    assert_says(&message, &["var has length 3", "X has 2 genes"]);
    let draft = Draft::new().without("X");
    values(&draft.file, "X", &[1, 2, 3]);
    assert_says(
        &draft.refusal(),
        &["X is a dataset of shape [3]", "cells x genes"],
    );
}

#[test]
fn x_of_text() {
    let draft = Draft::new().without("X");
    texts(&draft.file, "X", &["a"]);
    assert_says(&draft.refusal(), &["X", "expected numbers"]);
}

#[test]
fn x_of_unknown_encoding() {
    let (offsets, indices, data) = CSR;
    let draft = Draft::new().sparse("coo_matrix", [4, 3], (&offsets, &indices, &data));
    assert_says(&draft.refusal(), &["X", "'coo_matrix'", "csr_matrix"]);
    let draft = Draft::new().without("X");
    let group = draft.file.create_group("X").expect("X");
    values(&group, "data", &data);
    assert_says(&draft.refusal(), &["X", "'shape'"]);
}

#[test]
fn a_sparse_matrix_without_a_part() {
    for part in ["data", "indices", "indptr"] {
        let (offsets, indices, data) = CSR;
        let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
        let message = draft.without(&format!("X/{part}")).refusal();
        assert_says(&message, &[&format!("no X/{part}"), "incomplete"]);
    }
}

#[test]
fn a_sparse_matrix_of_wrong_lengths() {
    let (offsets, indices, data) = CSR;
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets[..4], &indices, &data));
    assert_says(&draft.refusal(), &["X/indptr", "length 4", "should be 5"]);
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices[..5], &data));
    assert_says(&draft.refusal(), &["X/indices", "length 5", "X/data has 6"]);
    let draft = Draft::new().sparse(
        "csr_matrix",
        [4_000_000_000_000, 3],
        (&offsets, &indices, &data),
    );
    assert_says(&draft.refusal(), &["X/indptr", "4000000000000"]);
}

#[test]
fn offsets_that_are_none() {
    for (position, offset) in [(0, 1), (1, -1), (2, 1), (3, 7), (4, 5)] {
        let (mut offsets, indices, data) = CSR;
        offsets[position] = offset;
        let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
        let words = [format!("holds {offset}"), format!("position {position}")];
        assert_says(&draft.refusal(), &["X/indptr", &words[0], &words[1]]);
    }
}

#[test]
fn indices_out_of_range() {
    for index in [3, -1, i64::MAX] {
        let (offsets, mut indices, data) = CSR;
        indices[4] = index;
        let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
        assert_says(
            &draft.refusal(),
            &["X/indices", &format!("holds {index}"), "0 to 2"],
        );
    }
    let (offsets, mut indices, data) = CSC;
    indices[0] = 4;
    let draft = Draft::new().sparse("csc_matrix", [4, 3], (&offsets, &indices, &data));
    assert_says(&draft.refusal(), &["X/indices", "holds 4", "0 to 3"]);
}

#[test]
fn values_that_are_no_counts() {
    for value in [-1., 0.5, f32::INFINITY] {
        let mut x = arr2(&COUNTS);
        x[[3, 1]] = value;
        let message = Draft::new().without("X").dense("X", &x).refusal();
        let found = format!("X holds {value}");
        assert_says(
            &message,
            &[&found, "raw counts are needed", "neither X, layers nor raw"],
        );
    }
}

#[test]
fn log_values_name_the_layer_and_raw_that_hold_counts() {
    let logged = arr2(&COUNTS).mapv(f32::ln_1p);
    let draft = Draft::new().without("X").dense("X", &logged);
    let draft = draft.dense("raw/X", &arr2(&COUNTS));
    let message = draft.refusal();
    assert_says(
        &message,
        &["log-normalised", "raw/X holds counts: add -use_raw True"],
    );
    let draft = Draft::new().without("X").dense("X", &logged);
    let draft = draft
        .dense("layers/counts", &arr2(&COUNTS))
        .dense("layers/scaled", &logged);
    let draft = draft.dense("raw/X", &arr2(&COUNTS));
    let message = draft.refusal();
    assert_says(
        &message,
        &["layers/counts and raw/X hold counts: add -layer counts"],
    );
    assert!(!message.contains("scaled"), "{message}");
}

#[test]
fn a_fraction_outside_of_the_sample_is_found_while_reading() {
    let n = 200;
    let cells: Vec<String> = (0..n).map(|cell| cell.to_string()).collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let draft = Draft::new().without("X").without("obs/_index");
    texts(&draft.obs(), "_index", &cells);
    let mut x = Array2::<f32>::ones((n, 3));
    x[[n - 1, 2]] = 0.25;
    let finished = draft.dense("X", &x).finish();
    let counts = H5ad::open(&finished.path).and_then(|file| file.counts());
    let counts = counts.expect("the sample holds counts only");
    assert_eq!(counts.rows(0..n - 1).expect("counts").nnz(), 3 * (n - 1));
    let message = counts.rows(0..n).expect_err("a fraction").to_string();
    assert_says(&message, &["X holds 0.25", "raw counts are needed"]);
}

#[test]
fn a_filter_that_is_not_there() {
    // Made by h5py: with `set_filter(32015, FLAG_OPTIONAL, (3,))`, and with `hdf5plugin.Blosc2()`.
    let files: [(&str, &[u8]); 2] = [
        ("zstd", include_bytes!("zstd.h5ad")),
        ("blosc2", include_bytes!("blosc2.h5ad")),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.h5ad");
    for (filter, content) in files {
        fs::write(&path, content).expect("a file");
        let path = name(&path);
        let expected = format!(
            "{path}: X is compressed with {filter}, which cannot be read here; rewrite the file in Python: \
             import hdf5plugin, anndata; anndata.read_h5ad(\"{path}\").write_h5ad(\"new.h5ad\", compression=\"gzip\")"
        );
        assert_eq!(refusal(path.as_ref()), expected);
    }
}

#[test]
fn a_shape_that_the_file_cannot_back() {
    let draft = Draft::new().without("X");
    let builder = draft
        .file
        .new_dataset::<f32>()
        .shape((1_000_000_000_000_usize, 3));
    builder.chunk((1000, 3)).create("X").expect("X");
    assert_says(
        &draft.refusal(),
        &["X claims 12000000000000 bytes", "stores 0", "damaged"],
    );
}

#[test]
fn a_link_to_nowhere() {
    let draft = Draft::new().without("X");
    draft.file.link_soft("/nowhere", "X").expect("a link");
    assert_says(&draft.refusal(), &["X is a link that leads nowhere"]);
}
