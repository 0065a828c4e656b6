//! Adjusted mutual information.

use super::{
    contingency::Contingency,
    nmi::{entropy, mutual_information},
};

/// Mutual information of two partitions beyond what chance gives partitions of these sizes: 1 for the same partition, about
/// 0 for independent ones, however many clusters they have.
///
/// `a`, `b`: one label per cell, any values. AMI = (I − E(I)) / (mean of the entropies − E(I)) (Vinh, Epps & Bailey 2010, JMLR
/// 11:2837), as scikit-learn's `adjusted_mutual_info_score`. O(n log n + clusters of a · clusters of b · √n)
/// time.
///
/// # Panics
///
/// If the partitions are not of the same length.
#[must_use]
pub fn adjusted_mutual_info(a: &[usize], b: &[usize]) -> f64 {
    let table = Contingency::new(a, b);
    if table.rows.len() == table.columns.len() && table.rows.len() <= 1 {
        return 1.0;
    }
    let expected = expected_information(&table);
    let mean = f64::midpoint(entropy(&table.rows), entropy(&table.columns));
    let denominator = mean - expected;
    // As scikit-learn: never 0, and with the sign it has.
    let denominator = if denominator < 0.0 {
        denominator.min(-f64::EPSILON)
    } else {
        denominator.max(f64::EPSILON)
    };
    (mutual_information(&table) - expected) / denominator
}

/// E(I) over all pairs of partitions of these sizes: the hypergeometric mean of each cell of the table.
fn expected_information(table: &Contingency) -> f64 {
    let n = table.n_cells();
    let ln_factorial = ln_factorials(n);
    let f = |k: u64| ln_factorial[k as usize];
    let mut sum = 0.0;
    for &a in &table.rows {
        for &b in &table.columns {
            let constant = f(a) + f(b) + f(n - a) + f(n - b) - f(n);
            for both in likely(a, b, n) {
                let ln_share = constant - f(both) - f(a - both) - f(b - both) - f(n + both - a - b);
                let information = (n as f64 * both as f64 / (a as f64 * b as f64)).ln();
                sum += both as f64 / n as f64 * information * ln_share.exp();
            }
        }
    }
    sum
}

/// The numbers of cells, above 0, that groups of `a` and of `b` of n cells may share, but for those whose probabilities add up
/// to less than 2 e⁻⁵⁰: Hoeffding's bound (1963, doi:10.1080/01621459.1963.10500830, section 6) on the distance to the mean
/// a b / n, for the smaller of the two groups drawn from all cells.
fn likely(a: u64, b: u64, n: u64) -> std::ops::RangeInclusive<u64> {
    const LN_PROBABILITY: f64 = 50.0;
    let mean = a as f64 * b as f64 / n as f64;
    let far = (LN_PROBABILITY / 2.0 * a.min(b) as f64).sqrt();
    let first = (mean - far).max(1.0) as u64;
    let last = (mean + far).ceil() as u64;
    (a + b).saturating_sub(n).max(first)..=a.min(b).min(last)
}

/// ln k! for k from 0 to n.
fn ln_factorials(n: u64) -> Vec<f64> {
    let mut sum = 0.0;
    let later = (1..=n).map(|k| {
        sum += (k as f64).ln();
        sum
    });
    std::iter::once(0.0).chain(later).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_left_out_have_no_probability() {
        let n = 20_000;
        let ln_factorial = ln_factorials(n);
        let f = |k: u64| ln_factorial[k as usize];
        for (a, b) in [(3000, 5000), (7, 12_000), (19_000, 18_000)] {
            let constant = f(a) + f(b) + f(n - a) + f(n - b) - f(n);
            let probability = |both: u64| {
                (constant - f(both) - f(a - both) - f(b - both) - f(n + both - a - b)).exp()
            };
            let first = (a + b).saturating_sub(n);
            let of_none = if first == 0 { probability(0) } else { 0.0 };
            let sum: f64 = likely(a, b, n).map(probability).sum();
            assert!((sum + of_none - 1.0).abs() < 1e-6, "{a} {b}: {sum}");
        }
        let few = *likely(3000, 5000, n).end() - *likely(3000, 5000, n).start();
        assert!(few < 600, "{few}");
    }

    #[test]
    fn as_scikit_learn() {
        let of = adjusted_mutual_info;
        assert!((of(&[0, 0, 1, 1], &[5, 5, 3, 3]) - 1.0).abs() < 1e-12);
        assert!(
            (of(&[0, 0, 1, 1, 2, 2], &[0, 0, 1, 2, 2, 2]) - 0.502_360_702_720_273_8).abs() < 1e-9
        );
        assert!(of(&[0, 0, 1, 1], &[0, 1, 0, 1]) < 1e-12);
        assert!((of(&[0, 0], &[1, 1]) - 1.0).abs() < 1e-12);
    }
}
