//! The forces of UMAP's layout: gradients of the cross entropy between the graph and the picture.
//!
//! Two cells at distance d in the picture belong together with φ = 1 / (1 + a d^2b). An edge pulls by the
//! gradient of −ln φ, a pair without edge pushes by that of −ln(1 − φ) (arXiv:1802.03426).

/// Shape of φ that fits `min_dist` 0.5 and `spread` 1.0, scanpy's defaults.
const A: f32 = 0.583_030_02;
/// See [`A`].
const B: f32 = 1.334_167;

/// Keeps the push between cells in one place finite.
const SOFTENING: f32 = 1e-3;

/// Largest step along an axis at learning rate 1.
const CLIP: f32 = 4.0;

/// A place in the picture.
pub(super) type Point = [f32; 2];

/// The step that pulls `from` to `to` at learning rate 1.
pub(super) fn pull(from: Point, to: Point) -> Point {
    step(from, to, -attraction(squared_distance(from, to)))
}

/// The step that pushes `from` away from `to` at learning rate 1.
pub(super) fn push(from: Point, to: Point) -> Point {
    step(from, to, repulsion(squared_distance(from, to)))
}

/// Gradient of −ln φ divided by the difference of places: 2ab d^(2b−2) / (1 + a d^2b).
fn attraction(squared: f32) -> f32 {
    if squared <= 0.0 {
        return 0.0;
    }
    let power = squared.powf(B);
    2.0 * A * B * power / (squared * (1.0 + A * power))
}

/// Gradient of −ln(1 − φ) divided by the difference of places, sign turned: 2b / (d² (1 + a d^2b)).
fn repulsion(squared: f32) -> f32 {
    2.0 * B / ((SOFTENING + squared) * (1.0 + A * squared.powf(B)))
}

fn squared_distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

fn step(from: Point, to: Point, factor: f32) -> Point {
    [0, 1].map(|axis| (factor * (from[axis] - to[axis])).clamp(-CLIP, CLIP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phi(d: f64) -> f64 {
        1.0 / (1.0 + f64::from(A) * d.powf(2.0 * f64::from(B)))
    }

    /// Slope of a loss of the distance by central differences.
    fn slope(loss: impl Fn(f64) -> f64, d: f64) -> f64 {
        let h = 1e-5;
        (loss(d + h) - loss(d - h)) / (2.0 * h)
    }

    #[test]
    fn steps_are_minus_the_gradient_of_the_loss() {
        for d in [0.6, 1.0, 2.0, 5.0] {
            let place = [0.6 * d as f32, 0.8 * d as f32];
            let pull = pull(place, [0.0, 0.0]);
            let push = push(place, [0.0, 0.0]);
            let attraction = slope(|d| -phi(d).ln(), d);
            let repulsion = slope(|d| -(1.0 - phi(d)).ln(), d);
            for (axis, direction) in [(0, 0.6), (1, 0.8)] {
                let expected = -attraction * direction;
                assert!((f64::from(pull[axis]) - expected).abs() < 1e-5 * expected.abs());
                // the softening takes up to 0.001 / d²
                let expected = -repulsion * direction;
                assert!((f64::from(push[axis]) - expected).abs() < 3e-3 * expected.abs());
            }
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "zero and the clip are exact")]
    fn steps_are_clipped_and_vanish_in_one_place() {
        assert_eq!(pull([1.0, 2.0], [1.0, 2.0]), [0.0, 0.0]);
        assert_eq!(push([1.0, 2.0], [1.0, 2.0]), [0.0, 0.0]);
        assert_eq!(push([0.01, -0.01], [0.0, 0.0]), [CLIP, -CLIP]);
    }

    #[test]
    fn phi_is_the_best_fit_of_min_dist_and_spread() {
        // least squares on 300 distances up to 3 spreads, as umap-learn: no step in a or b lowers the error
        let error = |a: f64, b: f64| -> f64 {
            (0..300)
                .map(|i| 3.0 * f64::from(i) / 299.0)
                .map(|x: f64| {
                    let target = if x < 0.5 { 1.0 } else { (0.5 - x).exp() };
                    (1.0 / (1.0 + a * x.powf(2.0 * b)) - target).powi(2)
                })
                .sum()
        };
        let (a, b) = (f64::from(A), f64::from(B));
        let best = error(a, b);
        for (da, db) in [(1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3)] {
            assert!(error(a + da, b + db) > best);
        }
    }
}
