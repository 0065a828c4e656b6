//! Inputs that are made for a test, and what became of them.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    convert::{Converted, tables_to_h5ad, to_h5ad},
    counts::CountSource,
    h5ad::H5ad,
    read::{ReadError, ReadOptions},
};
use flate2::{Compression, write::GzEncoder};
use hdf5::H5Type;
use ndarray::Array2;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

pub const TABLE: &str = "\"\",\"barcode\",\"assigned_cluster\",\"Ins1\",\"Gcg\",\"Sst\"\n\
    \"m1_1\",\"AC\",\"beta\",\"5\",\"0\",\"1\"\n\
    \"m1_2\",\"AG\",\"alpha\",\"0\",\"7\",\"0\"\n";
pub const SECOND_TABLE: &str = ",barcode,assigned_cluster,Ins1,Gcg,Sst\n\
    m1_2,AT,beta,2,0,0\n";

pub fn csv_to_h5ad<P: AsRef<Path>>(inputs: &[P], output: &Path) -> Result<Converted, ReadError> {
    tables_to_h5ad(inputs, &ReadOptions::default(), output)
}

pub fn h5_to_h5ad(input: &Path, output: &Path) -> Result<Converted, ReadError> {
    to_h5ad(input, &ReadOptions::default(), output)
}

pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub fn gzip(&self, name: &str, content: &str) -> PathBuf {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content.as_bytes()).expect("gzip");
        self.file(name, encoder.finish().expect("gzip"))
    }

    pub fn zip(&self, name: &str, contents: &[(&str, &[u8])]) -> PathBuf {
        let path = self.file(name, "");
        let mut archive = ZipWriter::new(File::create(&path).expect("a file"));
        for (name, content) in contents {
            let started = archive.start_file(*name, SimpleFileOptions::default());
            started.expect("an entry");
            archive.write_all(content).expect("an entry");
        }
        archive.finish().expect("an archive");
        path
    }

    pub fn h5<T: H5Type, L: H5Type>(&self, name: &str, x: &Array2<T>, y: Option<&[L]>) -> PathBuf {
        let path = self.file(name, "");
        let file = hdf5::File::create(&path).expect("a file");
        let dataset = file.new_dataset_builder().with_data(x);
        dataset.create("X").expect("X");
        if let Some(y) = y {
            let dataset = file.new_dataset_builder().with_data(y);
            dataset.create("Y").expect("Y");
        }
        file.close().expect("a file");
        path
    }
}

pub fn counts(path: &Path) -> Array2<f32> {
    let counts = H5ad::open(path).and_then(|file| file.counts());
    let counts = counts.expect("counts");
    let rows = counts.rows(0..counts.n_cells()).expect("rows");
    rows.to_dense()
}

pub fn labels(path: &Path, column: &str) -> Vec<String> {
    let labels = H5ad::open(path).and_then(|file| file.obs_labels(column));
    let labels = labels.expect("labels").into_iter();
    labels.map(Option::unwrap_or_default).collect()
}

/// Asserts that a message of at most two lines has every one of these words, and nothing was written.
#[track_caller]
pub fn assert_refused(result: Result<Converted, ReadError>, output: &Path, words: &[&str]) {
    let message = result.expect_err("an input that is refused").to_string();
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
    assert!(message.lines().count() <= 2, "too long: {message}");
    assert!(!output.exists(), "something was written");
}
