//! The nearest other cluster of every cluster, and the genes that tell the two apart.

use ndarray::{Array2, ArrayView2};

use crate::{
    grouping::{n_groups, sizes},
    packed_counts::PackedCounts,
    unit::unit_rows,
};

/// Genes that are named on each side.
const N_GENES: usize = 2;

/// Least difference in detection of a gene that is named.
const LEAST_DIFFERENCE: f64 = 0.05;

/// A cluster's nearest other one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Nearest {
    pub cluster: usize,
    /// Highly variable genes that more cells of the cluster detect, and that more of the other do, with both shares.
    pub more: Vec<Difference>,
    pub less: Vec<Difference>,
}

/// How often a gene is detected in a cluster and in its nearest one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Column of the prepared counts.
    pub gene: usize,
    pub share: f64,
    pub share_other: f64,
}

/// Of each cluster the one whose mean direction in the embedding `z` (n × d) is nearest, as the cell graph compares cells;
/// `None` where there is no other.
///
/// `counts`: raw counts of the same cells, n × genes. O(n d + counts + clusters² d).
pub(super) fn nearest_clusters(
    z: ArrayView2<f32>,
    labels: &[usize],
    counts: &PackedCounts,
) -> Vec<Option<Nearest>> {
    let n_clusters = n_groups(labels);
    let centers = directions(z, labels, n_clusters);
    let shares = detection(counts, labels, n_clusters);
    let cosine = |a: usize, b: usize| centers.row(a).dot(&centers.row(b));
    let of_cluster = |cluster: usize| {
        let others = (0..n_clusters).filter(|&other| other != cluster);
        let other = others.max_by(|&a, &b| {
            cosine(cluster, a)
                .total_cmp(&cosine(cluster, b))
                .then(b.cmp(&a))
        })?;
        let largest = |one: usize, other: usize| largest(&shares[one], &shares[other]);
        let less = largest(other, cluster).into_iter().map(|found| Difference {
            share: found.share_other,
            share_other: found.share,
            ..found
        });
        Some(Nearest {
            cluster: other,
            more: largest(cluster, other),
            less: less.collect(),
        })
    };
    (0..n_clusters).map(of_cluster).collect()
}

/// The mean of each cluster's cells, scaled to length 1, as are the cells.
fn directions(z: ArrayView2<f32>, labels: &[usize], n_clusters: usize) -> Array2<f32> {
    let mut sums = Array2::zeros((n_clusters, z.ncols()));
    for (row, &label) in unit_rows(z).outer_iter().zip(labels) {
        sums.row_mut(label).scaled_add(1.0, &row);
    }
    unit_rows(sums.view())
}

/// Share of each cluster's cells that detect each gene.
fn detection(counts: &PackedCounts, labels: &[usize], n_clusters: usize) -> Vec<Vec<f64>> {
    let mut shares = vec![vec![0.0; counts.shape().1]; n_clusters];
    for (row, &label) in counts.iter_rows().zip(labels) {
        row.for_each(|(gene, _)| shares[label][gene] += 1.0);
    }
    for (shares, size) in shares.iter_mut().zip(sizes(labels)) {
        for share in shares {
            *share /= size as f64;
        }
    }
    shares
}

/// The genes that `one` detects most beyond `other`.
fn largest(one: &[f64], other: &[f64]) -> Vec<Difference> {
    let mut genes: Vec<usize> = (0..one.len())
        .filter(|&gene| one[gene] - other[gene] >= LEAST_DIFFERENCE)
        .collect();
    genes.sort_by(|&a, &b| (one[b] - other[b]).total_cmp(&(one[a] - other[a])));
    genes.truncate(N_GENES);
    genes
        .into_iter()
        .map(|gene| Difference {
            gene,
            share: one[gene],
            share_other: other[gene],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn values_by_hand() {
        // Clusters at 0°, 45° and 180°; gene 0 in all of cluster 0, gene 1 in one half of cluster 1.
        let z = array![
            [1.0_f32, 0.0],
            [9.0, 0.0],
            [1.0, 1.0],
            [2.0, 2.0],
            [-1.0, 0.0]
        ];
        let mut counts = PackedCounts::new(2);
        let detected: [&[usize]; 5] = [&[0], &[0], &[1], &[], &[]];
        for genes in detected {
            counts.push(genes.iter().map(|&gene| (gene, 1.0)));
        }
        let found = nearest_clusters(z.view(), &[0, 0, 1, 1, 2], &counts);
        let nearest: Vec<_> = found
            .iter()
            .flatten()
            .map(|nearest| nearest.cluster)
            .collect();
        assert_eq!(nearest, [1, 0, 1]);
        let of_first = found[0].as_ref().expect("another cluster");
        assert_eq!(
            of_first.more,
            [Difference {
                gene: 0,
                share: 1.0,
                share_other: 0.0
            }]
        );
        assert_eq!(
            of_first.less,
            [Difference {
                gene: 1,
                share: 0.0,
                share_other: 0.5
            }]
        );
    }

    #[test]
    fn a_single_cluster_has_none() {
        let mut counts = PackedCounts::new(1);
        counts.push([(0, 1.0)]);
        assert_eq!(
            nearest_clusters(array![[1.0_f32, 2.0]].view(), &[0], &counts),
            [None]
        );
    }
}
