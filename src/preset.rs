//! Sets of defaults: the published training, and one that mends what goes wrong with it.

use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    config::{ClusterTarget, LeidenGraph},
    graph::{Aggregation, Aim},
};

/// A set of defaults. Every one of them is an option of its own, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Preset {
    /// The published training, exactly.
    Published,
    /// Mini-batches, a cell graph on principal components whose convolutions are means, similarities as its
    /// target, clipped z-scores, clusters of the expression's graph, and self-training that holds to them.
    Recommended,
}

/// What a preset decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// What the graph that Leiden clusters is made of.
    pub leiden_graph: LeidenGraph,
    /// What the clustering stage learns.
    pub cluster_target: ClusterTarget,
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
                leiden_graph: LeidenGraph::Embedding,
                cluster_target: ClusterTarget::Sharpened,
                batch_size: 0,
                n_pcs: 0,
                max_value: 0.0,
                aggregation: Aggregation::Sum,
                graph_target: Aim::Distances,
            },
            Self::Recommended => Defaults {
                leiden_graph: LeidenGraph::Expression,
                cluster_target: ClusterTarget::Anchored,
                batch_size: 512,
                n_pcs: 50,
                max_value: 10.0,
                aggregation: Aggregation::Mean,
                graph_target: Aim::Similarities,
            },
        }
    }
}
