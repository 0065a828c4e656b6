//! The options of a run, their defaults and help texts.

#![expect(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "the options' comments are what a terminal shows, not Markdown"
)]

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::values::{
    Columns, Switch, batch_size, celltype, columns, cuda, layer, max_value, n_pcs, percent,
    positive, resolution, whole, word,
};
use crate::{
    counts::CountRules,
    graph::{Aggregation, Aim, Method},
    h5ad::CountsIn,
    kernels::device::Cuda,
    model::Parts,
    output_table::TableFormat,
    partition::{Granularity, LeidenGraph, Resolution},
    plot::FigureFormat,
    preprocess::{Flavor, QualityControl},
    preset::Preset,
    read::{CellTypes, GeneJoin, Orientation, ReadOptions, Within},
};

/// The options of a run that hold for any data set.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub clustering: ClusteringArgs,
    #[command(flatten)]
    pub graph: GraphArgs,
    #[command(flatten)]
    pub training: TrainingArgs,
    #[command(flatten)]
    pub outputs: OutputArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input", rename_all = "snake_case")]
pub(super) struct InputArgs {
    /// Folder where data sets are looked for by name
    #[arg(long, value_name = "DIR", default_value = "Data/AnnData")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where -name joins several files: genes that all of them have, intersection, or any, union
    #[arg(long, value_name = "WHICH", default_value = "intersection", value_parser = word::<GeneJoin>)]
    pub genes: GeneJoin,
    /// True labels, for ARI and NMI: known (or True) = obs['celltype'], unknown (or False) = none,
    /// else an obs column; auto = obs['celltype'] where there is one
    #[arg(long, value_name = "WHICH", default_value = "auto", value_parser = celltype)]
    pub celltype: CellTypes,
    /// Obs column of the batch (donor, plate, lane) of each cell, or several, joined by commas: batches are brought
    /// together [default: none]
    #[arg(long, value_name = "COLUMN", value_parser = columns)]
    pub batch_key: Option<Columns>,
    /// Cluster only the cells with this value of an obs column, as -within celltype=neuron: everything is computed from
    /// them alone, and only they get labels [default: all cells]
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub within: Option<Within>,
    #[command(flatten)]
    pub cells: CellsArgs,
    /// Least cells that a gene is detected in (0 to 100000000)
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole(0..=100_000_000))]
    pub min_cells: u64,
    /// Highly variable genes to keep (1 to 1000000, advised: 500 to 3000)
    #[arg(long, value_name = "N", default_value = "2500", value_parser = whole(1..=1_000_000))]
    pub n_hvg: u64,
    /// How these are chosen, as scanpy's flavor of the same name does it: seurat, cell_ranger or pearson_residuals; combined: half by
    /// the first, half by the last [default: combined; published: seurat]
    #[arg(long, value_name = "FLAVOR", value_parser = word::<Flavor>)]
    pub hvg_flavor: Option<Flavor>,
    /// Clip z-scores beyond +/- this; 0 for none (0, or 1 to 1000) [default: 10; published: 0]
    #[arg(long, value_name = "X", value_parser = max_value)]
    pub max_value: Option<f64>,
}

/// What cells have to have.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input", rename_all = "snake_case")]
pub(super) struct CellsArgs {
    /// Least counts of a cell; cells with fewer are left out (0 to 1000000000)
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole(0..=1_000_000_000))]
    pub min_counts: u64,
    /// Least genes detected in a cell (0 to 1000000)
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole(0..=1_000_000))]
    pub min_genes: u64,
    /// Most percent of a cell's counts that are of mitochondrial genes, those called MT-... (0 to 100)
    /// [default: no limit]
    #[arg(long, value_name = "X", value_parser = percent)]
    pub max_mt: Option<f64>,
}

impl CellsArgs {
    /// With genes that are detected in at least so many cells.
    pub(super) fn and_genes_in(&self, min_cells: u64) -> QualityControl {
        QualityControl {
            min_counts: self.min_counts,
            min_genes: self.min_genes as usize,
            min_cells: min_cells as usize,
            max_mt: self.max_mt,
        }
    }
}

/// What is read of an input.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input", rename_all = "snake_case")]
pub(super) struct ReadArgs {
    /// Layer that holds the raw counts, instead of X
    #[arg(long, value_name = "NAME", conflicts_with = "use_raw", value_parser = layer)]
    pub layer: Option<String>,
    /// Read the raw counts of an .h5ad file from raw, with its genes, instead of X
    #[arg(long, default_value = "False")]
    pub use_raw: Switch,
    /// Where features have types, read genes only, not antibodies, guides or peaks
    #[arg(long, default_value = "True")]
    pub gex_only: Switch,
    /// Where genes are of several genomes, read this one only
    #[arg(long, value_name = "NAME")]
    pub genome: Option<String>,
    #[command(flatten)]
    pub table: TableArgs,
}

