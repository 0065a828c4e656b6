//! What is labelled by a trained model.

use std::path::PathBuf;

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::NamedDataSet;
use crate::{
    plot::FigureFormat,
    preprocess::QualityControl,
    read::{CellTypes, ReadOptions},
};

/// New cells to label, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotateConfig {
    /// The model's file.
    pub model: PathBuf,
    /// The data sets to label, at least one.
    pub data_sets: Vec<NamedDataSet>,
    /// What is read of them.
    pub read: ReadOptions,
    /// Where true labels are.
    pub celltype: CellTypes,
    /// The columns of `obs` that tell each cell's batch, crossed; none where no cell is of a batch of the model.
    pub batch_key: Vec<String>,
    /// What cells have to have.
    pub quality: QualityControl,
    /// What the labels are.
    pub label_by: LabelBy,
    /// A table of names for the model's clusters.
    pub names: Option<PathBuf>,
    /// The folder below which outputs are written.
    pub output_dir: PathBuf,
    /// Which outputs are written.
    pub save: AnnotateOutputs,
    /// Results of another input under the same name are replaced.
    pub overwrite: bool,
    /// Threads of all stages; every core where `None`.
    pub threads: Option<usize>,
    /// Nothing on stderr but errors.
    pub quiet: bool,
}

/// What new cells are labelled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames, Serialize)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
#[serde(rename_all = "lowercase")]
pub enum LabelBy {
    /// The clusters of the training data.
    Cluster,
    /// The cell types that the training data were labelled with.
    CellType,
}

/// Which outputs are written. The results file always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct AnnotateOutputs {
    /// `pred_label/NAME.csv`
    pub pred_label: bool,
    /// `embedding/NAME.csv`
    pub embedding: bool,
    /// `umap_figure/NAME_*`
    pub umap: bool,
    /// The format of these.
    pub figure_format: FigureFormat,
    /// `report/NAME.html`
    pub report: bool,
    /// `h5ad/NAME.h5ad`
    pub h5ad: bool,
}
