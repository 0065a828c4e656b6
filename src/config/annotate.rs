//! What is labelled by a trained model.

use std::path::PathBuf;

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    output_table::TableFormat,
    plot::FigureFormat,
    preprocess::QualityControl,
    read::{CellTypes, NamedInputs, ReadOptions},
};

/// New cells to label, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotateConfig {
    /// The model's file.
    pub(crate) model: PathBuf,
    /// The data sets to label, at least one.
    pub(crate) data_sets: Vec<NamedInputs>,
    /// What is read of them.
    pub(crate) read: ReadOptions,
    /// Where true labels are.
    pub(crate) celltype: CellTypes,
    /// The columns of `obs` that tell each cell's batch, crossed; none where no cell is of a batch of the model.
    pub(crate) batch_key: Vec<String>,
    /// What cells have to have.
    pub(crate) quality: QualityControl,
    /// What the labels are.
    pub(crate) label_by: LabelBy,
    /// A table of names for the model's clusters.
    pub(crate) names: Option<PathBuf>,
    /// The folder below which outputs are written.
    pub output_dir: PathBuf,
    /// Which outputs are written.
    pub(crate) save: AnnotateOutputs,
    /// Results of another input under the same name are replaced.
    pub(crate) overwrite: bool,
    /// Threads of all stages; every core where `None`.
    pub(crate) threads: Option<usize>,
    /// Nothing on stderr but errors.
    pub(crate) quiet: bool,
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
    /// The format of tables: another ending than `.csv`.
    pub table_format: TableFormat,
    /// `umap_figure/NAME_*`
    pub umap: bool,
    /// The format of these.
    pub figure_format: FigureFormat,
    /// `report/NAME.html`
    pub report: bool,
    /// `h5ad/NAME.h5ad`
    pub h5ad: bool,
}
