//! Every format and encoding that is read gives the same counts and names: `tests/formats/make.py` wrote the
//! files, with two versions of anndata.

mod anndata;
mod other_formats;
mod rules;

use std::path::{Path, PathBuf};

use attentionae_sc::{
    convert::to_h5ad,
    counts::CountSource,
    h5ad::CountsIn,
    read::{DataSet, Format, Orientation, ReadOptions, open},
};
use ndarray::{Array2, arr2};

const CELLS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
const GENES: [&str; 4] = ["Gad1", "Mbp", "Aif1", "Pdgfra"];
const TYPES: [&str; 6] = ["neuron", "glia", "glia", "neuron", "glia", "neuron"];
/// Stands for a missing label.
const NONE: &str = "—";

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
