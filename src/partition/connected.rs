//! Splits clusters that are not connected.

use petgraph::unionfind::UnionFind;

use super::numbering::by_first;
use crate::graph::Adjacency;

/// The connected components of every cluster, as labels.
///
/// `graph`: symmetric weights of n cells; `labels`: n cluster numbers. Two cells have the same label in the
/// result if they had the same label and edges within that cluster join them. Splitting a cluster between
/// its components never lowers modularity. Labels are 0.. by first cell.
///
/// Stops reading edges as soon as every cluster is whole, which takes a few rows of a dense graph.
pub(super) fn connected_parts(graph: &Adjacency, labels: &[usize]) -> Vec<usize> {
    let mut parts = UnionFind::<usize>::new(labels.len());
    let mut n_excess = labels.len() - n_distinct(labels);
    for cell in 0..labels.len() {
        if n_excess == 0 {
            break;
        }
        graph.each_in_row(cell, |neighbor, weight| {
            if weight > 0.0 && labels[neighbor] == labels[cell] && parts.union(cell, neighbor) {
                n_excess -= 1;
            }
        });
    }
    by_first(&parts.into_labeling())
}

fn n_distinct(labels: &[usize]) -> usize {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// The path 0-1-2-3-4-5 as a dense and as a sparse graph.
    fn path() -> [Adjacency; 2] {
        let mut dense = Array2::zeros((6, 6));
        let mut sparse = sprs::TriMatI::new((6, 6));
        for i in 0..5 {
            for (a, b) in [(i, i + 1), (i + 1, i)] {
                dense[(a, b)] = 1.0;
                sparse.add_triplet(a, b, 1.0);
            }
        }
        [Adjacency::Dense(dense), Adjacency::Sparse(sparse.to_csr())]
    }

    #[test]
    fn a_cluster_that_falls_apart_is_split() {
        for graph in path() {
            assert_eq!(
                connected_parts(&graph, &[7, 7, 2, 7, 2, 2]),
                [0, 0, 1, 2, 3, 3]
            );
        }
    }

    #[test]
    fn whole_clusters_stay() {
        for graph in path() {
            assert_eq!(
                connected_parts(&graph, &[1, 1, 1, 0, 0, 0]),
                [0, 0, 0, 1, 1, 1]
            );
        }
    }
}
