//! How many principal components stand out of the noise.

use super::components::N_COMPONENTS;

/// Most components of a view.
const MOST: usize = 100;

/// Components after an edge that are compared with it.
const AFTER: usize = 50;

/// Components whose variances tell how many stand out.
pub(super) const LOOKED_AT: usize = MOST + AFTER + 1;

/// How many of a view's components are kept, given the variances of the first [`LOOKED_AT`], the largest first.
///
/// They are 50, or up to 100 if their variances have an edge there: if from one component to the next the variance falls by a larger
/// factor than over the fifty after it. As many types that have nothing in common span as many dimensions, less one; with fewer
/// components than that, some types would lie on each other. Variances of real tissues fall evenly from 50 on, and have no edge.
/// Where there are fewer variances, the data set is too small to tell.
pub(super) fn n_standing_out(variances: &[f64]) -> usize {
    if variances.len() < LOOKED_AT {
        return N_COMPONENTS;
    }
    let is_edge = |&n: &usize| {
        let (within, beyond, last) = (variances[n - 1], variances[n], variances[n + AFTER]);
        last > 0.0 && within / beyond > beyond / last
    };
    let mut numbers = N_COMPONENTS + 1..=MOST;
    numbers.rfind(is_edge).unwrap_or(N_COMPONENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variances that fall by half a percent from one to the next; the first so many are larger by a factor.
    fn variances(n_larger: usize, factor: f64) -> Vec<f64> {
        let bulk = |i: usize| 0.995_f64.powi(i as i32);
        let of = |i| {
            if i < n_larger {
                factor * bulk(i)
            } else {
                bulk(i)
            }
        };
        (0..LOOKED_AT).map(of).collect()
    }

    #[test]
    fn components_up_to_an_edge_are_kept() {
        assert_eq!(n_standing_out(&variances(59, 2.0)), 59);
        assert_eq!(n_standing_out(&variances(100, 2.0)), 100);
        // The last of several.
        let mut two = variances(59, 2.0);
        two[..55].iter_mut().for_each(|variance| *variance *= 10.0);
        assert_eq!(n_standing_out(&two), 59);
    }

    #[test]
    fn without_an_edge_beyond_they_are_fifty() {
        assert_eq!(n_standing_out(&variances(0, 1.0)), N_COMPONENTS);
        assert_eq!(n_standing_out(&variances(20, 9.0)), N_COMPONENTS);
        assert_eq!(n_standing_out(&variances(50, 9.0)), N_COMPONENTS);
        // The fifty after it fall by a quarter.
        assert_eq!(n_standing_out(&variances(59, 1.2)), N_COMPONENTS);
    }

    #[test]
    fn few_components_and_those_without_variance_tell_nothing() {
        let mut none_beyond = variances(59, 1.0);
        none_beyond[59..].fill(0.0);
        assert_eq!(n_standing_out(&none_beyond), N_COMPONENTS);
        assert_eq!(
            n_standing_out(&variances(59, 2.0)[..LOOKED_AT - 1]),
            N_COMPONENTS
        );
        assert_eq!(n_standing_out(&[]), N_COMPONENTS);
    }
}
