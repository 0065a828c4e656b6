//! A run's parameters, all of them checked.

mod annotate;
mod batch_run;
mod convert;
mod parameters;

use std::path::PathBuf;

pub use self::annotate::AnnotateConfig;
pub(crate) use self::{
    annotate::{AnnotateOutputs, LabelBy},
    batch_run::{BatchRunConfig, DataSetSelection, TypedInputs},
    convert::{ConvertConfig, RawFiles},
};
use crate::{
    graph::GraphConfig,
    kernels::device::Cuda,
    model::ModelConfig,
    output_table::TableFormat,
    partition::{LeidenGraph, Resolution},
    plot::FigureFormat,
    preprocess::{Flavor, QualityControl},
    preset::Preset,
    read::{CellTypes, Inputs, ReadOptions, Within},
    train::TrainConfig,
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
    /// What to read.
    pub(crate) inputs: Inputs,
    /// What is read of it.
    pub(crate) read: ReadOptions,
    /// The folder that holds data sets known by name.
    pub(crate) data_dir: PathBuf,
    /// The folder below which outputs are written.
    pub output_dir: PathBuf,
    /// Where true labels are.
    pub(crate) celltype: CellTypes,
    /// The columns of `obs` that tell each cell's batch, crossed; none where there are no batches.
    pub(crate) batch_key: Vec<String>,
    /// The group of cells that the run is restricted to; all cells where `None`.
    pub(crate) within: Option<Within>,
    /// What cells and genes have to have.
    pub(crate) quality: QualityControl,
    /// Number of highly variable genes to keep, at least 1.
    pub(crate) n_hvg: usize,
    /// How these are chosen.
    pub(crate) hvg_flavor: Flavor,
    /// Z-scores beyond ± this, above 0, are clipped to it.
    pub(crate) max_value: Option<f64>,
    /// What the graph that Leiden clusters is made of.
    pub(crate) leiden_graph: LeidenGraph,
    /// Principal components that the cell graph is built on, at least 2; `None` for expression.
    pub(crate) n_pcs: Option<usize>,
    /// How the cell graph is built.
    pub(crate) graph: GraphConfig,
    /// The autoencoder's shape.
    pub(crate) model: ModelConfig,
    /// The training schedule.
    pub(crate) train: TrainConfig,
    /// The set of defaults that the options were typed on top of.
    pub(crate) preset: Preset,
    /// How many clusters there are to be.
    pub(crate) resolution: Resolution,
    /// With more cells than this, a sample of this size is trained on; more than the graph's neighbours.
    pub(crate) max_num_cell: usize,
    /// With mini-batches: cells that every cell is embedded against, where there are as many; more
    /// than the graph's neighbours.
    pub(crate) landmarks: usize,
    /// Marker genes written of each cluster, at least 1.
    pub(crate) n_markers: usize,
    /// Results of another input under this name are replaced, and, in the copy that is saved, those that the input
    /// holds.
    pub(crate) overwrite: bool,
    /// Which outputs are written.
    pub(crate) save: Outputs,
    /// Which device trains.
    pub(crate) cuda: Cuda,
    /// The seed of every random number.
    pub(crate) seed: u64,
    /// Threads of all stages; every core where `None`.
    pub(crate) threads: Option<usize>,
    /// Nothing on stderr but errors.
    pub(crate) quiet: bool,
}

impl RunConfig {
    /// What is written: as asked for, but a tree only of clusters that are cut from one and not trained further.
    pub(crate) fn outputs(&self) -> Outputs {
        let has_tree =
            matches!(self.resolution, Resolution::Tree(_)) && self.train.clustering_epoch == 0;
        Outputs {
            tree: self.save.tree && has_tree,
            ..self.save
        }
    }
}

/// Which outputs are written. The results file always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub(crate) struct Outputs {
    /// `pred_label/NAME.csv`
    pub pred_label: bool,
    /// `embedding/NAME.csv`
    pub embedding: bool,
    /// The format of tables: another ending than `.csv`.
    pub table_format: TableFormat,
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
