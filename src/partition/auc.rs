//! How well one number tells two groups apart.

/// The probability that a value of `ones` is above one of `others`, ties counted half: the area under the ROC curve. One
/// half where either is empty. O(n log n) for n values, none of them NaN or −0.
///
/// Mann & Whitney 1947, doi:10.1214/aoms/1177730491.
pub(super) fn auc(ones: &[f32], others: &[f32]) -> f64 {
    if ones.is_empty() || others.is_empty() {
        return 0.5;
    }
    let mut all: Vec<(f32, bool)> = ones.iter().map(|&value| (value, true)).collect();
    all.extend(others.iter().map(|&value| (value, false)));
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let n_ones = tied.iter().filter(|(_, one)| *one).count() as f64;
        let n_others = tied.len() as f64 - n_ones;
        wins += n_ones * (below + n_others / 2.0);
        below += n_others;
    }
    wins / (ones.len() as f64 * others.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert!((auc(&[2.0, 3.0], &[0.0, 1.0]) - 1.0).abs() < 1e-12);
        // Of six pairs, 1 > 0 twice, 0 = 0 twice, 0 < 1 once, 1 = 1 once.
        let found = auc(&[1.0, 0.0], &[0.0, 0.0, 1.0]);
        assert!((found - (2.0 + 1.0 + 0.5) / 6.0).abs() < 1e-12);
        assert!((auc(&[], &[1.0]) - 0.5).abs() < 1e-12);
    }
}
