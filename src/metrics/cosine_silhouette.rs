//! The average silhouette width by cosine, in linear time.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::Serialize;

use super::groups::Groups;

/// How far apart the clusters of the training cells lie before training and after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Apartness {
    /// Silhouette by cosine of the clusters in the components that the views share, which no training has touched, from −1
    /// to 1; `null` where it is not defined (a single cluster), or the run made no use of the views.
    pub before_training: Option<f64>,
    /// The same in the trained embedding.
    pub after_training: Option<f64>,
}

/// Mean over cells of (b − a) / max(a, b): a is the mean cosine distance to the other cells of the same cluster, b to
/// those of the nearest other cluster. From −1 to 1, the higher the better apart.
///
/// `directions`: n × d, cells of length 1; `labels`: n clusters, any values. A cell alone in its cluster scores 0.
/// `None` where undefined: fewer than two clusters, or as many as cells.
///
/// The mean distance to a cluster is 1 minus the product with its mean direction, so that no pair of cells is looked at:
/// O(n · k · d) time for k clusters, sums in a fixed order. Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
///
/// # Panics
///
/// If there are fewer rows than labels.
#[must_use]
pub fn cosine_silhouette(directions: ArrayView2<f32>, labels: &[usize]) -> Option<f64> {
    let groups = Groups::new(labels)?;
    let sizes: Vec<f64> = groups
        .members
        .iter()
        .map(|cells| cells.len() as f64)
        .collect();
    let mut sums = Array2::<f64>::zeros((sizes.len(), directions.ncols()));
    for (mut sum, cells) in sums.outer_iter_mut().zip(&groups.members) {
        for &cell in cells {
            for (sum, &value) in sum.iter_mut().zip(directions.row(cell)) {
                *sum += f64::from(value);
            }
        }
    }
    let width = |cell: usize| {
        let own = groups.of_cell[cell];
        let direction = directions.row(cell);
        let distance = |cluster: usize, product: f64| 1.0 - product / sizes[cluster];
        if sizes[own] <= 1.0 {
            return 0.0;
        }
        let within = distance(own, dot(direction, sums.row(own))) * sizes[own] / (sizes[own] - 1.0);
        let nearest = (0..sizes.len())
            .filter(|&cluster| cluster != own)
            .map(|cluster| distance(cluster, dot(direction, sums.row(cluster))))
            .fold(f64::INFINITY, f64::min);
        let larger = within.max(nearest);
        if larger > 0.0 {
            (nearest - within) / larger
        } else {
            0.0
        }
    };
    let widths: Vec<f64> = (0..labels.len()).into_par_iter().map(width).collect();
    let mean = widths.iter().sum::<f64>() / directions.len_of(Axis(0)) as f64;
    mean.is_finite().then_some(mean)
}

fn dot(one: ArrayView1<f32>, other: ArrayView1<f64>) -> f64 {
    one.iter().zip(other).map(|(&a, b)| f64::from(a) * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By its definition, pair by pair.
    fn plain(x: &Array2<f32>, labels: &[usize]) -> f64 {
        let n = labels.len();
        let mean_to = |cell: usize, cluster: usize| {
            let others = (0..n).filter(|&other| other != cell && labels[other] == cluster);
            let distances: Vec<f64> = others
                .map(|other| 1.0 - f64::from(x.row(cell).dot(&x.row(other))))
                .collect();
            (!distances.is_empty()).then(|| distances.iter().sum::<f64>() / distances.len() as f64)
        };
        let width = |cell: usize| {
            let Some(a) = mean_to(cell, labels[cell]) else {
                return 0.0;
            };
            let b = (0..3)
                .filter(|&cluster| cluster != labels[cell])
                .filter_map(|cluster| mean_to(cell, cluster))
                .fold(f64::INFINITY, f64::min);
            (b - a) / a.max(b)
        };
        (0..n).map(width).sum::<f64>() / n as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn as_pair_by_pair(values in prop::collection::vec(-9_i8..9, 33), labels in prop::collection::vec(0_usize..3, 11)) {
            let mut x = Array2::from_shape_fn((11, 3), |(i, j)| f32::from(values[3 * i + j]) + 0.5);
            for mut cell in x.rows_mut() {
                let length = cell.dot(&cell).sqrt();
                cell /= length;
            }
            match cosine_silhouette(x.view(), &labels) {
                Some(found) => prop_assert!((found - plain(&x, &labels)).abs() < 1e-5),
                None => prop_assert!(labels.iter().all(|&label| label == labels[0])),
            }
        }
    }
}