/// How tables are read, and what stands for a count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input", rename_all = "snake_case")]
pub(super) struct TableArgs {
    /// CSV and TSV tables have genes in rows and cells in columns; False = cells are in rows, whatever
    /// their names look like [default: cells in rows, which is checked]
    #[arg(long)]
    pub transpose: Option<Switch>,
    /// Round fractions to whole numbers: counts corrected by SoupX or CellBender, or estimated by RSEM,
    /// salmon or alevin
    #[arg(long, default_value = "False")]
    pub round: Switch,
    /// Read NaN and missing entries as 0
    #[arg(long, default_value = "False")]
    pub nan_as_zero: Switch,
}

impl From<TableArgs> for ReadOptions {
    fn from(args: TableArgs) -> Self {
        Self {
            orientation: match args.transpose {
                None => Orientation::Checked,
                Some(Switch(true)) => Orientation::GenesInRows,
                Some(Switch(false)) => Orientation::CellsInRows,
            },
            rules: CountRules {
                round: args.round.0,
                nan_as_zero: args.nan_as_zero.0,
            },
            ..Self::default()
        }
    }
}

impl From<ReadArgs> for ReadOptions {
    fn from(args: ReadArgs) -> Self {
        Self {
            counts_in: match args.layer {
                Some(layer) => CountsIn::Layer(layer),
                None if args.use_raw.0 => CountsIn::Raw,
                None => CountsIn::X,
            },
            gex_only: args.gex_only.0,
            genome: args.genome,
            ..args.table.into()
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Clustering", rename_all = "snake_case")]
pub(super) struct ClusteringArgs {
    /// Defaults: recommended = a network that learns to keep neighbours together, and as many clusters
    /// as the cells call for; published = the published training
    #[arg(long, value_name = "WHICH", default_value = "recommended", value_parser = word::<Preset>)]
    pub preset: Preset,
    /// Leiden's resolution: the higher, the more clusters (above 0 to 100, advised: 0.1 to 1.0), or
    /// auto: a tree of fine clusters, cut where the evidence ends [default: auto; published: 1.0]
    #[arg(long, value_name = "X", value_parser = resolution)]
    pub resolution: Option<Resolution>,
    /// How much evidence the tree's splits need: coarse = major cell types, auto, or fine = subtypes
    /// and states [default: auto]
    #[arg(long, value_name = "HOW", value_parser = word::<Granularity>)]
    pub granularity: Option<Granularity>,
    /// Cut the tree into this many clusters, whatever the evidence (1 to 10000)
    #[arg(long, value_name = "N", conflicts_with = "granularity", value_parser = whole(1..=10_000))]
    pub n_clusters: Option<u64>,
    /// Graph that Leiden clusters: nearest neighbours in the embedding, in the expression, or in both,
    /// joint; dense = the published one [default: joint; published: dense]
    #[arg(long, value_name = "WHAT", value_parser = word::<LeidenGraph>)]
    pub leiden_graph: Option<LeidenGraph>,
    /// The published self-training on Leiden's clusters: most steps, or epochs with -batch_size 0; 0 keeps
    /// the clusters as they are (0 to 100000) [default: 0; published: 100]
    #[arg(long, value_name = "N", value_parser = whole(0..=100_000))]
    pub clustering_epoch: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Graph", rename_all = "snake_case")]
pub(super) struct GraphArgs {
    /// Kernel of the cell graph: gauss or umap
    #[arg(long, value_name = "METHOD", default_value = "gauss", value_parser = word::<Method>)]
    pub connectivity_methods: Method,
    /// Connect nearest neighbours only (gauss; umap always does)
    #[arg(long, default_value = "False")]
    pub knn: Switch,
    /// Cells in a neighbourhood, the cell itself included (2 to 10000, advised: up to 100)
    #[arg(long, value_name = "N", default_value = "15", value_parser = whole(2..=10_000))]
    pub n_neighbors: u64,
    /// Principal components that cells are compared on; 0 for expression (0, or 2 to 1000) [default:
    /// 50; published: 0]
    #[arg(long, value_name = "N", value_parser = n_pcs)]
    pub n_pcs: Option<u64>,
    /// What a graph convolution makes of a cell's neighbours: sum or mean [default: mean;
    /// published: sum]
    #[arg(long, value_name = "HOW", value_parser = word::<Aggregation>)]
    pub aggregation: Option<Aggregation>,
    /// What the graph branch learns to reproduce: distance or similarity [default: similarity;
    /// published: distance]
    #[arg(long, value_name = "WHAT", value_parser = word::<Aim>)]
    pub graph_target: Option<Aim>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Training", rename_all = "snake_case")]
pub(super) struct TrainingArgs {
    /// Parts of the network, with commas between: zinb, graph, attention, residual, contrast
    /// [default: all of them; published: zinb,graph,attention]
    #[arg(long, value_name = "LIST", value_parser = str::parse::<Parts>)]
    pub parts: Option<Parts>,
    /// Attention heads (1 to 64, advised: 4 to 8)
    #[arg(long, value_name = "N", default_value = "8", value_parser = whole(1..=64))]
    pub n_heads: u64,
    /// Width of the embedding (2 to 256) [default: 32; published: 16]
    #[arg(long, value_name = "N", value_parser = whole(2..=256))]
    pub n_z: Option<u64>,
    /// Learning rate of pretraining (above 0, at most 1)
    #[arg(long, value_name = "X", default_value = "0.001", value_parser = positive(1.0))]
    pub lr: f64,
    /// Most steps of pretraining, or epochs with -batch_size 0 (1 to 100000)
    #[arg(long, value_name = "N", default_value = "200", value_parser = whole(1..=100_000))]
    pub training_epoch: u64,
    /// Cells that a training step learns from: a mini-batch of all cells, or 0 for all in every step
    /// (0, or 32 to 1000000, above -n_neighbors) [default: 256; published: 0]
    #[arg(long, value_name = "N", value_parser = batch_size)]
    pub batch_size: Option<u64>,
    /// With -batch_size: genes, drawn at random, that a step reproduces the counts of; 0 for all (0 to
    /// 1000000) [default: 300; published: 0]
    #[arg(long, value_name = "N", value_parser = whole(0..=1_000_000))]
    pub zinb_genes: Option<u64>,
    /// With -batch_size: cells that every cell is embedded against (20 to 1000000, above -n_neighbors)
    #[arg(long, value_name = "N", default_value = "2000", value_parser = whole(20..=1_000_000))]
    pub landmarks: u64,
    /// Cells to train on; of a larger data set a sample is trained on, and all cells are clustered (20
    /// to 100000000, above -n_neighbors) [default: 20000; published: 4000]
    #[arg(long, value_name = "N", value_parser = whole(20..=100_000_000))]
    pub max_num_cell: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Outputs", rename_all = "snake_case")]
pub(super) struct OutputArgs {
    /// Folder below which outputs are written
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub output_dir: PathBuf,
    /// Write each cell's cluster: pred_label/NAME.csv
    #[arg(long, default_value = "True")]
    pub save_pred_label: Switch,
    /// Write each cell's embedding: embedding/NAME.csv
    #[arg(long, default_value = "True")]
    pub save_embedding: Switch,
    /// Format of tables: csv or parquet
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = word::<TableFormat>)]
    pub table_format: TableFormat,
    /// Write the model: model_save/NAME.safetensors
    #[arg(long, default_value = "False")]
    pub save_model_para: Switch,
    /// Draw the clusters, and the tree where there is one: umap_figure/NAME_*
    #[arg(long, default_value = "False")]
    pub save_umap: Switch,
    /// Format of these figures: png, svg or pdf
    #[arg(long, value_name = "FORMAT", default_value = "png", value_parser = word::<FigureFormat>)]
    pub figure_format: FigureFormat,
    /// Write each cluster's marker genes: markers/NAME.csv
    #[arg(long, default_value = "False")]
    pub save_markers: Switch,
    /// Marker genes to write of each cluster, the best first (1 to 1000000)
    #[arg(long, value_name = "N", default_value = "100", value_parser = whole(1..=1_000_000))]
    pub n_markers: u64,
    /// Write tree/NAME.json and tree/NAME.nwk: the tree of clusters with the evidence of every split
    /// (-resolution auto)
    #[arg(long, default_value = "True")]
    pub save_tree: Switch,
    /// Write a report that opens in any browser: report/NAME.html
    #[arg(long, default_value = "False")]
    pub save_report: Switch,
    /// Write a copy of the input, as .h5ad, with the results in it: h5ad/NAME.h5ad
    #[arg(long, default_value = "False")]
    pub save_h5ad: Switch,
    /// Replace the results of another input of the same name; with -save_h5ad: replace results of an
    /// earlier run in that copy
    #[arg(long, default_value = "False")]
    pub overwrite: Switch,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run", rename_all = "snake_case")]
pub(super) struct MachineArgs {
    /// Train on the GPU: auto (where there is one and -batch_size is 0 or above 1024), True or False
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = cuda, num_args = 0..=1)]
    pub cuda: Cuda,
    /// Seed of every random number: same seed, same result (0 to 4294967295)
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = whole(0..=u64::from(u32::MAX))
    )]
    pub seed: u64,
    /// Threads (1 to 1024) [default: every core]
    #[arg(long, value_name = "N", value_parser = whole(1..=1024))]
    pub threads: Option<u64>,
    #[command(flatten)]
    pub quiet: QuietArg,
    /// Print help with every option
    #[arg(long, action = ArgAction::Help)]
    pub help_all: Option<bool>,
}

/// The option of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Run", rename_all = "snake_case")]
pub(super) struct QuietArg {
    /// No progress and no notes, only errors and the result
    #[arg(long, default_value = "False")]
    pub quiet: Switch,
}
