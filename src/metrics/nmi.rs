//! Normalised mutual information.

use super::contingency::Contingency;

/// Mutual information of two partitions, divided by the mean of their entropies: 1 for the same partition, 0
/// for independent ones.
///
/// `a`, `b`: one label per cell, any values. NMI = 2 I(a; b) / (H(a) + H(b)) (Strehl & Ghosh 2002,
/// doi:10.1162/153244303321897735); 1 where both are one cluster or empty. As scikit-learn's
/// `normalized_mutual_info_score` with its arithmetic mean. O(n log n).
///
/// # Panics
///
/// If the partitions are not of the same length.
#[must_use]
pub fn normalized_mutual_info(a: &[usize], b: &[usize]) -> f64 {
    let table = Contingency::new(a, b);
    if table.rows.len() == table.columns.len() && table.rows.len() <= 1 {
        return 1.0;
    }
    let information = mutual_information(&table);
    // The sum leaves rounding where independent partitions share nothing.
    if information <= f64::EPSILON {
        return 0.0;
    }
    2.0 * information / (entropy(&table.rows) + entropy(&table.columns))
}

/// I = Σ `n_ij`/n · ln(n `n_ij` / (`n_i` `n_j`)), in nats.
pub(super) fn mutual_information(table: &Contingency) -> f64 {
    let n = table.n_cells() as f64;
    table
        .cells
        .iter()
        .map(|&(row, column, count)| {
            let expected = table.rows[row] as f64 * table.columns[column] as f64;
            let count = count as f64;
            count / n * (n * count / expected).ln()
        })
        .sum()
}

/// H = −Σ `n_i`/n · ln(`n_i`/n), in nats.
pub(super) fn entropy(sizes: &[u64]) -> f64 {
    let n = sizes.iter().sum::<u64>() as f64;
    -sizes
        .iter()
        .map(|&size| size as f64 / n)
        .map(|share| share * share.ln())
        .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn equals_the_value_worked_by_hand() {
        // b splits a's second pair: I = H(a) = ln 2, H(b) = 1.5 ln 2
        assert_close(normalized_mutual_info(&[0, 0, 1, 1], &[0, 0, 1, 2]), 0.8);
    }

    #[test]
    fn names_do_not_matter() {
        assert_close(normalized_mutual_info(&[5, 5, 0, 0], &[1, 1, 9, 9]), 1.0);
    }

    #[test]
    fn independent_partitions_share_nothing() {
        assert_close(normalized_mutual_info(&[0, 0, 1, 1], &[0, 1, 0, 1]), 0.0);
        assert_close(normalized_mutual_info(&[0, 0, 0, 0], &[0, 1, 0, 1]), 0.0);
    }

    #[test]
    fn one_cluster_in_both_or_no_cell_is_one() {
        assert_close(normalized_mutual_info(&[], &[]), 1.0);
        assert_close(normalized_mutual_info(&[3, 3], &[0, 0]), 1.0);
        assert_close(normalized_mutual_info(&[3], &[0]), 1.0);
    }

    #[test]
    fn singletons_in_both_are_one() {
        assert_close(normalized_mutual_info(&[0, 1, 2], &[2, 0, 1]), 1.0);
    }
}
