//! How strange a cell is, by all of its measures.
//!
//! Each measure of a cell is compared with that of known cells, which were judged by other cells. The share of known cells whose
//! measure is as large is a p-value (a conformal one: known cells of the next sample would be exchangeable with them). P-values
//! are combined by the sum of their log odds, ln((1 − p) / p) (George & Mudholkar 1983, doi:10.1007/BF02056895): three measures that
//! are each a little large count as much as one that is very large.

use ndarray::{Array2, ArrayView2, Axis, aview1};

use super::vote::{VOTERS, mean_distance};
use crate::{
    graph::{Neighbor, nearest_others},
    model_file::{KnownNovelty, N_MEASURES, NoveltyLimits, ReferenceCells},
};

/// Share of the known cells whose mean score, with that of the cells around them, is within the limit.
const KNOWN_TOGETHER: f64 = 0.97;

/// Share of the known cells whose own score is within the limit.
const KNOWN_ALONE: f64 = 0.995;

/// The share of scores below the one that tells new cells from known ones as a whole.
const LOW: f64 = 0.1;

/// Cells of a cluster that count as much for what is usual in it as all other cells do.
const PRIOR_CELLS: f64 = 50.0;

/// Some reference cells (positions), with how far the surprise and the deviation of each are above the trend.
pub struct JudgedCells<'a> {
    /// All reference cells.
    pub reference: &'a ReferenceCells,
    /// Which of them are judged, ascending.
    pub places: &'a [usize],
    /// The surprise of each.
    pub surprise: Vec<f32>,
    /// The deviation of each.
    pub deviation: Vec<f32>,
}

impl KnownNovelty {
    /// What is known from some cells. O(m² d) time for m reference cells.
    #[must_use]
    pub fn learn(judged: &JudgedCells<'_>) -> Self {
        let reference = judged.reference;
        let near = nearest_others(reference.embedding.view(), VOTERS);
        let of_cell = judged.places.iter().enumerate().map(|(row, &place)| {
            [
                log_distance(&near[place]),
                judged.surprise[row],
                judged.deviation[row],
            ]
        });
        let of_cell: Vec<[f32; N_MEASURES]> = of_cell.collect();
        let places = judged.places.iter();
        let clusters: Vec<usize> = places.map(|&place| reference.clusters[place]).collect();
        let usual = usual(&of_cell, &clusters, reference.sizes.len());
        let mut known = Self {
            measures: ascending(&of_cell, &clusters, &usual),
            usual,
            limits: NoveltyLimits::default(),
        };
        let scores = of_cell.iter().zip(&clusters);
        let scores: Vec<f32> = scores
            .map(|(measures, &cluster)| known.score(*measures, cluster))
            .collect();
        let z = reference.embedding.select(Axis(0), judged.places);
        let together = sorted(with_others(z.view(), &scores));
        let scores = sorted(scores);
        known.limits = NoveltyLimits {
            alone: quantile(&scores, KNOWN_ALONE),
            together: quantile(&together, KNOWN_TOGETHER),
            low: quantile(&scores, LOW),
            median: quantile(&scores, 0.5),
        };
        known
    }

    /// The score of a cell that lies in a cluster: the sum over its measures of ln((1 − p) / p), where p is the share of known
    /// cells that are as far, or farther, above what is usual in their cluster.
    #[must_use]
    pub fn score(&self, measures: [f32; N_MEASURES], cluster: usize) -> f32 {
        let log_odds = |(measure, known): (usize, ndarray::ArrayView1<'_, f32>)| {
            let above = measures[measure] - self.usual[(cluster, measure)];
            let n_below = match known.as_slice() {
                Some(known) => known.partition_point(|&known| known < above),
                None => known.iter().filter(|&&known| known < above).count(),
            };
            // As if one more cell were on either side: p is neither 0 nor 1.
            let odds = (n_below + 1) as f32 / (known.len() - n_below + 1) as f32;
            odds.ln()
        };
        self.measures
            .axis_iter(Axis(0))
            .enumerate()
            .map(log_odds)
            .sum()
    }

    /// How far new cells' scores are above those of known cells as a whole: the lower decile above theirs, 0 at least.
    pub(super) fn shift(&self, scores: &[f32]) -> f32 {
        (quantile(&sorted(scores.to_vec()), LOW) - self.limits.low).max(0.0)
    }
}

/// The logarithm of the mean distance to the nearest cells.
pub(super) fn log_distance(near: &[Neighbor]) -> f32 {
    // A cosine is known to this precision.
    mean_distance(near).max(f32::EPSILON).ln()
}

/// The mean of the scores of a cell and of the cells around it, which are given nearest first.
pub(super) fn mean_score(own: f32, around: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut n) = (own, 1.0);
    for score in around {
        sum += score;
        n += 1.0;
    }
    sum / n
}

