//! The adjusted Rand index.

use super::contingency::Contingency;

/// Agreement of two partitions over pairs of cells, corrected for chance: 1 for the same partition, about 0
/// for unrelated ones, at least −0.5.
///
/// `a`, `b`: one label per cell, any values. ARI = 2 (TP·TN − FN·FP) / ((TP+FN)(FN+TN) + (TP+FP)(FP+TN)) over
/// ordered pairs of cells (Hubert & Arabie 1985, doi:10.1007/BF01908075), counted exactly; 1 where no pair
/// disagrees, so also for no cell and for one. As scikit-learn's `adjusted_rand_score`. O(n log n).
///
/// ```
/// use attentionae_sc::metrics::adjusted_rand_index;
///
/// let renamed = adjusted_rand_index(&[0, 0, 1, 1], &[7, 7, 3, 3]);
/// assert!((renamed - 1.0).abs() < 1e-12);
/// ```
///
/// # Panics
///
/// If the partitions are not of the same length.
#[must_use]
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> f64 {
    let table = Contingency::new(a, b);
    let squares = |counts: &mut dyn Iterator<Item = u64>| -> i128 {
        counts.map(|count| i128::from(count).pow(2)).sum()
    };
    let n = i128::from(table.n_cells());
    let both = squares(&mut table.cells.iter().map(|cell| cell.2));
    let first = squares(&mut table.rows.iter().copied());
    let second = squares(&mut table.columns.iter().copied());
    let together = both - n;
    let (only_first, only_second) = (first - both, second - both);
    let apart = n * n - first - second + both;
    if only_first == 0 && only_second == 0 {
        return 1.0;
    }
    let numerator = 2 * (together * apart - only_first * only_second);
    let denominator = (together + only_first) * (only_first + apart)
        + (together + only_second) * (only_second + apart);
    numerator as f64 / denominator as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn equals_values_worked_by_hand() {
        // contingency (2 0 / 1 1): index Σ C(nij,2) = 1, rows 2, columns 3, of 6 pairs: expected 1, maximum 2.5
        assert_close(adjusted_rand_index(&[0, 0, 1, 1], &[0, 0, 0, 1]), 0.0);
        // contingency (2 0 0 / 0 1 1): index 1, rows 2, columns 1: (1 - 1/3) / (1.5 - 1/3)
        assert_close(adjusted_rand_index(&[0, 0, 1, 1], &[0, 0, 1, 2]), 4.0 / 7.0);
        // worst case: every pair disagrees
        assert_close(adjusted_rand_index(&[0, 0, 1, 1], &[0, 1, 0, 1]), -0.5);
    }

    #[test]
    fn names_do_not_matter() {
        assert_close(adjusted_rand_index(&[5, 5, 0, 0], &[1, 1, 9, 9]), 1.0);
    }

    #[test]
    fn no_disagreement_is_one_also_without_pairs() {
        assert_close(adjusted_rand_index(&[], &[]), 1.0);
        assert_close(adjusted_rand_index(&[3], &[8]), 1.0);
        assert_close(adjusted_rand_index(&[0, 0, 0], &[2, 2, 2]), 1.0);
        assert_close(adjusted_rand_index(&[0, 1, 2], &[2, 0, 1]), 1.0);
    }

    #[test]
    fn one_cluster_against_singletons_is_zero() {
        assert_close(adjusted_rand_index(&[0, 0, 0], &[0, 1, 2]), 0.0);
    }
}
