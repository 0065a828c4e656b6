//! Places of cells among others that have been laid out.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{forces::Point, neighbors::nearest_among};

/// Landmarks that a cell is placed among.
const N_NEAREST: usize = 5;

/// Landmarks further in the picture than this from the nearest one do not count: between two islands there is nothing.
const REACH: f32 = 1.0;

/// Every cell of `z` (n × d) at the mean of its nearest landmarks' places, each weighed by the inverse of its distance; a
/// landmark at its own.
///
/// `landmarks`: rows of `z`; `places`: theirs in the picture, m × 2. O(n m d) time.
pub(super) fn place_among(
    z: ArrayView2<f32>,
    landmarks: &[usize],
    places: ArrayView2<f32>,
) -> Array2<f32> {
    let (nearest, distances) = nearest_among(z, landmarks, N_NEAREST.min(landmarks.len()));
    let place = |landmark: u32| [0, 1].map(|axis| places[(landmark as usize, axis)]);
    let points: Vec<Point> = (0..z.nrows())
        .into_par_iter()
        .map(|cell| {
            let around = nearest.row(cell);
            let places: Vec<Point> = around.iter().map(|&landmark| place(landmark)).collect();
            mean_of_near(&places, distances.row(cell).iter().copied())
        })
        .collect();
    Array2::from_shape_fn((z.nrows(), 2), |(cell, axis)| points[cell][axis])
}

fn mean_of_near(places: &[Point], distances: impl Iterator<Item = f32>) -> Point {
    let first = places[0];
    let mut sum = [0.0_f64; 2];
    let mut total = 0.0;
    for (place, distance) in places.iter().zip(distances) {
        if distance == 0.0 {
            return *place;
        }
        if (place[0] - first[0]).hypot(place[1] - first[1]) <= REACH {
            let weight = 1.0 / f64::from(distance);
            total += weight;
            sum = [0, 1].map(|axis| sum[axis] + weight * f64::from(place[axis]));
        }
    }
    if total > 0.0 {
        sum.map(|sum| (sum / total) as f32)
    } else {
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn values_by_hand() {
        let z = array![[0.0_f32], [3.0], [1.0], [100.0], [90.0]];
        let places = array![[0.0_f32, 0.0], [0.9, 0.0], [50.0, 50.0]];
        let placed = place_among(z.view(), &[0, 1, 3], places.view());
        // A landmark keeps its place; a cell at 1 lies twice as near to 0 as to 3; the third landmark is on another island.
        assert_eq!(placed.row(1).to_vec(), [0.9, 0.0]);
        assert!((placed[(2, 0)] - 0.3).abs() < 1e-6);
        assert_eq!(placed.row(4).to_vec(), [50.0, 50.0]);
    }

    #[test]
    fn places_that_are_not_finite_do_not_spread() {
        let placed = mean_of_near(&[[1.0, 2.0], [3.0, 4.0]], [f32::INFINITY; 2].into_iter());
        assert_eq!(placed.map(f32::to_bits), [1.0_f32, 2.0].map(f32::to_bits));
    }
}
