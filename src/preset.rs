//! Sets of defaults: the published training, and one that mends what goes wrong with it.

use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    graph::{Aggregation, Aim},
    model::Parts,
    partition::{Cut, Granularity, LeidenGraph, Resolution},
    preprocess::Flavor,
};

/// A set of defaults. Every one of them is an option of its own, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Preset {
    /// The published training, exactly.
    Published,
    /// Genes that vary most in either of two transformations; mini-batches of neighbours, which are contrasted; an embedding that starts from the components that several
    /// transformations share; a cell graph on principal components whose convolutions are means, with similarities as its
    /// target; clipped z-scores; clusters of the graph that the embedding and the expression share, as many as the
    /// cells call for.
    Recommended,
}

/// What a preset decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// How highly variable genes are chosen.
    pub hvg_flavor: Flavor,
    /// What the graph that Leiden clusters is made of.
    pub leiden_graph: LeidenGraph,
    /// How many clusters there are to be.
    pub resolution: Resolution,
    /// What the network is made of.
    pub parts: Parts,
    /// Width of the embedding.
    pub n_z: u64,
    /// Genes that a step reproduces the counts of; 0 for all.
    pub zinb_genes: u64,
    /// Most steps of self-training.
    pub clustering_epoch: u64,
    /// Most cells that are trained on.
    pub max_num_cell: u64,
    /// Cells of a mini-batch; 0 for all cells in every step.
    pub batch_size: u64,
    /// Principal components that the cell graph is built on; 0 for expression.
    pub n_pcs: u64,
    /// Bound of the z-scores; 0 for none.
    pub max_value: f64,
    /// What a graph convolution makes of a cell's neighbours.
    pub aggregation: Aggregation,
    /// What the graph branch learns to reproduce.
    pub graph_target: Aim,
}

impl Preset {
    /// What holds where an option is not typed.
    #[must_use]
    pub fn defaults(self) -> Defaults {
        match self {
            Self::Published => Defaults {
                hvg_flavor: Flavor::Seurat,
                leiden_graph: LeidenGraph::Dense,
                resolution: Resolution::Fixed(1.0),
                parts: Parts::PUBLISHED,
                n_z: 16,
                zinb_genes: 0,
                clustering_epoch: 100,
                max_num_cell: 4000,
                batch_size: 0,
                n_pcs: 0,
                max_value: 0.0,
                aggregation: Aggregation::Sum,
                graph_target: Aim::Distances,
            },
            Self::Recommended => Defaults {
                hvg_flavor: Flavor::Combined,
                leiden_graph: LeidenGraph::Joint,
                resolution: Resolution::Tree(Cut::Evidence(Granularity::Auto)),
                parts: Parts::ALL,
                n_z: 32,
                zinb_genes: 300,
                clustering_epoch: 0,
                max_num_cell: 20_000,
                batch_size: 256,
                n_pcs: 50,
                max_value: 10.0,
                aggregation: Aggregation::Mean,
                graph_target: Aim::Similarities,
            },
        }
    }
}
