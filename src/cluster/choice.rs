//! The choice of clusters without labels: of many clusterings the one that is sound and that the sound ones agree on.

use rayon::prelude::*;
use serde::Serialize;

use super::{ClusterError, Partition, leiden::leiden_profile, modularity, purity::least_purity};
use crate::{
    graph::Views,
    metrics::{adjusted_rand_index, cosine_silhouette},
};

/// How many resolutions are tried, and between which: from a handful of clusters to a few dozen, at even ratios.
const N_TRIED: i32 = 32;
const LOWEST: f64 = 0.03;
const HIGHEST: f64 = 2.0;

/// The chosen clustering, and what it was chosen from.
#[derive(Debug)]
pub struct Choice {
    /// The clusters.
    pub partition: Partition,
    /// How they were chosen.
    pub resolution: ChosenResolution,
}

/// A clustering that was chosen without labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChosenResolution {
    /// The one that was chosen.
    pub chosen: Candidate,
    /// All that were tried, ascending.
    pub candidates: Vec<Candidate>,
}

/// A clustering that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Leiden's resolution.
    pub resolution: f64,
    /// Clusters that it gives.
    pub n_clusters: usize,
    /// Silhouette of these clusters by cosine, from −1 to 1, averaged over the views; `null` for a single cluster.
    pub silhouette: Option<f64>,
    /// Purity of the least pure cluster, from 0 to 1, averaged over the views.
    pub purity: f64,
    /// Modularity on the joint graph, resolution 1.
    pub modularity: f64,
    /// Expected adjusted Rand index with the candidates, each as probable as it is sound: the highest is chosen.
    pub agreement: f64,
}

/// Clusters the views' joint graph at every resolution, and chooses the clustering that the sound ones agree on.
///
/// A clustering is sound when its clusters are apart (their mean silhouette by cosine; negative counts 0), when none
/// of them mixes with its neighbours (the purity of the least pure) and when it is no coarser than the graph asks for
/// (its modularity, which varies little): soundness is silhouette · (purity · modularity³)⁴. The groups that a biologist
/// would name are taken to be one of the clusterings, each as probable as it is sound; the one with the highest expected
/// adjusted Rand index is returned, of equally good ones that with fewer clusters. The exponents are from the middle of a
/// range over which six labelled data sets agree.
///
/// Cost: Leiden at every resolution, and for each clustering O(n · clusters · features).
///
/// # Errors
///
/// Those of [`leiden()`](super::leiden()).
pub fn choose_clusters(views: &Views, seed: u64) -> Result<Choice, ClusterError> {
    let tried = tried();
    let mut partitions = leiden_profile(&views.joint, &tried, seed)?;
    let soundness: Vec<Soundness> = partitions
        .par_iter()
        .map(|partition| Soundness::of(&partition.labels, views))
        .collect();
    let weights: Vec<f64> = soundness.iter().map(Soundness::weight).collect();
    let candidates: Vec<Candidate> = tried
        .into_iter()
        .zip(&partitions)
        .zip(soundness.iter().zip(agreements(&partitions, &weights)))
        .map(|((resolution, partition), (sound, agreement))| Candidate {
            resolution,
            n_clusters: partition.labels.iter().max().map_or(0, |last| last + 1),
            silhouette: sound.silhouette,
            purity: sound.purity,
            modularity: sound.modularity,
            agreement,
        })
        .collect();
    let best = (0..candidates.len())
        .reduce(|best, i| {
            if candidates[i].agreement > candidates[best].agreement {
                i
            } else {
                best
            }
        })
        .unwrap_or_else(|| unreachable!("several resolutions are tried"));
    Ok(Choice {
        partition: partitions.swap_remove(best),
        resolution: ChosenResolution {
            chosen: candidates[best].clone(),
            candidates,
        },
    })
}

/// The resolutions that are tried, ascending, to three decimals.
fn tried() -> Vec<f64> {
    let step = (HIGHEST / LOWEST).powf(1.0 / f64::from(N_TRIED - 1));
    (0..N_TRIED)
        .map(|i| (LOWEST * step.powi(i) * 1000.0).round() / 1000.0)
        .collect()
}

/// What speaks for a clustering by itself.
struct Soundness {
    silhouette: Option<f64>,
    purity: f64,
    modularity: f64,
}

impl Soundness {
    fn of(labels: &[usize], views: &Views) -> Self {
        let n_views = views.each.len() as f64;
        let widths = views
            .each
            .iter()
            .map(|view| cosine_silhouette(view.directions.view(), labels));
        let purities = views
            .each
            .iter()
            .map(|view| least_purity(&view.neighbors, labels));
        Self {
            silhouette: widths.sum::<Option<f64>>().map(|sum| sum / n_views),
            purity: purities.sum::<f64>() / n_views,
            modularity: modularity(&views.joint, labels, 1.0),
        }
    }

    fn weight(&self) -> f64 {
        let silhouette = self.silhouette.unwrap_or(0.0).max(0.0);
        silhouette * (self.purity * self.modularity.max(0.0).powi(3)).powi(4)
    }
}

/// Σⱼ wⱼ ARI(i, j) / Σⱼ wⱼ; all weights are equal where none is above 0.
fn agreements(partitions: &[Partition], weights: &[f64]) -> Vec<f64> {
    let mut weights = weights.to_vec();
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Cells around four far corners, 30 each.
    fn corners(offset: usize) -> (Array2<f32>, Vec<usize>) {
        let truth: Vec<usize> = (0..120).map(|cell| cell % 4).collect();
        let z = Array2::from_shape_fn((120, 4), |(cell, dimension)| {
            let noise = ((cell * 37 + dimension * 101 + offset) % 17) as f32 / 17.0 - 0.5;
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
        let ((one, truth), (other, _)) = (corners(0), corners(7));
        let views = Views::of(&[one.view()], &[other.view()], &[1000.0; 120]).expect("finite");
        let choice = choose_clusters(&views, 1).expect("clusters");
        assert!((adjusted_rand_index(&choice.partition.labels, &truth) - 1.0).abs() < 1e-12);
        assert_eq!(choice.resolution.candidates.len(), tried().len());
        assert_eq!(choice.resolution.chosen.n_clusters, 4);
        let candidates = &choice.resolution.candidates;
        assert!(candidates.contains(&choice.resolution.chosen));
    }

    #[test]
    fn agreements_by_hand() {
        let partitions = [&[0, 0, 0, 0], &[0, 0, 1, 1]].map(|labels| Partition {
            labels: labels.to_vec(),
            modularity: 0.0,
        });
        // One cluster and two: ARI 0; each with itself: 1. Weights 0 and 0.25.
        assert_eq!(agreements(&partitions, &[0.0, 0.25]), [0.0, 1.0]);
        assert_eq!(agreements(&partitions, &[0.0, 0.0]), [0.5, 0.5]);
    }
}
