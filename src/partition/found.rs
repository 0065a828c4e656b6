//! Clusters, and the tree that they were cut from.

use std::collections::BTreeSet;

use super::Tree;

/// What the clusters of a run are.
#[derive(Debug, Clone)]
pub struct Found {
    /// Cluster of every cell, 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// The finest clusters with any support, each within one of `labels`, 0.. by decreasing size.
    pub fine: Vec<usize>,
    /// Share of each cell's edges that lead to its own cluster, from 0 to 1.
    pub confidence: Vec<f32>,
    /// The leaf of the tree that each cell lies in.
    pub leaves: Vec<usize>,
    /// The tree.
    pub tree: Tree,
    /// The cluster (of `labels`) that each leaf of the tree lies in.
    pub cluster_of_leaf: Vec<usize>,
    /// The strength above which splits are kept, unless a number of clusters is asked for.
    pub enough: f64,
}

impl Found {
    /// Whether a node's children lie in different clusters.
    #[must_use]
    pub fn is_split(&self, node: usize) -> bool {
        self.clusters_below(node).len() > 1
    }

    /// The clusters that lie below a node of the tree, ascending.
    #[must_use]
    pub fn clusters_below(&self, node: usize) -> Vec<usize> {
        let leaves = self.tree.leaves_below(node).into_iter();
        ascending(leaves.map(|leaf| self.cluster_of_leaf[leaf]))
    }

    /// The finest clusters (of `fine`) that lie below each node of the tree, ascending.
    #[must_use]
    pub fn fine_below_each(&self) -> Vec<Vec<usize>> {
        let mut fine_of_leaf = vec![None; self.tree.n_leaves()];
        for (&leaf, &fine) in self.leaves.iter().zip(&self.fine) {
            fine_of_leaf[leaf] = Some(fine);
        }
        (0..self.tree.nodes.len())
            .map(|node| {
                let leaves = self.tree.leaves_below(node).into_iter();
                ascending(leaves.filter_map(|leaf| fine_of_leaf[leaf]))
            })
            .collect()
    }
}

/// Each number once, in order.
fn ascending(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let numbers: BTreeSet<usize> = numbers.collect();
    numbers.into_iter().collect()
}
