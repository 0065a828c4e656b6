//! What is known of every data set of a batch, on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{BatchRunError, fingerprint};
use crate::{
    report::IndexRow,
    write::{Claim, WriteError, input_of_results, write_file, write_json},
};

/// One data set of a batch. Numbers that are not defined or not known are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The data set's name.
    pub name: String,
    /// Cells labelled.
    pub cells: Option<usize>,
    /// Clusters found.
    pub clusters: Option<usize>,
    /// Mean silhouette width of the embedding.
    pub asw: Option<f64>,
    /// Davies–Bouldin index of the embedding.
    pub db: Option<f64>,
    /// Adjusted Rand index against the true labels.
    pub ari: Option<f64>,
    /// Normalised mutual information with the true labels.
    pub nmi: Option<f64>,
    /// Wall-clock time of the run.
    pub seconds: f64,
    /// How it ended.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// The file that was read.
    pub input: String,
    /// SHA-256 of the input.
    pub input_sha256: Option<String>,
    /// SHA-256 of the options that the run was made with.
    pub options_sha256: Option<String>,
    /// SHA-256 of its results file.
    pub results_sha256: Option<String>,
}

/// How a data set of a batch ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was run, and its outputs are written.
    Done,
    /// An earlier batch has run it, and neither input nor options have changed.
    Unchanged,
    /// It has no outputs of this batch.
    #[default]
    Failed,
}

/// What of `results/NAME.json` goes into the table.
#[derive(Deserialize)]
struct Found {
    n_cells: usize,
    n_clusters: usize,
    scores: FoundScores,
    seconds: f64,
}

#[derive(Deserialize)]
struct FoundScores {
    asw: Option<f64>,
    db: Option<f64>,
    ari: Option<f64>,
    nmi: Option<f64>,
}

impl Record {
    /// Takes over what a run has written into its results file.
    pub(super) fn complete(&mut self, results: &Path) -> io::Result<()> {
        let text = fs::read(results)?;
        let found: Found = serde_json::from_slice(&text)?;
        self.status = Status::Done;
        self.results_sha256 = Some(fingerprint::of_results(&text));
        self.cells = Some(found.n_cells);
        self.clusters = Some(found.n_clusters);
        self.asw = found.scores.asw;
        self.db = found.scores.db;
        self.ari = found.scores.ari;
        self.nmi = found.scores.nmi;
        self.seconds = found.seconds;
        Ok(())
    }

    /// Its line in the index of the batch's reports.
    pub(super) fn in_index(&self) -> IndexRow {
        let failed = self.status == Status::Failed;
        IndexRow {
            name: self.name.clone(),
            cells: self.cells,
            clusters: self.clusters,
            asw: self.asw,
            ari: self.ari,
            nmi: self.nmi,
            seconds: self.seconds,
            error: failed.then(|| self.error.clone().unwrap_or_default()),
        }
    }

    /// Whether this is the results file that it tells of: another run may have replaced it, and its outputs.
    pub(super) fn tells_of(&self, results: &Path) -> bool {
        let found = fs::read(results).map(|text| fingerprint::of_results(&text));
        found.is_ok_and(|found| self.results_sha256 == Some(found))
    }

    /// Whether it tells of a finished run with the input and the options of `now`.
    pub(super) fn still_holds(&self, now: &Self) -> bool {
        self.status != Status::Failed
            && self.input_sha256.is_some()
            && self.input_sha256 == now.input_sha256
            && self.options_sha256 == now.options_sha256
    }
}

/// The files that hold a batch's records.
#[derive(Debug, Clone)]
pub(super) struct RecordFiles {
    json: PathBuf,
    csv: PathBuf,
    lock: PathBuf,
}

impl RecordFiles {
    /// `results/batch.json` and `.csv` below a folder.
    pub(super) fn below(output_dir: &Path) -> Self {
        let results = output_dir.join("results");
        Self {
            json: results.join("batch.json"),
            csv: results.join("batch.csv"),
            lock: output_dir.join(".batch.lock"),
        }
    }

    pub(super) fn paths(&self) -> [&Path; 2] {
        [&self.json, &self.csv]
    }

    /// Whether they replace no results of a single data set called `batch`, unless that is asked for.
    pub(super) fn check_replaceable(&self, overwrite: bool) -> Result<(), BatchRunError> {
        match input_of_results(&self.json).filter(|_| !overwrite) {
            None => Ok(()),
            Some(input) => Err(BatchRunError::OneDataSet {
                path: self.json.clone(),
                input,
            }),
        }
    }

    /// The right to write them, once no other batch does.
    pub(super) fn claim(&self) -> Claim {
        Claim::wait_for(&self.lock)
    }

    /// The records of the batch before; none where there was none.
    pub(super) fn read(&self) -> Result<Vec<Record>, BatchRunError> {
        let records = match fs::read(&self.json) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        };
        records.map_err(|reason| BatchRunError::Earlier {
            path: self.json.clone(),
            reason,
        })
    }

    /// Writes both files, each whole or not at all.
    pub(super) fn write(&self, records: &[&Record]) -> Result<(), WriteError> {
        write_file(&self.csv, |path| -> Result<(), csv::Error> {
            let mut table = csv::Writer::from_path(path)?;
            records
                .iter()
                .try_for_each(|record| table.serialize(record))?;
            Ok(table.flush()?)
        })?;
        write_json(&self.json, &records)
    }
}
