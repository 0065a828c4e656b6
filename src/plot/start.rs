//! Where the layout starts: the first two principal components of the embedding.

use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::Rng;

use super::forces::Point;

/// Largest coordinate at the start.
const EXTENT: f64 = 10.0;

/// Cells in one place are moved apart by up to this much.
const JITTER: f32 = 1e-3;

/// The first two principal components of `z` (n × d), scaled together to at most ±10, with a little noise. O(n d²).
pub(super) fn principal_plane(z: ArrayView2<f32>, rng: &mut impl Rng) -> Vec<Point> {
    let z = z.mapv(f64::from);
    let center = z.sum_axis(Axis(0)) / z.nrows().max(1) as f64;
    let centered = z - &center;
    let projected: Vec<Array1<f64>> = main_axes(&centered)
        .iter()
        .map(|axis| centered.dot(axis))
        .collect();
    let largest = projected
        .iter()
        .flatten()
        .fold(0.0_f64, |largest, &value| largest.max(value.abs()));
    let scale = if largest > 0.0 { EXTENT / largest } else { 0.0 };
    (0..centered.nrows())
        .map(|cell| {
            [0, 1].map(|axis| {
                let value = projected.get(axis).map_or(0.0, |axis| axis[cell] * scale);
                value as f32 + rng.random_range(-JITTER..JITTER)
            })
        })
        .collect()
}

/// The directions of largest and second largest variance, the largest entry of each positive; fewer in fewer
/// dimensions, none where values are not finite.
fn main_axes(centered: &Array2<f64>) -> Vec<Array1<f64>> {
    let covariance = centered.t().dot(centered);
    let n_dims = covariance.nrows();
    let matrix = Mat::from_fn(n_dims, n_dims, |i, j| covariance[(i, j)]);
    let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else {
        return Vec::new();
    };
    (0..n_dims)
        .rev()
        .take(2)
        .map(|column| {
            let axis = Array1::from_shape_fn(n_dims, |row| eigen.U()[(row, column)]);
            let largest = axis.iter().fold(0.0_f64, |largest, &value| {
                if value.abs() > largest.abs() {
                    value
                } else {
                    largest
                }
            });
            if largest < 0.0 { -axis } else { axis }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Stream, stream};
    use ndarray::array;

    #[test]
    fn keeps_the_plane_of_largest_variance() {
        // variance along (0, 1, 1), then x; the third direction is constant
        let z = array![
            [1.0, 4.0, 4.0],
            [-1.0, 4.0, 4.0],
            [1.0, -4.0, -4.0],
            [-1.0, -4.0, -4.0],
        ];
        let scale = 10.0 / 32.0_f32.sqrt();
        let points = principal_plane(z.view(), &mut stream(0, Stream::Layout));
        let expected = [
            [10.0, scale],
            [10.0, -scale],
            [-10.0, scale],
            [-10.0, -scale],
        ];
        for (point, expected) in points.iter().zip(expected) {
            for axis in 0..2 {
                assert!(
                    (point[axis] - expected[axis]).abs() < 2.0 * JITTER,
                    "{points:?}"
                );
            }
        }
    }

    #[test]
    fn any_shape_has_a_start() {
        let mut rng = stream(0, Stream::Layout);
        for (n, d) in [(0, 3), (1, 3), (4, 0), (4, 1), (2, 5)] {
            let points = principal_plane(Array2::zeros((n, d)).view(), &mut rng);
            assert_eq!(points.len(), n);
            assert!(points.iter().flatten().all(|value| value.abs() <= JITTER));
        }
        let broken = array![[f32::NAN, 1.0], [0.0, 2.0]];
        assert_eq!(principal_plane(broken.view(), &mut rng).len(), 2);
    }
}
