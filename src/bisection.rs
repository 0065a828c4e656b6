//! Where an increasing function is 0.

/// The x above 0 at which `excess`, which increases with x, is 0 within `tolerance`: from 1 on x is doubled until the excess is
/// positive, and then the interval is halved; `n_iterations` in all.
pub(crate) fn root(n_iterations: usize, tolerance: f64, excess: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high, mut x) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..n_iterations {
        let excess = excess(x);
        if excess.abs() < tolerance {
            break;
        }
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        x = if high.is_finite() {
            f64::midpoint(low, high)
        } else {
            2.0 * x
        };
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_on_either_side_of_one() {
        for expected in [0.01, 1.0, 700.0] {
            let found = root(60, 1e-9, |x| x - expected);
            assert!((found - expected).abs() < 1e-8, "{found}");
        }
    }
}
