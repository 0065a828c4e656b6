//! A run's parameters, all of them checked.

use std::{ffi::OsString, path::PathBuf};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{
    graph::{Aggregation, Aim, GraphConfig, Method},
    h5ad::CountsIn,
    model::{ModelConfig, TrainConfig},
    preset::Preset,
    read::ReadOptions,
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
    /// Number of highly variable genes to keep, at least 1.
    pub n_hvg: usize,
    /// Z-scores beyond ± this, above 0, are clipped to it.
    pub max_value: Option<f64>,
    /// What the graph that Leiden clusters is made of.
    pub leiden_graph: LeidenGraph,
    /// What the clustering stage learns.
    pub cluster_target: ClusterTarget,
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
    /// Leiden's resolution.
    pub resolution: Resolution,
    /// Without mini-batches: with more cells than this, a sample of this size is trained on; more
    /// than the graph's neighbours.
    pub max_num_cell: usize,
    /// With mini-batches: cells that every cell is embedded against, where there are as many; more
    /// than the graph's neighbours.
    pub landmarks: usize,
    /// Marker genes written of each cluster, at least 1.
    pub n_markers: usize,
    /// Results that the input holds are replaced in the copy that is saved.
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

/// Leiden's resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolution {
    /// This one, above 0.
    Fixed(f64),
    /// The one of a range whose clusters agree best with all others.
    Auto,
}

impl Resolution {
    /// As typed after `-resolution`.
    fn as_json(self) -> Value {
        match self {
            Self::Fixed(resolution) => resolution.into(),
            Self::Auto => "auto".into(),
        }
    }
}

/// What the graph that Leiden clusters is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeidenGraph {
    /// The embedding, as published.
    Embedding,
    /// The expression, seen after three transformations; the embedding has a say in the choice of the clusters.
    Expression,
    /// Both, the embedding weighing as much as each transformation.
    Joint,
}

/// What the clustering stage takes for a cell's right cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterTarget {
    /// The cell's own assignment, sharpened, as published.
    Sharpened,
    /// Half of it that, half Leiden's cluster: what the graph knew is not lost where the embedding did not know it.
    Anchored,
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
    reason = "independent switches of the command line"
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
    /// `markers/NAME.csv`
    pub markers: bool,
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

/// Several data sets to run with the same options.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchConfig {
    /// The data sets.
    pub data_sets: DataSets,
    /// The parameters of each run, whose name and input are yet to be filled in. `threads` are those of all
    /// runs together.
    pub options: RunConfig,
    /// The options of a run that were typed, as `--lr=0.01`, for other processes of this program. Without
    /// `threads` and `quiet`.
    pub typed: Vec<OsString>,
    /// Data sets that an earlier batch finished are not run again, unless input or options have changed.
    pub resume: bool,
    /// Most data sets to run at once, at least 1.
    pub jobs: usize,
}

/// Which data sets a batch runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSets {
    /// These, at least one.
    Named(Vec<NamedDataSet>),
    /// Every `.h5ad` file of the folder of data sets.
    All,
}

/// A data set by name or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDataSet {
    /// As it was typed.
    pub typed: String,
    /// What its outputs are called.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
}

/// What to convert into one `.h5ad` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertConfig {
    /// The data set's name.
    pub name: String,
    /// The files to read.
    pub input: RawFiles,
    /// What is read of them.
    pub read: ReadOptions,
    /// The `.h5ad` file to write.
    pub output: PathBuf,
}

/// Data to convert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawFiles {
    /// A file or a folder in any format that is read.
    Any(PathBuf),
    /// An HDF5 file of `X` (cells × genes) and `Y` (labels), or a zip archive of one.
    H5 {
        /// A path, or the name of a data set below `raw_dir`.
        typed: String,
        /// The folder that holds `NAME/NAME.h5`.
        raw_dir: PathBuf,
    },
    /// Tables (plain, `.gz`, or in zip archives) whose cells together are the data set. At least one.
    Csv(Vec<PathBuf>),
}

impl RunConfig {
    /// Most cells in the cell graph: those trained on, or those that mini-batch runs embed against.
    #[must_use]
    pub fn reference_cells(&self) -> usize {
        match self.train.batch_size {
            None => self.max_num_cell,
            Some(_) => self.landmarks,
        }
    }
}

