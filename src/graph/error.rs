//! What can stand in the way of a cell graph.

use ndarray::ArrayView2;

/// Why a cell graph could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// A cell has no others to be connected with.
    #[error("a cell graph needs at least 2 cells, but {n_cells} are left")]
    TooFewCells {
        /// Cells given.
        n_cells: usize,
    },
    /// A neighbourhood would be larger than the data set.
    #[error(
        "{n_cells} cells are fewer than the {n_neighbors} of a neighbourhood: \
         lower -n_neighbors to {n_cells} or less"
    )]
    TooFewNeighbors {
        /// Cells given.
        n_cells: usize,
        /// Size of a neighbourhood, the cell itself counted.
        n_neighbors: usize,
    },
    /// A feature is NaN or infinite.
    #[error("feature {feature} of cell {cell} is {value}; the cell graph needs finite features")]
    NonFinite {
        /// Row of the features.
        cell: usize,
        /// Column of the features.
        feature: usize,
        /// What is there.
        value: f32,
    },
}

/// Checks that features, cells × features, have enough cells for a graph and are finite.
pub(super) fn check(features: &ArrayView2<f32>, n_neighbors: usize) -> Result<(), GraphError> {
    let n_cells = features.nrows();
    if n_cells < 2 {
        return Err(GraphError::TooFewCells { n_cells });
    }
    if n_cells < n_neighbors {
        return Err(GraphError::TooFewNeighbors {
            n_cells,
            n_neighbors,
        });
    }
    match features
        .indexed_iter()
        .find(|(_, value)| !value.is_finite())
    {
        Some(((cell, feature), &value)) => Err(GraphError::NonFinite {
            cell,
            feature,
            value,
        }),
        None => Ok(()),
    }
}
