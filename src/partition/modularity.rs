//! Modularity with resolution of a partition, in double precision.

use ndarray::ArrayView1;
use rayon::prelude::*;

use crate::graph::Adjacency;

/// What one cell adds to its cluster.
#[derive(Clone, Copy)]
struct CellWeight {
    /// Weight of all edges of the cell.
    strength: f64,
    /// Weight of its edges to cells of the same cluster.
    internal: f64,
}

/// Quality of a partition against the configuration model, as `leidenalg`'s `RBConfigurationVertexPartition`
/// has it, divided by 2m:
///
/// ```text
/// Q = Σ_c [ W_c / 2m − γ (K_c / 2m)² ]
/// ```
///
/// `W_c` is the weight between pairs of cells of cluster c, counted both ways, `K_c` the summed strength of its
/// cells, 2m the summed strength of all cells and γ the resolution (Reichardt & Bornholdt 2006,
/// doi:10.1103/PhysRevE.74.016110; γ = 1 is Newman's modularity).
///
/// `graph`: symmetric weights of n cells; the diagonal is ignored. `labels`: n cluster numbers, any values
/// below `usize::MAX`. Returns 0 for a graph without edges. Takes O(edges) time, O(n + largest label) memory; sums run in a
/// fixed order whatever the number of threads.
///
/// # Panics
///
/// If there are fewer labels than cells.
#[must_use]
pub fn modularity(graph: &Adjacency, labels: &[usize], resolution: f64) -> f64 {
    let cells = cell_weights(graph, labels);
    let two_m: f64 = cells.iter().map(|cell| cell.strength).sum();
    if two_m <= 0.0 {
        return 0.0;
    }
    let n_clusters = labels.iter().max().map_or(0, |&last| last + 1);
    let mut internal = vec![0.0; n_clusters];
    let mut strength = vec![0.0; n_clusters];
    for (cell, &label) in cells.iter().zip(labels) {
        internal[label] += cell.internal;
        strength[label] += cell.strength;
    }
    internal
        .iter()
        .zip(&strength)
        .map(|(w, k)| w / two_m - resolution * (k / two_m).powi(2))
        .sum()
}

fn cell_weights(graph: &Adjacency, labels: &[usize]) -> Vec<CellWeight> {
    match graph {
        Adjacency::Dense(weights) => (0..weights.nrows())
            .into_par_iter()
            .map(|i| dense_row(weights.row(i), i, labels))
            .collect(),
        Adjacency::Sparse(weights) => (0..weights.outer_dims())
            .into_par_iter()
            .map(|i| {
                let row = weights.outer_view(i);
                let edges = row.iter().flat_map(|row| row.iter());
                sum_edges(edges.map(|(j, &w)| (j, w)), i, labels)
            })
            .collect(),
    }
}

fn dense_row(row: ArrayView1<f32>, cell: usize, labels: &[usize]) -> CellWeight {
    sum_edges(row.into_iter().copied().enumerate(), cell, labels)
}

fn sum_edges(
    edges: impl Iterator<Item = (usize, f32)>,
    cell: usize,
    labels: &[usize],
) -> CellWeight {
    let mut sum = CellWeight {
        strength: 0.0,
        internal: 0.0,
    };
    for (neighbor, weight) in edges.filter(|&(neighbor, _)| neighbor != cell) {
        sum.strength += f64::from(weight);
        if labels[neighbor] == labels[cell] {
            sum.internal += f64::from(weight);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Two pairs of cells, 0-1 and 2-3, joined by a weak edge 1-2; a diagonal that must not count.
    fn two_pairs() -> Adjacency {
        Adjacency::Dense(array![
            [9.0, 2.0, 0.0, 0.0],
            [2.0, 9.0, 1.0, 0.0],
            [0.0, 1.0, 9.0, 2.0],
            [0.0, 0.0, 2.0, 9.0],
        ])
    }

    #[test]
    fn equals_the_value_worked_by_hand() {
        // 2m = 10; each pair: W = 4, K = 5, so Q = 2 (0.4 - γ 0.25)
        let q = |resolution| modularity(&two_pairs(), &[0, 0, 1, 1], resolution);
        assert!((q(1.0) - 0.3).abs() < 1e-15);
        assert!((q(0.4) - 0.6).abs() < 1e-15);
    }

    #[test]
    fn sparse_equals_dense() {
        let Adjacency::Dense(dense) = two_pairs() else {
            unreachable!("built dense above")
        };
        let mut sparse = sprs::TriMatI::new((4, 4));
        for ((i, j), &w) in dense.indexed_iter().filter(|&(_, &w)| w > 0.0) {
            sparse.add_triplet(i, j, w);
        }
        let sparse = Adjacency::Sparse(sparse.to_csr());
        for labels in [[0, 0, 1, 1], [3, 1, 1, 3], [0, 0, 0, 0], [0, 1, 2, 3]] {
            let expected = modularity(&two_pairs(), &labels, 0.7);
            assert!((modularity(&sparse, &labels, 0.7) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn a_graph_without_edges_scores_zero() {
        let graph = Adjacency::Dense(ndarray::Array2::zeros((3, 3)));
        assert!(modularity(&graph, &[0, 1, 2], 1.0).abs() < f64::EPSILON);
    }
}
