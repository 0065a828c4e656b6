//! Why cells could not be clustered.

/// Errors of the clustering stage.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The resolution has no meaning.
    #[error("resolution {found} cannot be used: it must be a number above 0, such as 1.0")]
    Resolution {
        /// The resolution asked for.
        found: f64,
    },
    /// The graph is not one of n cells with n cells.
    #[error("the cell graph is {rows} x {columns}: expected as many rows as columns")]
    NotSquare {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// A weight that no edge can have.
    #[error(
        "the cell graph has weight {weight} between cells {cell} and {neighbor}: expected a number \
         of at least 0; training may have diverged, try a smaller -lr"
    )]
    Weight {
        /// Row of the weight, counted from 0.
        cell: usize,
        /// Column of the weight, counted from 0.
        neighbor: usize,
        /// The weight.
        weight: f32,
    },
    /// More clusters are asked for than the graph falls into.
    #[error(
        "-n_clusters {wanted} is too many: at its finest, Leiden finds {found} clusters; lower -n_clusters to {found} or less"
    )]
    TooManyClusters {
        /// Clusters asked for.
        wanted: usize,
        /// Clusters found at the highest resolution.
        found: usize,
    },
    /// The two directions of the edges do not weigh the same.
    #[error("Leiden cannot use the cell graph")]
    Leiden {
        /// What the Leiden library says.
        #[from]
        source: single_clustering::ClusteringError,
    },
}
