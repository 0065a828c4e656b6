//! A small valid file, to be changed by each test before it is read.

use std::path::{Path, PathBuf};

use attentionae_sc::{
    counts::{CountRules, CountSource},
    h5ad::{H5ad, H5adError},
};
use hdf5::{
    File, Group, H5Type, Location,
    types::{VarLenAscii, VarLenUnicode},
};
use ndarray::{Array2, aview2};
use tempfile::TempDir;

/// Cells × genes; the third cell has no count.
pub const COUNTS: [[f32; 3]; 4] = [[1., 0., 2.], [0., 3., 0.], [0., 0., 0.], [4., 5., 6.]];
/// The same by rows: offsets, columns, values.
pub const CSR: ([i64; 5], [i64; 6], [f32; 6]) = (
    [0, 2, 3, 3, 6],
    [0, 2, 1, 0, 1, 2],
    [1., 2., 3., 4., 5., 6.],
);
/// The same by columns: offsets, rows, values.
pub const CSC: ([i64; 4], [i64; 6], [f32; 6]) =
    ([0, 2, 4, 6], [0, 3, 1, 3, 0, 3], [1., 4., 3., 5., 2., 6.]);
pub const CELLS: [&str; 4] = ["AAA-1", "CCC-1", "GGG-1", "AAA-1"];
pub const GENES: [&str; 3] = ["Gad1", "Mbp", "Aif1"];

/// A file that is being written: dense `X`, `obs` with names only, `var`.
pub struct Draft {
    folder: TempDir,
    pub file: File,
}

/// A file that is complete; it is removed with this value.
pub struct Finished {
    _folder: TempDir,
    pub path: PathBuf,
}

impl Draft {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::create(folder.path().join("tiny.h5ad")).expect("a file");
        let draft = Self { folder, file };
        let counts = draft.file.new_dataset_builder().with_data(aview2(&COUNTS));
        counts.create("X").expect("X");
        let obs = draft.file.create_group("obs").expect("obs");
        attribute(&obs, "_index", "_index");
        texts(&obs, "_index", &CELLS);
        let var = draft.file.create_group("var").expect("var");
        attribute(&var, "_index", "gene");
        texts(&var, "gene", &GENES);
        draft
    }

    /// Removes an element.
    pub fn without(self, name: &str) -> Self {
        self.file.unlink(name).expect("an element to remove");
        self
    }

    pub fn obs(&self) -> Group {
        self.file.group("obs").expect("obs")
    }

    /// Puts a dense matrix at `name`.
    pub fn dense<T: H5Type>(self, name: &str, counts: &Array2<T>) -> Self {
        let dataset = self.file.new_dataset_builder().with_data(counts);
        dataset.create(name).expect("a dense matrix");
        self
    }

    /// Puts a sparse matrix of `shape` in the place of X.
    pub fn sparse<P: H5Type, I: H5Type, V: H5Type>(
        self,
        encoding: &str,
        shape: [i64; 2],
        (offsets, indices, data): (&[P], &[I], &[V]),
    ) -> Self {
        let draft = self.without("X");
        let group = draft.file.create_group("X").expect("X");
        attribute(&group, "encoding-type", encoding);
        let shape = group.new_attr_builder().with_data(&shape).create("shape");
        shape.expect("shape");
        values(&group, "indptr", offsets);
        values(&group, "indices", indices);
        values(&group, "data", data);
        draft
    }

    pub fn finish(self) -> Finished {
        let path = PathBuf::from(self.file.filename());
        self.file.close().expect("a complete file");
        Finished {
            _folder: self.folder,
            path,
        }
    }

    /// All counts, read in runs of one, two and all cells, which agree.
    pub fn counts(self) -> Result<Vec<Vec<f32>>, H5adError> {
        self.counts_by(CountRules::default())
    }

    /// The counts where the rules say what stands for one.
    pub fn counts_by(self, rules: CountRules) -> Result<Vec<Vec<f32>>, H5adError> {
        let finished = self.finish();
        let counts = H5ad::open(&finished.path)?.counts_by(rules)?;
        let n = counts.n_cells();
        let all = dense(&counts, n)?;
        assert_eq!(dense(&counts, 1)?, all);
        assert_eq!(dense(&counts, 2)?, all);
        Ok(all)
    }

    /// A column of obs.
    pub fn labels(self, column: &str) -> Result<Vec<Option<String>>, H5adError> {
        let finished = self.finish();
        H5ad::open(&finished.path)?.obs_labels(column)
    }

    /// The message with which the file is refused, when it is opened or read.
    pub fn refusal(self) -> String {
        self.counts()
            .expect_err("a file that is refused")
            .to_string()
    }
}

fn dense(counts: &impl CountSource, run: usize) -> Result<Vec<Vec<f32>>, H5adError> {
    let mut all = Vec::new();
    for start in (0..counts.n_cells()).step_by(run) {
        let rows = counts.rows(start..counts.n_cells().min(start + run))?;
        assert!(rows.data().iter().all(|&value| value > 0.), "zeros stored");
        for row in rows.outer_iterator() {
            assert!(row.indices().is_sorted_by(|a, b| a < b), "unsorted");
            let mut values = vec![0.; counts.n_genes()];
            row.iter().for_each(|(gene, &value)| values[gene] = value);
            all.push(values);
        }
    }
    Ok(all)
}

pub fn attribute(location: &Location, name: &str, value: &str) {
    let attribute = location.new_attr::<VarLenUnicode>().create(name);
    let value: VarLenUnicode = value.parse().expect("text");
    let written = attribute.and_then(|attribute| attribute.write_scalar(&value));
    written.expect("an attribute");
}

pub fn texts(group: &Group, name: &str, values: &[&str]) {
    let parsed = values.iter().map(|value| value.parse().expect("text"));
    let texts: Vec<VarLenUnicode> = parsed.collect();
    values_of(group, name, &texts);
}

pub fn ascii_texts(group: &Group, name: &str, values: &[&str]) {
    let parsed = values
        .iter()
        .map(|value| VarLenAscii::from_ascii(value).expect("ASCII"));
    let texts: Vec<VarLenAscii> = parsed.collect();
    values_of(group, name, &texts);
}

pub fn values<T: H5Type>(group: &Group, name: &str, values: &[T]) {
    values_of(group, name, values);
}

fn values_of<T: H5Type>(group: &Group, name: &str, values: &[T]) {
    let dataset = group.new_dataset_builder().with_data(values).create(name);
    dataset.expect("a dataset");
}

/// Asserts that a message of at most two lines has every one of these words.
#[track_caller]
pub fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
    assert!(message.lines().count() <= 2, "too long: {message}");
}

/// The file's name, which every message has.
pub fn name(path: &Path) -> String {
    path.display().to_string()
}
