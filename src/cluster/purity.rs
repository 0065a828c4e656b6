//! How much a cluster's cells keep to themselves.

/// The least of the clusters' purities, from 0 to 1: the share of a cell's neighbours that are in its own cluster, on
/// average over the cluster's cells.
///
/// `neighbors`: the neighbours of each of n cells; `labels`: their clusters, 0.. without a gap. A cell without
/// neighbours counts 0; without clusters the purity is 1.
///
/// # Panics
///
/// If a neighbour is not among the cells.
pub(super) fn least_purity(neighbors: &[Vec<u32>], labels: &[usize]) -> f64 {
    let n_clusters = labels.iter().max().map_or(0, |&last| last + 1);
    let mut sums = vec![0.0; n_clusters];
    let mut sizes = vec![0_usize; n_clusters];
    for (near, &label) in neighbors.iter().zip(labels) {
        let own = near
            .iter()
            .filter(|&&cell| labels[cell as usize] == label)
            .count();
        sums[label] += own as f64 / near.len().max(1) as f64;
        sizes[label] += 1;
    }
    let purities = sums
        .iter()
        .zip(&sizes)
        .map(|(sum, &size)| sum / size as f64);
    purities.fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let neighbors = [vec![1, 2], vec![0, 3], vec![3, 0], vec![2, 1]];
        // Halves and halves in both clusters.
        assert!((least_purity(&neighbors, &[0, 0, 1, 1]) - 0.5).abs() < 1e-12);
        // Cells 0, 1, 2: 1, 1/2, 1/2; cell 3: none.
        assert!(least_purity(&neighbors, &[0, 0, 0, 1]).abs() < 1e-12);
        assert!((least_purity(&neighbors, &[0; 4]) - 1.0).abs() < 1e-12);
        assert!((least_purity(&[], &[]) - 1.0).abs() < 1e-12);
    }
}
