//! A run's parameters, all of them checked.

mod annotate;
mod batch;
mod convert;
mod parameters;

use std::path::PathBuf;

use strum::{EnumString, IntoStaticStr, VariantNames};

pub use self::{
    annotate::{AnnotateConfig, AnnotateOutputs, LabelBy},
    batch::{BatchConfig, DataSets, NamedDataSet},
    convert::{ConvertConfig, RawFiles},
};
use crate::{
    graph::GraphConfig,
    model::{ModelConfig, TrainConfig},
    partition::Cut,
    plot::FigureFormat,
    preprocess::QualityControl,
    preset::Preset,
    read::{CELLTYPE, ReadOptions},
};

/// Everything that decides a run. Built once from the command line; an invalid value cannot exist
/// here.
///
/// Serialises as one flat object whose keys are the command line's option names, in the order of
/// `--help`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunConfig {
    /// The data set's name, which names every output file.
    pub name: String,
    /// The file or folder to read.
    pub input: PathBuf,
    /// What is read of it.
    pub read: ReadOptions,
    /// The folder that holds data sets known by name.
    pub data_dir: PathBuf,
    /// The folder below which outputs are written.
    pub output_dir: PathBuf,
    /// Where true labels are.
    pub celltype: CellTypes,
    /// The columns of `obs` that tell each cell's batch, crossed; none where there are no batches.
    pub batch_key: Vec<String>,
    /// What cells and genes have to have.
    pub quality: QualityControl,
    /// Number of highly variable genes to keep, at least 1.
    pub n_hvg: usize,
    /// Z-scores beyond ± this, above 0, are clipped to it.
    pub max_value: Option<f64>,
    /// What the graph that Leiden clusters is made of.
    pub leiden_graph: LeidenGraph,
    /// Principal components that the cell graph is built on, at least 2; `None` for expression.
    pub n_pcs: Option<usize>,
    /// How the cell graph is built.
    pub graph: GraphConfig,
    /// The autoencoder's shape.
    pub model: ModelConfig,
    /// The training schedule.
    pub train: TrainConfig,
    /// The set of defaults that the options were typed on top of.
    pub preset: Preset,
    /// How many clusters there are to be.
    pub resolution: Resolution,
    /// With more cells than this, a sample of this size is trained on; more than the graph's neighbours.
    pub max_num_cell: usize,
    /// With mini-batches: cells that every cell is embedded against, where there are as many; more
    /// than the graph's neighbours.
    pub landmarks: usize,
    /// Marker genes written of each cluster, at least 1.
    pub n_markers: usize,
    /// Results of another input under this name are replaced, and, in the copy that is saved, those that the input
    /// holds.
    pub overwrite: bool,
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

/// How many clusters there are to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolution {
    /// As Leiden finds at this resolution, above 0.
    Fixed(f64),
    /// As the tree of fine clusters has when it is cut so.
    Tree(Cut),
}

/// What the graph that Leiden clusters is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum LeidenGraph {
    /// The embedding's nearest neighbours.
    Embedding,
    /// The expression, seen after three transformations.
    Expression,
    /// Both, the embedding weighing as much as each transformation.
    Joint,
    /// The published one: the dense gauss graph of the embedding.
    Dense,
}

impl LeidenGraph {
    /// Whether it holds the graph of the expression.
    #[must_use]
    pub fn holds_expression(self) -> bool {
        matches!(self, Self::Expression | Self::Joint)
    }
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

impl CellTypes {
    /// The `obs` column that they are in, where they are in any.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Column(column) => column,
            Self::Auto | Self::Unknown => CELLTYPE,
        }
    }
}

/// Which outputs are written. The results file always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct Outputs {
    /// `pred_label/NAME.csv`
    pub pred_label: bool,
    /// `embedding/NAME.csv`
    pub embedding: bool,
    /// `model_save/NAME.safetensors`
    pub model_para: bool,
    /// `umap_figure/NAME_*`
    pub umap: bool,
    /// The format of these.
    pub figure_format: FigureFormat,
    /// `markers/NAME.csv`
    pub markers: bool,
    /// `report/NAME.html`
    pub report: bool,
    /// `tree/NAME.json` and `tree/NAME.nwk`, where clusters are cut from a tree.
    pub tree: bool,
    /// `h5ad/NAME.h5ad`
    pub h5ad: bool,
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
