//! Messages call a file that is read from a copy by the name that the user gave.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use attentionae_sc::read::{CellTypes, ReadOptions, open, read};
use flate2::{Compression, write::GzEncoder};
use ndarray::Array2;
use tempfile::TempDir;

use crate::{
    common::others::{Named, write_h5mu},
    draft::{Draft, Finished, GENES, assert_says, texts},
    zarr::Store,
};

/// So many that a sample of cells lacks the last one.
const N_CELLS: usize = 200;

/// A matrix in three formats that are copied before they are read.
struct Copies {
    _h5ad: Finished,
    _h5mu: TempDir,
    zarr: Store,
    packed: [PathBuf; 2],
}

impl Copies {
    /// Ones, but for the last value.
    fn new() -> Self {
        let mut x = Array2::<f32>::ones((N_CELLS, GENES.len()));
        x[[N_CELLS - 1, 2]] = 0.25;
        let cells: Vec<String> = (0..N_CELLS).map(|cell| format!("cell{cell}")).collect();
        let names: Vec<&str> = cells.iter().map(String::as_str).collect();
        let draft = Draft::new().without("X").without("obs/_index");
        texts(&draft.obs(), "_index", &names);
        let h5ad = draft.dense("X", &x).finish();
        let folder = tempfile::tempdir().expect("a folder");
        let h5mu = folder.path().join("x.h5mu");
        let named = Named {
            counts: &x,
            cells: &cells,
            genes: &GENES.map(str::to_owned),
            types: &cells,
        };
        write_h5mu(&h5mu, &named);
        let zarr = Store::new(&names);
        zarr.numbers("X", &[N_CELLS, 3], x.as_slice().expect("values"));
        Self {
            packed: [gzip(&h5ad.path), gzip(&h5mu)],
            _h5ad: h5ad,
            _h5mu: folder,
            zarr,
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        [&self.packed[..], &[self.zarr.path()]].concat()
    }
}

/// A compressed copy beside a file.
fn gzip(path: &Path) -> PathBuf {
    let packed = PathBuf::from(format!("{}.gz", path.display()));
    let file = File::create(&packed).expect("a file");
    let mut encoder = GzEncoder::new(file, Compression::fast());
    let written = encoder.write_all(&fs::read(path).expect("bytes"));
    written.and_then(|()| encoder.try_finish()).expect("gzip");
    packed
}

#[test]
fn a_column_that_is_missing_is_missing_in_the_file_that_was_named() {
    let typo = CellTypes::Column("typo".to_owned());
    for path in Copies::new().paths() {
        let refused = read(&path.clone().into(), &ReadOptions::default(), &typo);
        let said = refused.expect_err("no such column").to_string();
        let expected = format!("{}: obs has no column 'typo'", path.display());
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn a_value_that_is_no_count_is_in_the_file_that_was_named() {
    for path in Copies::new().paths() {
        let data = open(&path, &ReadOptions::default()).expect("the sample holds counts only");
        let said = data.counts.rows(0..N_CELLS).expect_err("a fraction");
        let said = said.to_string();
        let start = format!("{}: ", path.display());
        assert!(said.starts_with(&start), "{said}");
        assert_says(&said, &["X holds 0.25", "raw counts are needed"]);
        // A Zarr folder is copied without its other matrices.
        let is_zarr = path.ends_with("x.zarr");
        assert_eq!(said.contains("neither X, layers"), !is_zarr, "{said}");
    }
}
