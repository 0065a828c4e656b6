//! A run's parameters, all of them checked.

use std::path::PathBuf;

use crate::{
    graph::GraphConfig,
    model::{ModelConfig, TrainConfig},
};

/// Everything that decides a run. Built once from the command line; an invalid value cannot exist here.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// The data set's name, which names every output file.
    pub name: String,
    /// The `.h5ad` file to read.
    pub input: PathBuf,
    /// The folder below which outputs are written.
    pub output_dir: PathBuf,
    /// Where true labels are.
    pub celltype: CellTypes,
    /// Number of highly variable genes to keep, at least 1.
    pub n_hvg: usize,
    /// How the cell graph is built.
    pub graph: GraphConfig,
    /// The autoencoder's shape.
    pub model: ModelConfig,
    /// The training schedule.
    pub train: TrainConfig,
    /// Leiden's resolution, above 0.
    pub resolution: f64,
    /// With more cells than this, a sample of this size is trained on.
    pub max_num_cell: usize,
    /// Which outputs are written.
    pub save: Outputs,
    /// Which device trains.
    pub cuda: Cuda,
    /// The seed of every random number.
    pub seed: u64,
    /// Threads of all stages; every core where `None`.
    pub threads: Option<usize>,
    /// Nothing on stderr but errors.
    pub quiet: bool,
}

/// Where true cell types are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellTypes {
    /// `obs['celltype']` where there is one (the default).
    Auto,
    /// Nowhere: no ARI, no NMI.
    Unknown,
    /// This `obs` column, which must exist.
    Column(String),
}

/// Which outputs are written. The results file always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the command line"
)]
pub struct Outputs {
    /// `pred_label/NAME.csv`
    pub pred_label: bool,
    /// `embedding/NAME.csv`
    pub embedding: bool,
    /// `model_save/NAME.safetensors`
    pub model_para: bool,
    /// `umap_figure/NAME_*.png`
    pub umap: bool,
}

/// Whether the GPU is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuda {
    /// Where there is one.
    Auto,
    /// Always; an error without one.
    Always,
    /// Never.
    Never,
}
