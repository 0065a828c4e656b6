//! The choice of clusters without labels: of many clusterings the soundest.

use ndarray::ArrayView2;
use rayon::prelude::*;
use serde::Serialize;

use super::{
    ClusterError, Partition, leiden::leiden_profile, modularity, purity::least_purity,
    separating_genes::separating_genes,
};
use crate::{graph::Views, metrics::cosine_silhouette};

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
    /// Effective number of genes that tell a cluster from the nearest other one.
    pub separating_genes: f64,
    /// What all of these make together: the highest is chosen.
    pub soundness: f64,
}

/// Clusters the views' joint graph at every resolution, and chooses the soundest clustering.
///
/// `expression`: the same cells, log-normalised, n × g. A clustering is sound when
///
/// - its clusters are apart: the mean silhouette by cosine (negative counts 0),
/// - none of them mixes with its neighbours: the purity of the least pure,
/// - it is no coarser than the graph asks for: its modularity, which varies little, to the fourth power,
/// - few genes tell a cluster from the nearest one, as markers do, not very many a little: the fourth root of
///   their effective number divides.
///
/// Soundness is the product; of equally sound ones that with fewer clusters is returned. The powers are from the
/// middle of a wide range over which ten labelled data sets agree.
///
/// Cost: Leiden at every resolution, and for each clustering O(n · clusters · features + n · g).
///
/// # Errors
///
/// Those of [`leiden()`](super::leiden()).
///
/// # Panics
///
/// If there are fewer rows of expression than cells.
pub fn choose_clusters(
    views: &Views,
    expression: ArrayView2<f32>,
    seed: u64,
) -> Result<Choice, ClusterError> {
    let tried = tried();
    let mut partitions = leiden_profile(&views.joint, &tried, seed)?;
    let candidates: Vec<Candidate> = partitions
        .par_iter()
        .zip(tried)
        .map(|(partition, resolution)| {
            Candidate::of(&partition.labels, resolution, views, expression)
        })
        .collect();
    let best = (0..candidates.len())
        .reduce(|best, i| {
            if candidates[i].soundness > candidates[best].soundness {
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

impl Candidate {
    fn of(labels: &[usize], resolution: f64, views: &Views, expression: ArrayView2<f32>) -> Self {
        let n_views = views.each.len() as f64;
        let widths = views
            .each
            .iter()
            .map(|view| cosine_silhouette(view.directions.view(), labels));
        let purities = views
            .each
            .iter()
            .map(|view| least_purity(&view.neighbors, labels));
        let silhouette = widths.sum::<Option<f64>>().map(|sum| sum / n_views);
        let purity = purities.sum::<f64>() / n_views;
        let modularity = modularity(&views.joint, labels, 1.0);
        let separating_genes = separating_genes(expression, labels);
        let apart = silhouette.unwrap_or(0.0).max(0.0);
        let fine = modularity.max(0.0).powi(4);
        Self {
            resolution,
            n_clusters: labels.iter().max().map_or(0, |last| last + 1),
            silhouette,
            purity,
            modularity,
            separating_genes,
            soundness: apart * purity * fine / separating_genes.powf(0.25),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{graph::View, metrics::adjusted_rand_index};
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
        let view = |x: &Array2<f32>| View::of(&x.view()).expect("finite");
        let views = Views::of(vec![view(&one), view(&other)], &[1000.0; 120]);
        let choice = choose_clusters(&views, one.view(), 1).expect("clusters");
        assert!((adjusted_rand_index(&choice.partition.labels, &truth) - 1.0).abs() < 1e-12);
        let ChosenResolution { chosen, candidates } = choice.resolution;
        assert_eq!(candidates.len(), tried().len());
        assert_eq!(chosen.n_clusters, 4);
        assert!(candidates.contains(&chosen));
        let soundest = candidates.iter().map(|c| c.soundness).fold(0.0, f64::max);
        assert!((chosen.soundness - soundest).abs() < 1e-12);
    }

    #[test]
    fn a_single_cluster_has_no_soundness() {
        let (x, _) = corners(0);
        let view = View::of(&x.view()).expect("finite");
        let views = Views::of(vec![view], &[1000.0; 120]);
        let candidate = Candidate::of(&[0; 120], 0.03, &views, x.view());
        assert_eq!((candidate.silhouette, candidate.n_clusters), (None, 1));
        assert!(candidate.soundness.abs() < 1e-12);
    }
}
