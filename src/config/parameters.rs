//! A run's parameters as they are recorded: one flat object under the command line's names.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::RunConfig;
use crate::{
    h5ad::CountsIn,
    kernels::device::Cuda,
    partition::{Cut, Resolution},
    read::{CellTypes, Orientation},
};

impl Serialize for RunConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Parameters::from(self).serialize(serializer)
    }
}

/// A run's parameters under the command line's names, in the order of `--help-all`.
#[derive(Serialize)]
struct Parameters<'a> {
    #[serde(flatten)]
    input: InputParameters<'a>,
    #[serde(flatten)]
    clustering: ClusteringParameters,
    #[serde(flatten)]
    graph: GraphParameters,
    #[serde(flatten)]
    training: TrainingParameters,
    #[serde(flatten)]
    outputs: OutputsParameters,
    #[serde(flatten)]
    machine: MachineParameters,
}

impl<'a> From<&'a RunConfig> for Parameters<'a> {
    fn from(config: &'a RunConfig) -> Self {
        Self {
            input: config.into(),
            clustering: config.into(),
            graph: config.into(),
            training: config.into(),
            outputs: config.into(),
            machine: config.into(),
        }
    }
}

/// The options under the heading `Input`.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
struct InputParameters<'a> {
    name: &'a str,
    data_dir: String,
    layer: Option<&'a str>,
    use_raw: bool,
    gex_only: bool,
    genome: Option<&'a str>,
    /// `None` where it is checked which way round the table is.
    transpose: Option<bool>,
    round: bool,
    nan_as_zero: bool,
    genes: &'static str,
    celltype: &'a str,
    batch_key: Option<String>,
    within: Option<String>,
    min_counts: u64,
    min_genes: usize,
    min_cells: usize,
    max_mt: Option<f64>,
    n_hvg: usize,
    hvg_flavor: &'static str,
    max_value: f64,
}

impl<'a> From<&'a RunConfig> for InputParameters<'a> {
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
            transpose: match config.read.orientation {
                Orientation::Checked => None,
                Orientation::CellsInRows => Some(false),
                Orientation::GenesInRows => Some(true),
            },
            round: config.read.rules.round,
            nan_as_zero: config.read.rules.nan_as_zero,
            genes: config.read.genes.into(),
            celltype: config.celltype.as_str(),
            batch_key: (!config.batch_key.is_empty()).then(|| config.batch_key.join(",")),
            within: config.within.as_ref().map(ToString::to_string),
            min_counts: config.quality.min_counts,
            min_genes: config.quality.min_genes,
            min_cells: config.quality.min_cells,
            max_mt: config.quality.max_mt,
            n_hvg: config.n_hvg,
            hvg_flavor: config.hvg_flavor.into(),
            max_value: config.max_value.unwrap_or(0.0),
        }
    }
}

/// The options under the heading `Clustering`.
#[derive(Serialize)]
struct ClusteringParameters {
    preset: &'static str,
    resolution: Value,
    granularity: Option<&'static str>,
    n_clusters: Option<usize>,
    leiden_graph: &'static str,
}

impl From<&RunConfig> for ClusteringParameters {
    fn from(config: &RunConfig) -> Self {
        Self {
            preset: config.preset.into(),
            resolution: config.resolution.as_json(),
            granularity: match config.resolution {
                Resolution::Tree(Cut::Evidence(granularity)) => Some(granularity.into()),
                _ => None,
            },
            n_clusters: match config.resolution {
                Resolution::Tree(Cut::Clusters(n_clusters)) => Some(n_clusters),
                _ => None,
            },
            leiden_graph: config.leiden_graph.into(),
        }
    }
}

/// The options under the heading `Graph`.
#[derive(Serialize)]
struct GraphParameters {
    connectivity_methods: &'static str,
    knn: bool,
    n_neighbors: usize,
    n_pcs: usize,
    aggregation: &'static str,
    graph_target: &'static str,
}

impl From<&RunConfig> for GraphParameters {
    fn from(config: &RunConfig) -> Self {
        Self {
            connectivity_methods: config.graph.method.into(),
            knn: config.graph.knn,
            n_neighbors: config.graph.n_neighbors,
            n_pcs: config.n_pcs.unwrap_or(0),
            aggregation: config.graph.aggregation.into(),
            graph_target: config.graph.aim.into(),
        }
    }
}

/// The options under the heading `Training`.
#[derive(Serialize)]
struct TrainingParameters {
    parts: String,
    n_heads: usize,
    n_z: usize,
    lr: f64,
    training_epoch: usize,
    clustering_epoch: usize,
    batch_size: usize,
    zinb_genes: usize,
    landmarks: usize,
    max_num_cell: usize,
}

impl From<&RunConfig> for TrainingParameters {
    fn from(config: &RunConfig) -> Self {
        Self {
            parts: config.model.parts.to_string(),
            n_heads: config.model.n_heads,
            n_z: config.model.n_z,
            lr: config.train.lr,
            training_epoch: config.train.training_epoch,
            clustering_epoch: config.train.clustering_epoch,
            batch_size: config.train.batch_size.unwrap_or(0),
            zinb_genes: config.train.zinb_genes.unwrap_or(0),
            landmarks: config.landmarks,
            max_num_cell: config.max_num_cell,
        }
    }
}

/// The options under the heading `Outputs`.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
struct OutputsParameters {
    output_dir: String,
    save_pred_label: bool,
    save_embedding: bool,
    table_format: &'static str,
    save_model_para: bool,
    save_umap: bool,
    figure_format: &'static str,
    save_markers: bool,
    n_markers: usize,
    save_tree: bool,
    save_report: bool,
    save_h5ad: bool,
    overwrite: bool,
}

impl From<&RunConfig> for OutputsParameters {
    fn from(config: &RunConfig) -> Self {
        Self {
            output_dir: config.output_dir.display().to_string(),
            save_pred_label: config.save.pred_label,
            save_embedding: config.save.embedding,
            table_format: config.save.table_format.ending(),
            save_model_para: config.save.model_para,
            save_umap: config.save.umap,
            figure_format: config.save.figure_format.ending(),
            save_markers: config.save.markers,
            n_markers: config.n_markers,
            save_tree: config.save.tree,
            save_report: config.save.report,
            save_h5ad: config.save.h5ad,
            overwrite: config.overwrite,
        }
    }
}

/// The options under the heading `Run`.
#[derive(Serialize)]
struct MachineParameters {
    cuda: &'static str,
    seed: u64,
    threads: Option<usize>,
    quiet: bool,
}

impl From<&RunConfig> for MachineParameters {
    fn from(config: &RunConfig) -> Self {
        Self {
            cuda: config.cuda.as_str(),
            seed: config.seed,
            threads: config.threads,
            quiet: config.quiet,
        }
    }
}

impl Resolution {
    /// As typed after `-resolution`.
    fn as_json(self) -> Value {
        match self {
            Self::Fixed(resolution) => resolution.into(),
            Self::Tree(_) => "auto".into(),
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
