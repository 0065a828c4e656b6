//! The cell graph: connectivities and the distances that the model learns to reproduce.

use ndarray::ArrayView2;
use petgraph::unionfind::UnionFind;

mod adjacency;
mod cosine;
mod error;
mod features;
mod fuzzy;
mod gauss;
mod near;
mod neighbors;
mod umap;

pub use adjacency::Adjacency;
pub use error::GraphError;
pub use features::Features;
pub use fuzzy::fuzzy_simplicial_set;
pub use gauss::GaussKernel;

use cosine::Directions;
use near::NearKernel;

/// How cells are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphConfig {
    /// The kernel.
    pub method: Method,
    /// Restrict the gauss kernel to the neighbour pairs. The umap kernel always is.
    pub knn: bool,
    /// Size of the local neighbourhood k, the cell itself counted, at least 2.
    pub n_neighbors: usize,
}

/// Kernel of the cell graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Gaussian kernel with one bandwidth per cell.
    Gauss,
    /// UMAP's fuzzy simplicial set.
    Umap,
}

/// Cells, how strongly they are connected and how far apart they are: n × n each.
#[derive(Debug, Clone)]
pub struct CellGraph {
    /// Weights W, symmetric, from 0 to 1. The diagonal is 1 where they are dense, else 0.
    pub connectivities: Adjacency,
    /// Cosine distances R, from 0 to 2, that the model learns to reproduce: of all pairs where they
    /// are dense, else of each cell (row) to its neighbours.
    pub distances: Adjacency,
    kernel: Kernel,
}

/// What gives other cells their weights.
#[derive(Debug, Clone)]
enum Kernel {
    Dense(GaussKernel),
    Near(NearKernel),
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
    /// Cost: n² · features operations; the memory of the two matrices returned, and a block.
    ///
    /// # Errors
    ///
    /// Where there are fewer cells than neighbours, or a feature is not finite.
    pub fn build(features: ArrayView2<f32>, config: &GraphConfig) -> Result<Self, GraphError> {
        error::check(&features, config.n_neighbors)?;
        let directions = Directions::of(&features);
        Ok(match (config.method, config.knn) {
            (Method::Gauss, false) => Self::dense(directions, config.n_neighbors),
            (method, _) => Self::near(directions, method, config.n_neighbors),
        })
    }

    fn dense(directions: Directions, n_neighbors: usize) -> Self {
        let n_cells = directions.n_cells();
        let (kernel, distances) = GaussKernel::with_distances(directions, n_neighbors);
        let weights = kernel.weights(0..n_cells, distances.clone());
        Self {
            connectivities: Adjacency::Dense(weights),
            distances: Adjacency::Dense(distances),
            kernel: Kernel::Dense(kernel),
        }
    }

    fn near(directions: Directions, method: Method, n_neighbors: usize) -> Self {
        let (kernel, neighborhoods) = NearKernel::fit(directions, method, n_neighbors);
        Self {
            connectivities: Adjacency::Sparse(kernel.connect(&neighborhoods)),
            distances: Adjacency::Sparse(near::distances(&neighborhoods)),
            kernel: Kernel::Near(kernel),
        }
    }

    /// Weights of cells outside the graph to the cells in it, on the graph's scale: queries × n.
    ///
    /// `queries` are cells × the features that the graph was built from, finite. Each gets its
    /// bandwidth from its k − 1 nearest cells in the graph. With the dense kernel it is connected to
    /// every cell, else to those k − 1. A query does not see the other queries.
    ///
    /// Cost: queries · n · features operations; the memory of the result, and a block.
    #[must_use]
    pub fn bridge(&self, queries: ArrayView2<f32>) -> Adjacency {
        let queries = Directions::of(&queries);
        match &self.kernel {
            Kernel::Dense(kernel) => Adjacency::Dense(kernel.bridge(&queries)),
            Kernel::Near(kernel) => Adjacency::Sparse(kernel.bridge(&queries)),
        }
    }

    /// Sizes of the connected components, largest first. Cells are connected by weights above 0.
    #[must_use]
    pub fn components(&self) -> Vec<usize> {
        let component_of = match &self.connectivities {
            Adjacency::Dense(weights) => {
                let edges = weights.indexed_iter().filter(|&(_, &weight)| weight > 0.0);
                merge(weights.nrows(), edges.map(|(edge, _)| edge))
            }
            Adjacency::Sparse(weights) => {
                let edges = weights.iter().filter(|&(&weight, _)| weight > 0.0);
                merge(
                    weights.rows(),
                    edges.map(|(_, (a, b))| (a as usize, b as usize)),
                )
            }
        };
        let mut sizes = vec![0; component_of.len()];
        for component in component_of {
            sizes[component] += 1;
        }
        sizes.retain(|&size| size > 0);
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}

/// The component of each cell, after joining cells by edges until all are in one.
fn merge(n_cells: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut components = UnionFind::new(n_cells);
    let mut n_components = n_cells;
    for (a, b) in edges {
        n_components -= usize::from(components.union(a, b));
        if n_components == 1 {
            break;
        }
    }
    components.into_labeling()
}
