//! The data that the cases are made of: 300 cells of four types, 400 genes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use attentionae_sc::{
    counts::Csr,
    h5ad::{Column, NewH5ad, write_h5ad},
    read::{DataSet, ReadError, ReadOptions, open},
};
use ndarray::Array2;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson};
use tempfile::TempDir;

pub const N_CELLS: usize = 300;
pub const N_GENES: usize = 400;
const TYPES: [&str; 4] = ["T cell", "B cell", "Monocyte", "NK"];
const KNOWN: [&str; 8] = [
    "CD3D", "GAPDH", "ACTB", "MS4A1", "NKG7", "LYZ", "MT-CO1", "RPL3",
];

/// Simulated cells, and a folder for the files that are made of them.
pub struct Sample {
    pub folder: TempDir,
    /// Counts, cells × genes.
    pub counts: Array2<f32>,
    pub cells: Vec<String>,
    pub genes: Vec<String>,
    pub types: Vec<String>,
}

impl Sample {
    pub fn new() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let level = LogNormal::new(0.0, 1.3).expect("a distribution");
        let base: Vec<f64> = (0..N_GENES).map(|_| level.sample(&mut rng)).collect();
        let mut order: Vec<usize> = (0..N_GENES).collect();
        order.shuffle(&mut rng);
        let mut means = vec![base; TYPES.len()];
        for (kind, means) in means.iter_mut().enumerate() {
            for &gene in &order[30 * kind..30 * (kind + 1)] {
                means[gene] *= 8.0;
            }
            let sum: f64 = means.iter().sum();
            for mean in means.iter_mut() {
                *mean /= sum;
            }
        }
        let depth = LogNormal::new(3000_f64.ln(), 0.35).expect("a distribution");
        let mut counts = Array2::zeros((N_CELLS, N_GENES));
        let mut types = Vec::new();
        for mut row in counts.rows_mut() {
            let kind = rng.random_range(0..TYPES.len());
            let depth = depth.sample(&mut rng);
            types.push(TYPES[kind].to_owned());
            for (count, mean) in row.iter_mut().zip(&means[kind]) {
                let poisson = Poisson::new((mean * depth).max(1e-9)).expect("a rate");
                *count = poisson.sample(&mut rng) as f32;
            }
        }
        let barcode = |_| -> String {
            let bases = (0..16).map(|_| b"ACGT"[rng.random_range(0..4)]);
            let barcode: Vec<u8> = bases.collect();
            format!("{}-1", String::from_utf8_lossy(&barcode))
        };
        let cells = (0..N_CELLS).map(barcode).collect();
        let genes = (0..N_GENES).map(|gene| match KNOWN.get(gene) {
            Some(known) => (*known).to_owned(),
            None => format!("GENE{gene:04}"),
        });
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            counts,
            cells,
            genes: genes.collect(),
            types,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in the sample's folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A table of the cells × genes, the first title before the genes.
    pub fn table(&self, first: &str, separator: &str) -> String {
        table(first, &self.cells, &self.genes, &self.counts, separator)
    }

    /// A table of the genes × cells.
    pub fn turned(&self, first: &str, separator: &str) -> String {
        let turned = self.counts.t().to_owned();
        table(first, &self.genes, &self.cells, &turned, separator)
    }

    /// An `.h5ad` file of these values and columns.
    pub fn h5ad(
        &self,
        name: &str,
        x: &Array2<f32>,
        obs: Vec<(&str, Column)>,
        var: Vec<(&str, Column)>,
    ) -> PathBuf {
        let genes = self.genes.iter().cloned();
        let more = (self.genes.len()..x.ncols()).map(|gene| format!("HTO{gene}"));
        let path = self.path(name);
        Self::write(
            &path,
            x,
            &self.cells[..x.nrows()],
            &genes.chain(more).collect::<Vec<_>>(),
            obs,
            var,
        );
        path
    }

