//! AnnData in the Zarr format: chunks that are not stored, and types of values.

use std::{fs, path::PathBuf};

use attentionae_sc::read::{DataSet, ReadOptions, open};
use ndarray::arr2;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::draft::{CELLS, COUNTS, CSR, GENES, assert_says};

/// A folder of version 3 whose arrays are of one chunk, which is not packed.
pub struct Store(TempDir);

impl Store {
    /// Names of cells and genes, without a matrix.
    pub fn new(cells: &[&str]) -> Self {
        let store = Self(tempfile::tempdir().expect("a folder"));
        store.group("", &json!({}));
        for (table, names) in [("obs", cells), ("var", &GENES[..])] {
            let order = json!({"_index": "_index", "column-order": ["note"]});
            store.group(table, &order);
            store.array(&format!("{table}/_index"), "string", &[names.len()]);
            store.chunk(&format!("{table}/_index/c/0"), texts(names));
        }
        store
    }

    /// With the counts as a dense matrix.
    fn with_counts() -> Self {
        let store = Self::new(&CELLS);
        store.numbers("X", &[4, 3], COUNTS.as_flattened());
        store
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("x.zarr")
    }

    fn group(&self, name: &str, attributes: &Value) {
        let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
        self.chunk(&format!("{name}/zarr.json"), group.to_string());
    }

    /// An array of which nothing is stored.
    fn array(&self, name: &str, kind: &str, shape: &[usize]) {
        let (fill, codec) = if kind == "string" {
            (json!(""), json!({"name": "vlen-utf8", "configuration": {}}))
        } else {
            let little = json!({"endian": "little"});
            (
                json!(0.0),
                json!({"name": "bytes", "configuration": little}),
            )
        };
        let grid = json!({"name": "regular", "configuration": {"chunk_shape": shape}});
        let keys = json!({"name": "default", "configuration": {"separator": "/"}});
        let array = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": shape,
            "data_type": kind,
            "chunk_grid": grid,
            "chunk_key_encoding": keys,
            "fill_value": fill,
            "codecs": [codec],
            "attributes": {},
        });
        self.chunk(&format!("{name}/zarr.json"), array.to_string());
    }

    /// Numbers of 32 bits.
    pub fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) {
        self.array(name, "float32", shape);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let chunk = format!("{name}/c{}", "/0".repeat(shape.len()));
        self.chunk(&chunk, bytes);
    }

    fn chunk(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(name.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    fn open(&self) -> DataSet {
        open(&self.path(), &ReadOptions::default()).expect("a data set")
    }

    fn refusal(&self) -> String {
        let refused = open(&self.path(), &ReadOptions::default());
        refused.expect_err("data that are refused").to_string()
    }
}

/// Texts as the codec `vlen-utf8` has them: their number, and the bytes of each after their own number.
fn texts(values: &[&str]) -> Vec<u8> {
    let number = |n: usize| (n as u32).to_le_bytes();
    let mut bytes = number(values.len()).to_vec();
    for value in values {
        bytes.extend(number(value.len()));
        bytes.extend(value.bytes());
    }
    bytes
}

fn assert_counts(data: &DataSet, name: &str) {
    let counts = data.counts.rows(0..4).expect("rows").to_dense();
    assert_eq!(counts, arr2(&COUNTS), "{name}");
}

#[test]
fn texts_that_are_not_stored_are_empty_but_names_are_lost() {
    let store = Store::with_counts();
    store.array("obs/note", "string", &[4]);
    let data = store.open();
    assert_counts(&data, "empty texts");
    let notes = data.obs.labels("note").expect("a column");
    assert_eq!(notes, [const { Some(String::new()) }; 4]);
    for table in ["obs", "var"] {
        let store = Store::with_counts();
        fs::remove_file(store.path().join(table).join("_index/c/0")).expect("a chunk");
        let names = format!("{table}/_index cannot be read");
        assert_says(&store.refusal(), &["x.zarr", &names, "c/0 is not there"]);
    }
}

#[test]
fn counts_of_half_precision_are_read() {
    let store = Store::new(&CELLS);
    store.array("X", "float16", &[4, 3]);
    let halves = [0_u16, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600];
    let counts = COUNTS.as_flattened().iter();
    let bytes = counts.flat_map(|&count| halves[count as usize].to_le_bytes());
    store.chunk("X/c/0/0", bytes.collect::<Vec<u8>>());
    assert_counts(&store.open(), "halves");
}

#[test]
fn a_type_that_is_not_read_is_named_where_the_values_are_needed() {
    let unread = "its values are of the type bfloat16, which is not read";
    let store = Store::new(&CELLS);
    store.array("X", "bfloat16", &[4, 3]);
    assert_says(&store.refusal(), &["x.zarr: X cannot be read", unread]);
    let store = Store::with_counts();
    store.array("obs/_index", "bfloat16", &[4]);
    let words = ["x.zarr: obs/_index cannot be read", unread];
    assert_says(&store.refusal(), &words);
    let store = Store::new(&CELLS);
    let (offsets, indices, _) = CSR;
    let kind = json!({"encoding-type": "csr_matrix", "shape": [4, 3]});
    store.group("X", &kind);
    store.numbers("X/indptr", &[5], &offsets.map(|offset| offset as f32));
    store.numbers("X/indices", &[6], &indices.map(|index| index as f32));
    store.array("X/data", "bfloat16", &[6]);
    assert_says(&store.refusal(), &["x.zarr: X/data cannot be read", unread]);
    let store = Store::with_counts();
    store.array("obs/note", "bfloat16", &[4]);
    let data = store.open();
    assert_counts(&data, "a column that is not read");
    assert_eq!(data.obs.names(), [""; 0]);
}
