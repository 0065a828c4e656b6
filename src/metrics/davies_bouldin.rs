//! The Davies–Bouldin index.

use ndarray::{Array1, Array2, ArrayView2};

use super::groups::Groups;

/// Below this a spread or a distance between centres counts as 0, as in scikit-learn.
const NEGLIGIBLE: f64 = 1e-8;

/// Mean over clusters of the worst ratio (`S_i` + `S_j`) / `M_ij`: S is the mean distance of a cluster's cells to its
/// centre, M the distance between centres. At least 0, the lower the better apart.
///
/// `z`: n × d embedding, euclidean distances; `labels`: n clusters, any values. `None` where undefined: fewer
/// than two clusters, as many as cells, or values that are not finite. 0 where all spreads or all distances
/// between centres are 0; a pair of clusters with one centre is left out.
///
/// O(n d + clusters² d). As scikit-learn's `davies_bouldin_score` on a `float32` embedding: centres are summed in
/// single precision, everything else is double. Davies & Bouldin 1979, doi:10.1109/TPAMI.1979.4766909.
///
/// # Panics
///
/// If there are fewer rows than labels.
#[must_use]
pub fn davies_bouldin(z: ArrayView2<f32>, labels: &[usize]) -> Option<f64> {
    let groups = Groups::new(labels)?;
    let centers: Vec<Array1<f64>> = groups
        .members
        .iter()
        .map(|cells| mean_row(z, cells))
        .collect();
    let spreads: Vec<f64> = groups
        .members
        .iter()
        .zip(&centers)
        .map(|(cells, center)| mean_distance(z, cells, center))
        .collect();
    let separations = Array2::from_shape_fn((centers.len(), centers.len()), |(i, j)| {
        distance(centers[i].iter().copied(), &centers[j])
    });
    let index = mean_worst_ratio(&spreads, &separations);
    index.is_finite().then_some(index)
}

fn mean_worst_ratio(spreads: &[f64], separations: &Array2<f64>) -> f64 {
    let negligible = |value: &f64| *value <= NEGLIGIBLE;
    if spreads.iter().all(negligible) || separations.iter().all(negligible) {
        return 0.0;
    }
    let worst = |i: usize| {
        (0..spreads.len())
            .filter(|&j| separations[(i, j)] != 0.0)
            .map(|j| (spreads[i] + spreads[j]) / separations[(i, j)])
            .fold(
                0.0,
                |worst, ratio| if ratio <= worst { worst } else { ratio },
            )
    };
    (0..spreads.len()).map(worst).sum::<f64>() / spreads.len() as f64
}

/// The centre of a cluster. Where clusters overlap, their centres are close and the index depends on how these
/// sums are rounded: one cell after the other, in single precision, gives scikit-learn's centres.
fn mean_row(z: ArrayView2<f32>, cells: &[usize]) -> Array1<f64> {
    let mut sum = Array1::<f32>::zeros(z.ncols());
    for &cell in cells {
        sum += &z.row(cell);
    }
    (sum / cells.len() as f32).mapv(f64::from)
}

fn mean_distance(z: ArrayView2<f32>, cells: &[usize], center: &Array1<f64>) -> f64 {
    let total: f64 = cells
        .iter()
        .map(|&cell| distance(z.row(cell).iter().copied().map(f64::from), center))
        .sum();
    total / cells.len() as f64
}

fn distance(a: impl Iterator<Item = f64>, b: &Array1<f64>) -> f64 {
    let squares = a.zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn equals_the_value_worked_by_hand() {
        // centres 1, 6 and 20, spreads 1, 2 and 0: worst ratios 3/5, 3/5 and 2/14
        let z = array![[0.0], [2.0], [4.0], [8.0], [20.0]];
        let expected = (0.6 + 0.6 + 1.0 / 7.0) / 3.0;
        let found = davies_bouldin(z.view(), &[3, 3, 5, 5, 9]).expect("defined");
        assert!((found - expected).abs() < 1e-12, "{found}");
    }

    #[test]
    fn undefined_for_one_cluster_and_for_singletons() {
        let z = array![[0.0], [1.0], [4.0]];
        assert_eq!(davies_bouldin(z.view(), &[0, 0, 0]), None);
        assert_eq!(davies_bouldin(z.view(), &[0, 1, 2]), None);
        assert_eq!(davies_bouldin(Array2::zeros((0, 2)).view(), &[]), None);
        let broken = array![[0.0], [f32::NAN], [4.0]];
        assert_eq!(davies_bouldin(broken.view(), &[0, 0, 1]), None);
    }

    #[test]
    fn no_spread_or_no_separation_is_zero() {
        let points = array![[0.0], [0.0], [1.0], [1.0]];
        assert_eq!(davies_bouldin(points.view(), &[0, 0, 1, 1]), Some(0.0));
        assert_eq!(davies_bouldin(points.view(), &[0, 1, 0, 1]), Some(0.0));
    }

    #[test]
    fn a_pair_with_one_centre_is_left_out() {
        // centres 0, 0 and 10, spreads 1, 2 and 0: ratios 1/10, 2/10 and 2/10
        let z = array![[-1.0], [1.0], [-2.0], [2.0], [10.0]];
        let found = davies_bouldin(z.view(), &[0, 0, 1, 1, 2]).expect("defined");
        assert!((found - 0.5 / 3.0).abs() < 1e-12, "{found}");
    }
}
