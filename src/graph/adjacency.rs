//! A weighted, undirected graph of cells, dense or sparse.

use ndarray::Array2;

use crate::counts::Csr;

/// A symmetric n × n matrix of edge weights, `f32`, at least 0; 0 is no edge.
#[derive(Debug, Clone)]
pub enum Adjacency {
    /// Every pair is stored.
    Dense(Array2<f32>),
    /// Only edges are stored.
    Sparse(Csr),
}
