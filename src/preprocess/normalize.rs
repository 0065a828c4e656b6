//! Depth normalisation of one cell, `log1p` included.
//!
//! Every step is rounded to `f32` in the order in which scanpy rounds it, so that genes on either
//! side of a cut-off fall where scanpy puts them.

use rayon::prelude::*;

use crate::counts::Csr;

/// The count that every cell is scaled to.
pub(super) const TARGET_TOTAL: f32 = 1e4;

/// What a cell's counts are divided by so that they add up to 10,000.
pub(crate) fn divisor(total: f32) -> f32 {
    total / TARGET_TOTAL
}

/// The log-normalised value of a count: ln(1 + count / divisor).
pub(crate) fn log_normalized(count: f32, divisor: f32) -> f32 {
    (count / divisor).ln_1p()
}

/// The normalised value that scanpy gets back from the log-normalised one.
pub(super) fn delogged(count: f32, divisor: f32) -> f32 {
    log_normalized(count, divisor).exp_m1()
}

/// `value(count, divisor)` for every stored count, in the order of storage. `totals` are the rows'.
pub(super) fn stored_values(
    counts: &Csr,
    totals: &[f32],
    value: impl Fn(f32, f32) -> f32 + Sync,
) -> Vec<f32> {
    let row_values = |row: usize| {
        let (divisor, value) = (divisor(totals[row]), &value);
        let cell = counts.outer_view(row).into_iter();
        let stored = cell.flat_map(|cell| cell.data().to_vec());
        stored.map(remembering_small_counts(move |count| value(count, divisor)))
    };
    (0..counts.rows())
        .into_par_iter()
        .flat_map_iter(row_values)
        .collect()
}

/// `value`, evaluated once for each small whole number: most counts of a cell are one of a few.
pub(crate) fn remembering_small_counts(value: impl Fn(f32) -> f32) -> impl FnMut(f32) -> f32 {
    let mut known = [None; 64];
    move |count| match known.get_mut(count as usize) {
        Some(known) if count.fract() == 0.0 => *known.get_or_insert_with(|| value(count)),
        _ => value(count),
    }
}

/// Cell totals over their median, the size factors of the ZINB mean. Totals are not empty.
pub(super) fn size_factors(totals: &[f32]) -> Vec<f32> {
    let median = median(totals);
    totals.iter().map(|total| total / median).collect()
}

/// The median of at least one value.
pub(crate) fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f32::midpoint(low, high)
}

/// The median of some values, of an even number the larger of the middle two; `None` of none.
pub(crate) fn upper_median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values that are exact by hand")]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_ten_thousand_counts_is_not_rescaled() {
        assert_eq!(divisor(10_000.0), 1.0);
        assert_eq!(log_normalized(0.0, 1.0), 0.0);
        assert!((log_normalized(1.0, 1.0) - std::f32::consts::LN_2).abs() < 1e-7);
    }

    #[test]
    fn delogging_gives_the_normalised_count_back() {
        let divisor = divisor(2_500.0);
        assert!((delogged(3.0, divisor) - 12.0).abs() < 1e-5);
    }

    #[test]
    fn remembering_changes_no_value() {
        let mut remembered = remembering_small_counts(|count| count * 2.0);
        for count in [1.0, 1.5, 1.0, 0.0, 63.0, 64.0, 1e9] {
            assert_eq!(remembered(count), count * 2.0);
        }
    }

    #[test]
    fn size_factors_are_relative_to_the_median_total() {
        assert_eq!(size_factors(&[1.0, 4.0, 2.0]), [0.5, 2.0, 1.0]);
        assert_eq!(size_factors(&[1.0, 3.0, 5.0, 2.0]), [0.4, 1.2, 2.0, 0.8]);
    }
}
