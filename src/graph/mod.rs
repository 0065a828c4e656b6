//! The cell graph: connectivities, and what the model learns to reproduce of it.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use petgraph::unionfind::UnionFind;
use strum::{EnumString, IntoStaticStr, VariantNames};

mod adjacency;
mod cosine;
mod depth;
mod error;
mod gauss;
mod inverted_lists;
mod joint_graph;
mod lists;
mod neighbor_graph;
mod neighborhoods;
mod neighbors;
mod representation;
mod subset_graphs;
mod sum;
mod sweep;
mod target;
mod umap;

pub use adjacency::Adjacency;
pub(crate) use cosine::ROUNDING;
pub use error::GraphError;
pub(crate) use gauss::NEGLIGIBLE;
pub use gauss::{GaussKernel, gauss_weights};
pub use joint_graph::{JointGraph, near_graph};
pub use neighborhoods::Neighbor;
#[cfg(test)]
pub(crate) use neighborhoods::at;
pub use neighbors::{nearest, nearest_others, neighbors_of};
pub(crate) use representation::Projection;
// Hidden are what only the tests and benchmarks of this crate call.
#[doc(hidden)]
pub use representation::Representation;
pub(crate) use subset_graphs::SubsetGraphs;
pub use target::Aim;

use cosine::Directions;
use neighbor_graph::NeighborKernel;

/// How cells are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphConfig {
    /// The kernel.
    pub method: Method,
    /// Restrict the gauss kernel to the neighbour pairs. The umap kernel always is.
    pub knn: bool,
    /// Size of the local neighbourhood k, the cell itself counted, at least 2.
    pub n_neighbors: usize,
    /// What the model's graph branch learns to reproduce.
    pub aim: Aim,
    /// What a graph convolution makes of a cell's neighbours.
    pub aggregation: Aggregation,
}

impl GraphConfig {
    /// A graph that is used as published: messages are summed, and distances are the target.
    #[must_use]
    pub const fn published(method: Method, knn: bool, n_neighbors: usize) -> Self {
        Self {
            method,
            knn,
            n_neighbors,
            aim: Aim::Distances,
            aggregation: Aggregation::Sum,
        }
    }

    /// Whether all pairs of cells have a weight, not only those of neighbours.
    pub(crate) fn is_dense(&self) -> bool {
        self.method == Method::Gauss && !self.knn
    }
}

/// What a graph convolution makes of a cell's neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Aggregation {
    /// The weighted sum of their messages, as published.
    Sum,
    /// The weighted mean.
    ///
    /// Deviation: a sum over a dense graph grows with the number of cells and saturates the tanh that follows.
    Mean,
}

/// Kernel of the cell graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Method {
    /// Gaussian kernel with one bandwidth per cell.
    Gauss,
    /// UMAP's fuzzy simplicial set.
    Umap,
}

/// Up to this many cells the matrices of a dense graph are stored, in 8 bytes per pair of cells; beyond, rows are
/// computed anew where they are needed. From here on features are principal components, and a row is cheap.
pub const STORED_CELLS: usize = 10_000;

/// Cells, how strongly they are connected and how far apart they are.
#[derive(Debug, Clone)]
pub struct CellGraph {
    /// The two matrices over all pairs of cells.
    pub pairs: Pairs,
    kernel: Kernel,
}

/// Weights and targets between n cells, n × n each.
#[derive(Debug, Clone)]
pub enum Pairs {
    /// In memory.
    Stored {
        /// Weights W, symmetric, from 0 to 1. The diagonal is 1 where they are dense, else 0.
        connectivities: Adjacency,
        /// What the model learns to reproduce, R: cosine distances (0 to 2) or similarities (0 to 1) of all
        /// pairs where it is dense, else of each cell (row) to itself and its neighbours.
        target: Adjacency,
    },
    /// Both follow from features and bandwidths.
    Computed(Arc<GaussKernel>),
}

/// What gives other cells their weights.
#[derive(Debug, Clone)]
enum Kernel {
    Dense(Arc<GaussKernel>),
    Near(NeighborKernel),
}

impl CellGraph {
    /// Connects cells by the cosine distance of their features.
    ///
    /// `features` are cells × features, finite, of any scale: log-normalised HVGs, principal
    /// components or an embedding. A cell whose features are all 0 is at distance 1 from every other.
    ///
    /// | method, `knn` | weights | distances |
    /// | --- | --- | --- |
    /// | gauss, false | dense; σ = half the distance to the last of the k nearest | dense |
    /// | gauss, true | neighbour pairs, in either direction; σ² = median squared distance | k − 1 per cell |
    /// | umap | neighbour pairs, in either direction; fuzzy union | k − 1 per cell |
    ///
    /// k is `n_neighbors`, the cell itself counted. The graph is that of scanpy 1.10's
    /// `pp.neighbors(metric="cosine")` with exact neighbours; of equally near cells the one of lower
    /// index is the neighbour. It does not depend on the number of threads.
    ///
    /// Cost: n² · features operations; the memory of the two matrices returned, and a block. The
    /// matrices of a dense graph of more than [`STORED_CELLS`] cells are not stored: memory is then
    /// linear in n.
    ///
    /// # Errors
    ///
    /// Where there are fewer cells than neighbours, or a feature is not finite.
    pub fn build(features: ArrayView2<f32>, config: &GraphConfig) -> Result<Self, GraphError> {
        error::check(&features, config.n_neighbors)?;
        let directions = Directions::of(&features);
        Ok(if !config.is_dense() {
            Self::near(directions, config)
        } else if features.nrows() > STORED_CELLS {
            Self::computed(GaussKernel::of(directions, config.n_neighbors).with_aim(config.aim))
        } else {
            Self::dense(directions, config)
        })
    }

