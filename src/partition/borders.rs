//! Cells at the borders of clusters.

use rayon::prelude::*;

use crate::{graph::Adjacency, grouping::n_groups};

/// How often all cells are looked at.
const ROUNDS: usize = 3;

/// The edges of one cell, by leaf of the tree or another group of the other cells.
struct EdgesByGroup {
    sums: Vec<f64>,
    /// The groups that edges lead to, ascending.
    groups: Vec<usize>,
}

impl EdgesByGroup {
    fn new(n_groups: usize) -> Self {
        Self {
            sums: vec![0.0; n_groups],
            groups: Vec::new(),
        }
    }

    /// Of another cell.
    fn find(&mut self, graph: &Adjacency, group_of: &[usize], cell: usize) {
        for group in self.groups.drain(..) {
            self.sums[group] = 0.0;
        }
        graph.each_in_row(cell, |other, weight| {
            if other != cell && weight > 0.0 {
                let group = group_of[other];
                if self.sums[group] == 0.0 {
                    self.groups.push(group);
                }
                self.sums[group] += f64::from(weight);
            }
        });
        self.groups.sort_unstable();
    }

    fn each(&self) -> impl Iterator<Item = (usize, f64)> {
        self.groups.iter().map(|&group| (group, self.sums[group]))
    }
}

/// Moves every cell that has more edges to another cluster than to its own there, into the leaf that most of these lead
/// to; all cells at once, three times. A cluster keeps its cells where all of them would leave it.
///
/// `leaves`: the leaf of every cell; `cluster`: the cluster of every leaf, below the number of leaves.
pub(super) fn settle(graph: &Adjacency, leaves: &mut [usize], cluster: &[usize]) {
    let n_leaves = cluster.len();
    let n_clusters = n_groups(cluster);
    for _ in 0..ROUNDS {
        let before = &*leaves;
        let moved: Vec<usize> = (0..leaves.len())
            .into_par_iter()
            .map_init(
                || EdgesByGroup::new(n_leaves),
                |edges, cell| {
                    edges.find(graph, before, cell);
                    best_leaf(edges, cluster, n_clusters, before[cell])
                },
            )
            .collect();
        let mut kept = vec![false; n_clusters];
        for (&leaf, &moved) in leaves.iter().zip(&moved) {
            // A cell that comes may have to stay where it is.
            kept[cluster[leaf]] |= cluster[moved] == cluster[leaf];
        }
        let mut settled = true;
        for (leaf, moved) in leaves.iter_mut().zip(moved) {
            if moved != *leaf && kept[cluster[*leaf]] {
                *leaf = moved;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
}

/// The leaf that a cell in the leaf `own` belongs into, given its edges by leaf.
fn best_leaf(edges: &EdgesByGroup, cluster: &[usize], n_clusters: usize, own: usize) -> usize {
    let mut of_cluster = vec![0.0; n_clusters];
    for (leaf, sum) in edges.each() {
        of_cluster[cluster[leaf]] += sum;
    }
    let own_cluster = cluster[own];
    let best = (0..n_clusters).fold(own_cluster, |best, other| {
        if of_cluster[other] > of_cluster[best] {
            other
        } else {
            best
        }
    });
    if best == own_cluster {
        return own;
    }
    let within = edges.each().filter(|&(leaf, _)| cluster[leaf] == best);
    within
        .reduce(|best, leaf| if leaf.1 > best.1 { leaf } else { best })
        .map_or(own, |(leaf, _)| leaf)
}

/// Share of each cell's edges that lead to its own cluster, from 0 to 1; 1 where it has no edge.
pub(super) fn shares_within(graph: &Adjacency, labels: &[usize]) -> Vec<f32> {
    let n_labels = n_groups(labels);
    (0..labels.len())
        .into_par_iter()
        .map_init(
            || EdgesByGroup::new(n_labels),
            |edges, cell| {
                edges.find(graph, labels, cell);
                let total: f64 = edges.each().map(|(_, sum)| sum).sum();
                if total > 0.0 {
                    (edges.sums[labels[cell]] / total) as f32
                } else {
                    1.0
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Two cliques of four cells, and a ninth cell with two edges to the one and one to the other.
    fn graph() -> Adjacency {
        let mut weights = Array2::<f32>::zeros((9, 9));
        for clique in [0..4, 4..8] {
            weights
                .slice_mut(ndarray::s![clique.clone(), clique])
                .fill(1.0);
        }
        for other in [0, 1, 4] {
            weights[(8, other)] = 1.0;
            weights[(other, 8)] = 1.0;
        }
        Adjacency::Dense(weights)
    }

    #[test]
    fn a_cell_goes_where_most_of_its_edges_lead() {
        let mut leaves = [0, 0, 0, 0, 1, 1, 1, 1, 1];
        settle(&graph(), &mut leaves, &[0, 1]);
        assert_eq!(leaves, [0, 0, 0, 0, 1, 1, 1, 1, 0]);
        let shares = shares_within(&graph(), &leaves);
        assert!((shares[8] - 2.0 / 3.0).abs() < 1e-6 && (shares[5] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn no_cluster_is_lost() {
        let mut leaves = [0, 0, 0, 0, 1, 1, 1, 1, 2];
        settle(&graph(), &mut leaves, &[0, 1, 2]);
        assert_eq!(leaves[8], 2);
    }

    #[test]
    fn a_cluster_that_a_cell_would_come_to_keeps_its_own() {
        // Cell 0 would go to cell 1, which would go to cells 2 and 3. Both are alone in their clusters.
        let mut weights = Array2::<f32>::zeros((4, 4));
        for (a, b, weight) in [(0, 1, 1.0), (1, 2, 2.0), (2, 3, 5.0)] {
            weights[(a, b)] = weight;
            weights[(b, a)] = weight;
        }
        let mut leaves = [0, 1, 2, 2];
        settle(&Adjacency::Dense(weights), &mut leaves, &[0, 1, 2]);
        assert_eq!(leaves, [0, 1, 2, 2]);
    }
}
