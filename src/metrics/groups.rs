//! The cells of every cluster.

use super::contingency::ranks;

/// Cells by cluster, clusters in label order, cells in their own order.
pub(super) struct Groups {
    /// The cells of each cluster, none empty.
    pub(super) members: Vec<Vec<usize>>,
    /// Position in `members` of every cell's cluster.
    pub(super) of_cell: Vec<usize>,
}

impl Groups {
    /// Groups cells by label where scores of clusters are defined: two clusters or more, but fewer than cells.
    pub(super) fn new(labels: &[usize]) -> Option<Self> {
        let of_cell = ranks(labels);
        let n_clusters = of_cell.iter().max().map_or(0, |&last| last + 1);
        if n_clusters < 2 || n_clusters >= labels.len() {
            return None;
        }
        let mut members = vec![Vec::new(); n_clusters];
        for (cell, &cluster) in of_cell.iter().enumerate() {
            members[cluster].push(cell);
        }
        Some(Self { members, of_cell })
    }
}
