//! The choice of a resolution without labels: the clustering that agrees best with all plausible ones.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::Serialize;

use super::{ClusterError, Partition, leiden};
use crate::{
    graph::Adjacency,
    metrics::{adjusted_rand_index, silhouette},
};

/// The resolutions that are tried: from a handful of clusters to a few dozen, at even ratios.
const TRIED: [f64; 12] = [
    0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4,
];

/// The chosen clustering, and what it was chosen from.
#[derive(Debug)]
pub struct Choice {
    /// The clusters.
    pub partition: Partition,
    /// How they were chosen.
    pub resolution: ChosenResolution,
}

/// A resolution that was chosen without labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChosenResolution {
    /// The one that was chosen.
    pub chosen: Candidate,
    /// All that were tried, ascending.
    pub candidates: Vec<Candidate>,
}

/// A resolution that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The resolution.
    pub resolution: f64,
    /// Clusters that it gives.
    pub n_clusters: usize,
    /// Silhouette of these clusters by cosine, from −1 to 1; `null` for a single cluster.
    pub silhouette: Option<f64>,
    /// Mean adjusted Rand index with all candidates, each weighted by its squared silhouette.
    pub agreement: f64,
}

/// Clusters at every resolution, and chooses the clustering that agrees best with the others.
///
/// `z`: n × d embedding; `graph`: its n × n weights, as [`leiden()`] takes them. The groups that a biologist would name
/// are taken to be one of the candidates' clusterings, each as probable as its clusters are separate: the square of
/// their silhouette (negative ones count 0), on cells scaled to length 1. The clustering returned has the
/// highest expected adjusted Rand index with them. Of equally good ones the one with fewer clusters is taken.
///
/// Cost: twelve times Leiden and a silhouette, O(n² · d); the memory of [`leiden()`].
///
/// # Errors
///
/// Those of [`leiden()`].
pub fn choose_resolution(
    z: ArrayView2<f32>,
    graph: &Adjacency,
    seed: u64,
) -> Result<Choice, ClusterError> {
    let mut partitions = TRIED
        .into_iter()
        .map(|resolution| leiden(graph, resolution, seed))
        .collect::<Result<Vec<_>, _>>()?;
    let directions = scaled_to_one(z);
    let silhouettes: Vec<Option<f64>> = partitions
        .iter()
        .map(|partition| silhouette(directions.view(), &partition.labels))
        .collect();
    let agreements = agreements(&partitions, &silhouettes);
    let best = (0..partitions.len())
        .reduce(|best, i| {
            if agreements[i] > agreements[best] {
                i
            } else {
                best
            }
        })
        .unwrap_or_else(|| unreachable!("several resolutions are tried"));
    let candidate = |i: usize| Candidate {
        resolution: TRIED[i],
        n_clusters: n_clusters(&partitions[i]),
        silhouette: silhouettes[i],
        agreement: agreements[i],
    };
    let resolution = ChosenResolution {
        chosen: candidate(best),
        candidates: (0..partitions.len()).map(candidate).collect(),
    };
    Ok(Choice {
        partition: partitions.swap_remove(best),
        resolution,
    })
}

/// Σⱼ wⱼ ARI(i, j) / Σⱼ wⱼ with w the squared silhouettes; all weights are equal where none is above 0.
fn agreements(partitions: &[Partition], silhouettes: &[Option<f64>]) -> Vec<f64> {
    let mut weights: Vec<f64> = silhouettes
        .iter()
        .map(|width| width.unwrap_or(0.0).max(0.0).powi(2))
        .collect();
    if weights.iter().all(|&weight| weight == 0.0) {
        weights.fill(1.0);
    }
    let total: f64 = weights.iter().sum();
    partitions
        .par_iter()
        .map(|one| {
            let agreement = |(other, weight): (&Partition, &f64)| {
                weight * adjusted_rand_index(&one.labels, &other.labels)
            };
            partitions.iter().zip(&weights).map(agreement).sum::<f64>() / total
        })
        .collect()
}

fn n_clusters(partition: &Partition) -> usize {
    partition.labels.iter().max().map_or(0, |last| last + 1)
}

/// Cells scaled to length 1, so that euclidean distances order them as cosines do.
fn scaled_to_one(z: ArrayView2<f32>) -> Array2<f32> {
    let mut directions = z.to_owned();
    for mut cell in directions.rows_mut() {
        let length = cell.dot(&cell).sqrt();
        if length > 0.0 {
            cell /= length;
        }
    }
    directions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::gauss_weights;

    /// Cells around four far corners, 30 each.
    fn corners() -> (Array2<f32>, Vec<usize>) {
        let truth: Vec<usize> = (0..120).map(|cell| cell % 4).collect();
        let z = Array2::from_shape_fn((120, 4), |(cell, dimension)| {
            let noise = ((cell * 37 + dimension * 101) % 17) as f32 / 17.0 - 0.5;
            if dimension == cell % 4 {
                5.0 + noise
            } else {
                noise
            }
        });
        (z, truth)
    }

    #[test]
    fn far_groups_are_found_without_being_told_how_many() {
        let (z, truth) = corners();
        let graph = Adjacency::Sparse(gauss_weights(z.view(), 15).expect("finite"));
        let choice = choose_resolution(z.view(), &graph, 1).expect("clusters");
        assert!((adjusted_rand_index(&choice.partition.labels, &truth) - 1.0).abs() < 1e-12);
        assert_eq!(choice.resolution.candidates.len(), TRIED.len());
        assert_eq!(choice.resolution.chosen.n_clusters, 4);
        assert!(
            choice
                .resolution
                .candidates
                .contains(&choice.resolution.chosen)
        );
    }

    #[test]
    fn agreements_by_hand() {
        let partition = |labels: &[usize]| Partition {
            labels: labels.to_vec(),
            modularity: 0.0,
        };
        let partitions = [partition(&[0, 0, 0, 0]), partition(&[0, 0, 1, 1])];
        // One cluster and two: ARI 0; each with itself: 1. Weights 0 and 0.25.
        let found = agreements(&partitions, &[None, Some(0.5)]);
        assert_eq!(found, [0.0, 1.0]);
        let equal = agreements(&partitions, &[None, Some(-0.5)]);
        assert_eq!(equal, [0.5, 0.5]);
    }
}