    fn dense(directions: Directions, config: &GraphConfig) -> Self {
        let n_cells = directions.n_cells();
        let (kernel, distances) = GaussKernel::with_distances(directions, config.n_neighbors);
        let weights = kernel.weights(0..n_cells, distances.clone());
        Self {
            pairs: Pairs::Stored {
                connectivities: Adjacency::Dense(weights),
                target: Adjacency::Dense(config.aim.of_dense(distances)),
            },
            kernel: Kernel::Dense(Arc::new(kernel)),
        }
    }

    /// The dense graph of a kernel, nothing of which is stored.
    fn computed(kernel: GaussKernel) -> Self {
        let kernel = Arc::new(kernel);
        Self {
            pairs: Pairs::Computed(Arc::clone(&kernel)),
            kernel: Kernel::Dense(kernel),
        }
    }

    fn near(directions: Directions, config: &GraphConfig) -> Self {
        let neighborhoods = neighbors::among(&directions, config.n_neighbors - 1);
        let kernel = NeighborKernel::of(
            directions,
            config.method,
            config.n_neighbors,
            &neighborhoods,
        );
        let target = neighbor_graph::targets(&neighborhoods, config.aim);
        Self {
            pairs: Pairs::Stored {
                connectivities: Adjacency::Sparse(kernel.connect(&neighborhoods)),
                target: Adjacency::Sparse(target),
            },
            kernel: Kernel::Near(kernel),
        }
    }

    /// Weights of cells outside the graph to the cells in it, on the graph's scale: queries × n.
    ///
    /// `queries` are cells × the features that the graph was built from, finite. Each gets its
    /// bandwidth from its k − 1 nearest cells in the graph. With the dense kernel it is connected to
    /// every cell, else to those k − 1. A query that coincides with a cell of the graph is connected as
    /// that one is. A query does not see the other queries.
    ///
    /// Cost: queries · n · features operations; the memory of the result, and a block.
    #[must_use]
    pub fn bridge(&self, queries: ArrayView2<f32>) -> Adjacency {
        let queries = Directions::of(&queries);
        match (&self.kernel, &self.pairs) {
            (Kernel::Dense(kernel), _) => Adjacency::Dense(kernel.bridge(&queries)),
            (
                Kernel::Near(kernel),
                Pairs::Stored {
                    connectivities: Adjacency::Sparse(graph),
                    ..
                },
            ) => Adjacency::Sparse(kernel.bridge(&queries, graph)),
            (Kernel::Near(_), _) => unreachable!("weights of neighbours are stored, and sparse"),
        }
    }

    /// Sizes of the connected components, largest first. Cells are connected by weights above 0.
    #[must_use]
    pub fn components(&self) -> Vec<usize> {
        let component_of = match &self.pairs {
            Pairs::Stored {
                connectivities: Adjacency::Dense(weights),
                ..
            } => {
                let mut components = ConnectedComponents::new(weights.nrows());
                components.join_dense(0, weights);
                components
            }
            Pairs::Stored {
                connectivities: Adjacency::Sparse(weights),
                ..
            } => {
                let mut components = ConnectedComponents::new(weights.rows());
                let edges = weights.iter().filter(|&(&weight, _)| weight > 0.0);
                components.join(edges.map(|(_, (a, b))| (a as usize, b as usize)));
                components
            }
            Pairs::Computed(kernel) => {
                let mut components = ConnectedComponents::new(kernel.n_cells());
                for rows in kernel.runs() {
                    if components.are_one() {
                        break;
                    }
                    components.join_dense(rows.start, &kernel.rows(rows).0);
                }
                components
            }
        };
        component_of.sizes()
    }
}

/// Cells joined by edges, until all are in one component.
struct ConnectedComponents {
    found: UnionFind<usize>,
    n_components: usize,
}

impl ConnectedComponents {
    fn new(n_cells: usize) -> Self {
        Self {
            found: UnionFind::new(n_cells),
            n_components: n_cells,
        }
    }

    fn are_one(&self) -> bool {
        self.n_components <= 1
    }

    fn join(&mut self, edges: impl Iterator<Item = (usize, usize)>) {
        for (a, b) in edges {
            if self.are_one() {
                return;
            }
            self.n_components -= usize::from(self.found.union(a, b));
        }
    }

    /// Joins by the weights of a run of rows, the first of which is cell `first`.
    fn join_dense(&mut self, first: usize, weights: &Array2<f32>) {
        let edges = weights.indexed_iter().filter(|&(_, &weight)| weight > 0.0);
        self.join(edges.map(|((row, column), _)| (first + row, column)));
    }

    fn sizes(self) -> Vec<usize> {
        let labels = self.found.into_labeling();
        let mut sizes = vec![0; labels.len()];
        for component in labels {
            sizes[component] += 1;
        }
        sizes.retain(|&size| size > 0);
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}
