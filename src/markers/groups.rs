//! The cells by batch and cluster.

use crate::{grouping::n_groups, preprocess::Batches};

/// Cells in groups, one for each cluster of each batch: those of the first batch come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Groups {
    /// Number of clusters.
    pub n_clusters: usize,
    /// Group of every cell.
    pub of_cell: Vec<usize>,
    /// Number of cells of every group.
    pub sizes: Vec<usize>,
    /// Number of cells of every cluster.
    pub cluster_sizes: Vec<usize>,
    /// Number of cells of every batch.
    pub batch_sizes: Vec<usize>,
}

impl Groups {
    /// Without batches all cells are of one.
    pub(super) fn of(labels: &[usize], batches: Option<&Batches>) -> Self {
        let n_clusters = n_groups(labels);
        let batch = |cell: usize| batches.map_or(0, |batches| batches.of_cell[cell] as usize);
        let of_cell: Vec<usize> = labels
            .iter()
            .enumerate()
            .map(|(cell, &label)| batch(cell) * n_clusters + label)
            .collect();
        let mut sizes = vec![0; n_clusters * batches.map_or(1, Batches::n_batches)];
        for &group in &of_cell {
            sizes[group] += 1;
        }
        let of_batches = sizes.chunks(n_clusters.max(1));
        let of_cluster = |cluster: usize| sizes[cluster..].iter().step_by(n_clusters).sum();
        Self {
            batch_sizes: of_batches.map(|sizes| sizes.iter().sum()).collect(),
            cluster_sizes: (0..n_clusters).map(of_cluster).collect(),
            n_clusters,
            of_cell,
            sizes,
        }
    }

    /// Of every batch, its cells in a cluster and all its cells.
    pub(super) fn in_batches(&self, cluster: usize) -> impl Iterator<Item = (usize, usize)> {
        let of_cluster = self.sizes[cluster..].iter().step_by(self.n_clusters);
        of_cluster.copied().zip(self.batch_sizes.iter().copied())
    }

    /// Number of batches that have cells in a cluster and others.
    pub(super) fn n_compared(&self, cluster: usize) -> usize {
        let compared = self.in_batches(cluster);
        compared
            .filter(|(n, n_batch)| (1..*n_batch).contains(n))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_grouped_by_batch_and_cluster() {
        let labels = [0, 1, 1, 0, 0];
        let whole = Groups::of(&labels, None);
        assert_eq!(
            (&whole.of_cell[..], &whole.sizes[..]),
            (&labels[..], &[3, 2][..])
        );
        assert_eq!(whole.cluster_sizes, [3, 2]);
        assert_eq!(whole.batch_sizes, [5]);
        let batches = Batches::of_all(&["a", "a", "b", "b", "c"]);
        let groups = Groups::of(&labels, Some(&batches));
        assert_eq!(groups.of_cell, [0, 1, 3, 2, 4]);
        assert_eq!(groups.sizes, [1, 1, 1, 1, 1, 0]);
        assert_eq!(groups.cluster_sizes, [3, 2]);
        assert_eq!(groups.batch_sizes, [2, 2, 1]);
        assert_eq!(
            groups.in_batches(1).collect::<Vec<_>>(),
            [(1, 2), (1, 2), (0, 1)]
        );
        assert_eq!((groups.n_compared(0), groups.n_compared(1)), (2, 2));
    }
}