impl Serialize for RunConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Parameters::from(self).serialize(serializer)
    }
}

/// A run's parameters under the command line's names.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
struct Parameters<'a> {
    name: &'a str,
    data_dir: String,
    layer: Option<&'a str>,
    use_raw: bool,
    gex_only: bool,
    genome: Option<&'a str>,
    transpose: bool,
    celltype: &'a str,
    n_hvg: usize,
    max_value: f64,
    preset: &'static str,
    resolution: Value,
    leiden_graph: &'static str,
    cluster_target: &'static str,
    connectivity_methods: &'static str,
    knn: bool,
    n_neighbors: usize,
    n_pcs: usize,
    aggregation: &'static str,
    graph_target: &'static str,
    n_heads: usize,
    n_z: usize,
    lr: f64,
    training_epoch: usize,
    clustering_epoch: usize,
    batch_size: usize,
    landmarks: usize,
    max_num_cell: usize,
    output_dir: String,
    save_pred_label: bool,
    save_embedding: bool,
    save_model_para: bool,
    save_umap: bool,
    save_markers: bool,
    n_markers: usize,
    save_h5ad: bool,
    overwrite: bool,
    cuda: &'static str,
    seed: u64,
    threads: Option<usize>,
    quiet: bool,
}

impl<'a> From<&'a RunConfig> for Parameters<'a> {
    fn from(config: &'a RunConfig) -> Self {
        Self {
            name: &config.name,
            data_dir: config.data_dir.display().to_string(),
            layer: match &config.read.counts_in {
                CountsIn::Layer(name) => Some(name),
                CountsIn::X | CountsIn::Raw => None,
            },
            use_raw: config.read.counts_in == CountsIn::Raw,
            gex_only: config.read.gex_only,
            genome: config.read.genome.as_deref(),
            transpose: config.read.transpose,
            celltype: config.celltype.as_str(),
            n_hvg: config.n_hvg,
            max_value: config.max_value.unwrap_or(0.0),
            preset: config.preset.as_str(),
            resolution: config.resolution.as_json(),
            leiden_graph: match config.leiden_graph {
                LeidenGraph::Embedding => "embedding",
                LeidenGraph::Expression => "expression",
                LeidenGraph::Joint => "joint",
            },
            cluster_target: match config.cluster_target {
                ClusterTarget::Sharpened => "sharpened",
                ClusterTarget::Anchored => "anchored",
            },
            connectivity_methods: method_name(config.graph.method),
            knn: config.graph.knn,
            n_neighbors: config.graph.n_neighbors,
            n_pcs: config.n_pcs.unwrap_or(0),
            aggregation: match config.graph.aggregation {
                Aggregation::Sum => "sum",
                Aggregation::Mean => "mean",
            },
            graph_target: match config.graph.aim {
                Aim::Distances => "distance",
                Aim::Similarities => "similarity",
            },
            n_heads: config.model.n_heads,
            n_z: config.model.n_z,
            lr: config.train.lr,
            training_epoch: config.train.training_epoch,
            clustering_epoch: config.train.clustering_epoch,
            batch_size: config.train.batch_size.unwrap_or(0),
            landmarks: config.landmarks,
            max_num_cell: config.max_num_cell,
            output_dir: config.output_dir.display().to_string(),
            save_pred_label: config.save.pred_label,
            save_embedding: config.save.embedding,
            save_model_para: config.save.model_para,
            save_umap: config.save.umap,
            save_markers: config.save.markers,
            n_markers: config.n_markers,
            save_h5ad: config.save.h5ad,
            overwrite: config.overwrite,
            cuda: config.cuda.as_str(),
            seed: config.seed,
            threads: config.threads,
            quiet: config.quiet,
        }
    }
}

impl CellTypes {
    /// As typed after `-celltype`.
    fn as_str(&self) -> &str {
        match self {
            Self::Auto => "auto",
            Self::Unknown => "unknown",
            Self::Column(column) => column,
        }
    }
}

impl Cuda {
    /// As typed after `-cuda`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "True",
            Self::Never => "False",
        }
    }
}

/// As typed after `-connectivity_methods`.
fn method_name(method: Method) -> &'static str {
    match method {
        Method::Gauss => "gauss",
        Method::Umap => "umap",
    }
}
