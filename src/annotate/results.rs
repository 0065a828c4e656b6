//! What is recorded of labelled cells.

use std::{fmt::Write as _, path::PathBuf};

use serde::Serialize;

use super::{Annotated, UNASSIGNED, outputs::paths};
use crate::{
    config::LabelBy,
    memory::{StageLog, StageUse},
    metrics::{Scores, TypeF1, decimals},
    model_file::TrainedModel,
    read::Inputs,
    write::{ClusterSize, WriteError, write_json},
};

/// Everything that `results/NAME.json` records of labelled cells. Numbers that are not defined become `null`.
#[derive(Debug, Serialize)]
pub struct AnnotateResults {
    /// The version of this program.
    pub version: &'static str,
    /// The model's file.
    pub model: String,
    /// The version that trained the model.
    pub model_version: String,
    /// The file that was read, as it was typed.
    pub data_set: String,
    /// Where that file lies.
    pub input: String,
    /// What the labels are.
    pub label_by: LabelBy,
    /// Cells labelled, `unassigned` ones among them.
    pub n_cells: usize,
    /// Cells of the file left out: no count of the model's genes, or they failed quality control.
    pub n_cells_dropped: usize,
    /// Cells that are far from all that the model knows.
    pub n_unassigned: usize,
    /// Genes of the model, and how many of them are missing.
    pub n_genes: usize,
    /// The model's genes that the data lack.
    pub n_genes_missing: usize,
    /// Highly variable genes of the model.
    pub n_hvg: usize,
    /// The highly variable genes that the data lack.
    pub n_hvg_missing: usize,
    /// The labels with their cells.
    pub labels: Vec<ClusterSize>,
    /// Cells with a true label; `null` without labels.
    pub n_cells_scored: Option<usize>,
    /// How well the labels agree with the true ones, and how far apart they lie.
    pub scores: Scores,
    /// F1 of the true types; `null` without.
    pub f1: Option<TypeF1>,
    /// Time and memory of every stage.
    pub stages: Vec<StageUse>,
    /// Wall-clock time of the whole.
    pub seconds: f64,
    /// Most resident memory, in MiB.
    pub peak_rss_mb: Option<f64>,
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    name: String,
}

/// What is recorded of a data set.
pub(super) fn results(
    found: &Annotated<'_>,
    model: &TrainedModel,
    log: &StageLog,
) -> AnnotateResults {
    let mut sizes = vec![0; found.names.len()];
    for &label in &found.labels {
        sizes[label] += 1;
    }
    let version = model.about.iter().find(|(name, _)| name == "version");
    AnnotateResults {
        version: env!("CARGO_PKG_VERSION"),
        model: Inputs::from(&found.config.model).places(),
        model_version: version.map(|(_, text)| text.clone()).unwrap_or_default(),
        data_set: found.data_set.inputs.to_string(),
        input: found.data_set.inputs.places(),
        label_by: found.config.label_by,
        n_cells: found.labels.len(),
        n_cells_dropped: found.input.n_cells() - found.labels.len(),
        n_unassigned: sizes.last().copied().unwrap_or(0),
        n_genes: model.genes.len(),
        n_genes_missing: model.genes.len() - found.genes.n_found,
        n_hvg: model.genes.variable.len(),
        n_hvg_missing: found.genes.unmeasured.len(),
        labels: found
            .names
            .iter()
            .zip(sizes)
            .map(|(name, cells)| ClusterSize {
                label: name.clone(),
                cells,
            })
            .collect(),
        n_cells_scored: found
            .truth
            .as_ref()
            .map(|truth| truth.codes.iter().flatten().count()),
        scores: found.scores,
        f1: found.f1.clone(),
        stages: log.stages().to_vec(),
        seconds: log.seconds(),
        peak_rss_mb: log.peak_rss_mb(),
        path: paths(found.config, found.data_set).results(),
        name: found.data_set.name.clone(),
    }
}

impl AnnotateResults {
    /// Writes `results/NAME.json`.
    pub(super) fn write(&self) -> Result<(), WriteError> {
        write_json(&self.path, self)
    }

    /// `pbmc: 2000 cells labelled, 12 of them unassigned; ARI 0.900, NMI 0.850, type F1 0.910`
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{}: {} cells labelled, {} of them {UNASSIGNED}",
            self.name, self.n_cells, self.n_unassigned
        );
        let best = self.f1.as_ref().and_then(|f1| f1.named.or(f1.best));
        let scores = [
            ("ARI", self.scores.ari),
            ("NMI", self.scores.nmi),
            ("type F1", best),
        ];
        let defined = scores
            .into_iter()
            .filter_map(|(name, score)| Some((name, score.filter(|score| score.is_finite())?)));
        for (place, (name, score)) in defined.enumerate() {
            let before = if place == 0 { ';' } else { ',' };
            let _ = write!(line, "{before} {name} {}", decimals(score, 3));
        }
        line
    }
}
