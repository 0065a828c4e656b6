//! The graph as the Leiden library holds it: rows of neighbours and weights, without self loops.

use single_clustering::network::CSRNetwork;

use super::ClusterError;
use crate::{counts::Csr, graph::Adjacency};

/// A copy of a graph.
pub(super) fn network(graph: &Adjacency) -> Result<CSRNetwork, ClusterError> {
    let (rows, columns, n_stored) = match graph {
        Adjacency::Dense(weights) => (weights.nrows(), weights.ncols(), weights.len()),
        Adjacency::Sparse(weights) => (weights.rows(), weights.cols(), weights.nnz()),
    };
    if rows != columns {
        return Err(ClusterError::NotSquare { rows, columns });
    }
    let mut edges = CompressedRows::with_capacity(rows, n_stored);
    match graph {
        Adjacency::Dense(weights) => {
            for (cell, row) in weights.outer_iter().enumerate() {
                edges.push_row(cell, row.iter().copied().enumerate())?;
            }
        }
        Adjacency::Sparse(weights) => {
            for (cell, row) in weights.outer_iterator().enumerate() {
                edges.push_row(cell, row.iter().map(|(neighbor, &w)| (neighbor, w)))?;
            }
        }
    }
    let network = CSRNetwork::from_csr_parts(edges.offsets, edges.neighbors, edges.weights, None)?;
    Ok(network)
}

/// A graph itself, not a copy: with millions of cells it is most of what lies in memory. Nothing is left of the graph; where this
/// is not possible, a copy is made and the graph is left as it is.
pub(super) fn take_network(graph: &mut Adjacency) -> Result<CSRNetwork, ClusterError> {
    let Adjacency::Sparse(weights) = graph else {
        return network(graph);
    };
    let is_edge = |(&weight, (cell, other)): (&f32, (u32, u32))| {
        cell != other && weight.is_finite() && weight >= 0.0
    };
    if weights.rows() != weights.cols() || !weights.iter().all(is_edge) {
        return network(graph);
    }
    let weights = std::mem::replace(weights, Csr::zero((0, 0)));
    let (offsets, neighbors, weights) = weights.into_raw_storage();
    Ok(CSRNetwork::from_csr_parts(
        offsets, neighbors, weights, None,
    )?)
}

/// The graph of a network.
pub(super) fn graph_of(network: &CSRNetwork) -> Adjacency {
    let n_cells = network.node_count();
    let (offsets, neighbors, weights) = network.to_csr_parts();
    Adjacency::Sparse(Csr::new((n_cells, n_cells), offsets, neighbors, weights))
}

/// Edges in compressed rows.
struct CompressedRows {
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<f32>,
}

impl CompressedRows {
    fn with_capacity(n_cells: usize, n_edges: usize) -> Self {
        let mut offsets = Vec::with_capacity(n_cells + 1);
        offsets.push(0);
        Self {
            offsets,
            neighbors: Vec::with_capacity(n_edges),
            weights: Vec::with_capacity(n_edges),
        }
    }

    fn push_row(
        &mut self,
        cell: usize,
        row: impl Iterator<Item = (usize, f32)>,
    ) -> Result<(), ClusterError> {
        for (neighbor, weight) in row.filter(|&(neighbor, _)| neighbor != cell) {
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(ClusterError::Weight {
                    cell,
                    neighbor,
                    weight,
                });
            }
            if weight > 0.0 {
                self.neighbors.push(neighbor as u32);
                self.weights.push(weight);
            }
        }
        self.offsets.push(self.neighbors.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The path 0-1-2, with an edge from cell 1 to itself or without.
    fn path(loop_weight: Option<f32>) -> Adjacency {
        let mut weights = sprs::TriMatI::<f32, u32>::new((3, 3));
        for (a, b, weight) in [(0, 1, 1.5), (1, 0, 1.5), (1, 2, 3.5), (2, 1, 3.5)] {
            weights.add_triplet(a, b, weight);
        }
        if let Some(weight) = loop_weight {
            weights.add_triplet(1, 1, weight);
        }
        Adjacency::Sparse(weights.to_csr())
    }

    #[test]
    fn a_graph_that_was_taken_comes_back() -> Result<(), ClusterError> {
        let mut graph = path(None);
        let network = take_network(&mut graph)?;
        assert_eq!(graph.shape(), (0, 0));
        assert_eq!(graph_of(&network), path(None));
        Ok(())
    }

    #[test]
    fn a_graph_with_self_loops_is_copied_without() -> Result<(), ClusterError> {
        let mut graph = path(Some(2.0));
        let network = take_network(&mut graph)?;
        assert_eq!(graph, path(Some(2.0)));
        assert_eq!(graph_of(&network), path(None));
        Ok(())
    }
}