    /// An `.h5ad` file under other names.
    pub fn write(
        path: &Path,
        x: &Array2<f32>,
        cells: &[String],
        genes: &[String],
        obs: Vec<(&str, Column)>,
        var: Vec<(&str, Column)>,
    ) {
        let named = |columns: Vec<(&str, Column)>| -> Vec<(String, Column)> {
            let columns = columns.into_iter();
            columns
                .map(|(name, column)| (name.to_owned(), column))
                .collect()
        };
        let counts = sparse(x);
        let new = NewH5ad {
            counts: &counts,
            obs_names: cells.to_vec(),
            var_names: genes.to_vec(),
            obs: named(obs),
            var: named(var),
            uns: Vec::new(),
        };
        write_h5ad(path, &new).expect("a file");
    }

    pub fn celltype(&self) -> Column {
        Column::Categorical(self.types.iter().cloned().map(Some).collect())
    }

    /// A Cell Ranger folder of the first cells.
    pub fn cell_ranger(&self, sample: &str, n_cells: usize) -> PathBuf {
        let place = format!("{sample}/outs/filtered_feature_bc_matrix");
        let mut entries = Vec::new();
        for ((cell, gene), &count) in self.counts.indexed_iter() {
            if cell < n_cells && count > 0.0 {
                entries.push(format!("{} {} {count}\n", gene + 1, cell + 1));
            }
        }
        let banner = "%%MatrixMarket matrix coordinate integer general";
        let size = format!("{N_GENES} {n_cells} {}", entries.len());
        let matrix = format!("{banner}\n{size}\n{}", entries.concat());
        self.file(&format!("{place}/matrix.mtx"), matrix);
        let features = self.genes.iter();
        let features: Vec<String> = features
            .map(|gene| format!("{gene}\t{gene}\tGene Expression\n"))
            .collect();
        self.file(&format!("{place}/features.tsv"), features.concat());
        self.file(
            &format!("{place}/barcodes.tsv"),
            self.cells[..n_cells].join("\n"),
        );
        self.path(&place)
    }

    /// Runs the program here with the least training, and `more`.
    pub fn run(&self, name: &str, more: &[&str]) -> Ended {
        let mut typed = vec!["-name", name, "-training_epoch", "1"];
        typed.extend(more);
        self.program(&typed)
    }

    /// Runs the program in the sample's folder.
    pub fn program(&self, typed: &[&str]) -> Ended {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
        let ended = program.args(typed).current_dir(self.folder.path()).output();
        Ended::of(&ended.expect("the program"))
    }
}

/// What the program said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Fails the test unless the run succeeded and said all of these.
    #[track_caller]
    pub fn succeeds(&self, words: &[&str]) {
        assert_eq!(self.code, Some(0), "{self:?}");
        for word in words {
            assert!(
                self.stderr.contains(word) || self.stdout.contains(word),
                "{word}: {self:?}"
            );
        }
    }

    /// Fails the test unless the run failed, saying all of these.
    #[track_caller]
    pub fn fails(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word}: {self:?}");
        }
    }
}

fn table(
    first: &str,
    rows: &[String],
    columns: &[String],
    values: &Array2<f32>,
    separator: &str,
) -> String {
    let mut text = [&[first.to_owned()], columns].concat().join(separator);
    text.push('\n');
    for (name, row) in rows.iter().zip(values.rows()) {
        text.push_str(name);
        for value in row {
            text.push_str(separator);
            text.push_str(&value.to_string());
        }
        text.push('\n');
    }
    text
}

/// A matrix without its zeros; NaN stay.
pub fn sparse(x: &Array2<f32>) -> Csr {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in x.rows() {
        for (column, &value) in row.iter().enumerate().filter(|&(_, &value)| value != 0.0) {
            columns.push(column as u32);
            values.push(value);
        }
        offsets.push(values.len());
    }
    Csr::new(x.dim(), offsets, columns, values)
}

/// Everything that is read of a file.
pub fn read(path: &Path, options: &ReadOptions) -> DataSet {
    match open(path, options) {
        Ok(data) => data,
        Err(error) => panic!("{error}"),
    }
}

pub fn says(path: &Path, options: &ReadOptions) -> String {
    let refused: Result<DataSet, ReadError> = open(path, options);
    refused.expect_err("an input that is refused").to_string()
}

/// The counts of a data set.
pub fn counts(data: &DataSet) -> Array2<f32> {
    let rows = data.counts.rows(0..data.counts.n_cells()).expect("rows");
    rows.to_dense()
}