fn sorted(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_unstable_by(f32::total_cmp);
    values
}

/// The value that this share of some values, ascending, do not exceed; 0 of none.
fn quantile(sorted: &[f32], share: f64) -> f32 {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The mean score of every cell and its nearest others.
fn with_others(z: ArrayView2<'_, f32>, scores: &[f32]) -> Vec<f32> {
    let near = nearest_others(z, VOTERS);
    let mean = |(near, &own): (&Vec<Neighbor>, &f32)| {
        mean_score(own, near.iter().map(|near| scores[near.cell as usize]))
    };
    near.iter().zip(scores).map(mean).collect()
}

/// The mean of each measure in every cluster, clusters × measures; the fewer cells, the closer to the mean of all.
fn usual(of_cell: &[[f32; N_MEASURES]], clusters: &[usize], n_clusters: usize) -> Array2<f32> {
    let mut sums = Array2::<f64>::zeros((n_clusters, N_MEASURES));
    let mut sizes = vec![0.0; n_clusters];
    for (measures, &cluster) in of_cell.iter().zip(clusters) {
        sizes[cluster] += 1.0;
        let sums = sums.row_mut(cluster).into_iter().zip(measures);
        sums.for_each(|(sum, &measure)| *sum += f64::from(measure));
    }
    let mean = sums.sum_axis(Axis(0)) / of_cell.len().max(1) as f64;
    Array2::from_shape_fn((n_clusters, N_MEASURES), |(cluster, measure)| {
        let sum = sums[(cluster, measure)] + PRIOR_CELLS * mean[measure];
        (sum / (sizes[cluster] + PRIOR_CELLS)) as f32
    })
}

/// The measures of cells less what is usual in their clusters, measures × cells, each in ascending order.
fn ascending(
    of_cell: &[[f32; N_MEASURES]],
    clusters: &[usize],
    usual: &Array2<f32>,
) -> Array2<f32> {
    let mut all = Array2::zeros((N_MEASURES, of_cell.len()));
    for (measure, mut row) in all.outer_iter_mut().enumerate() {
        let cells = of_cell.iter().zip(clusters);
        let above = cells.map(|(measures, &cluster)| measures[measure] - usual[(cluster, measure)]);
        row.assign(&aview1(&sorted(above.collect())));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known cells with the measures 0, 1 and 2 in one cluster, where 0 is usual, and 10 in another one.
    fn known() -> KnownNovelty {
        KnownNovelty {
            measures: Array2::from_shape_fn((N_MEASURES, 3), |(_, cell)| cell as f32),
            usual: Array2::from_shape_fn((2, N_MEASURES), |(cluster, _)| 10.0 * cluster as f32),
            limits: NoveltyLimits {
                low: -1.0,
                ..NoveltyLimits::default()
            },
        }
    }

    #[test]
    fn scores_by_hand() {
        // One of five below or beside, counting one more on either side: ln(1 / 4) thrice.
        let least = known().score([-1.0; 3], 0);
        assert!((least - 3.0 * 0.25_f32.ln()).abs() < 1e-6);
        let most = known().score([5.0, 5.0, -1.0], 0);
        assert!((most - 4.0_f32.ln()).abs() < 1e-6);
        // In a cluster where 10 is usual, 11 is as 1.
        assert!((known().score([11.0; 3], 1) - known().score([1.0; 3], 0)).abs() < 1e-6);
    }

    #[test]
    fn the_shift_is_that_of_the_lower_deciles() {
        let scores: Vec<f32> = (1..=20).map(|score| score as f32).collect();
        assert!((known().shift(&scores) - 3.0).abs() < 1e-6);
        assert!(known().shift(&[-9.0; 20]).abs() < 1e-6);
    }

    #[test]
    fn a_quantile_is_a_value() {
        let values: Vec<f32> = (1..=100).rev().map(|value| value as f32).collect();
        assert!((quantile(&sorted(values), 0.99) - 99.0).abs() < 1e-6);
        assert!(quantile(&[], 0.99).abs() < 1e-6);
    }

    #[test]
    fn a_small_cluster_is_close_to_all() {
        let of_cell: Vec<[f32; N_MEASURES]> = (0..100)
            .map(|cell| [f32::from(u8::from(cell < 50)); 3])
            .collect();
        let clusters: Vec<usize> = (0..100).map(|cell| usize::from(cell >= 50)).collect();
        let usual = usual(&of_cell, &clusters, 3);
        // Means of 1 and 0, each as of 50 cells, beside the mean of all, 1/2; and a cluster without any cell.
        for (cluster, expected) in [0.75, 0.25, 0.5].into_iter().enumerate() {
            assert!((usual[(cluster, 0)] - expected).abs() < 1e-6);
        }
    }
}
