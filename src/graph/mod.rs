//! The cell graph: connectivities and the distances that the model learns to reproduce.

mod adjacency;
mod fuzzy;

pub use adjacency::Adjacency;
pub use fuzzy::fuzzy_simplicial_set;

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

