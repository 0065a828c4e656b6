//! The statistics of one cluster against the rest.
//!
//! n, N: cells of the cluster, of all; R: the cluster's rank sum; z: its standardised form.

use std::f64::consts::SQRT_2;

use super::{groups::Groups, ranks::GeneSums};

/// What keeps fold changes finite where a gene is not detected at all; scanpy's.
const PSEUDO_MEAN: f64 = 1e-9;

/// A gene in one cluster, compared with all other cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    pub score: f64,
    pub log_fold_change: f64,
    pub share_in: f64,
    pub share_out: f64,
}

impl GeneSums {
    /// The comparison of every cluster with the rest, of which there are two at least.
    pub(super) fn compare(self, groups: &Groups) -> impl Iterator<Item = Comparison> {
        let n_cells = groups.of_cell.len();
        let n_detected: usize = self.detected.iter().sum();
        let total: f64 = self.values.iter().sum();
        (0..groups.n_clusters).map(move |cluster| {
            let of_batches = || (cluster..groups.sizes.len()).step_by(groups.n_clusters);
            let size = groups.cluster_sizes[cluster];
            let detected: usize = of_batches().map(|group| self.detected[group]).sum();
            let value: f64 = of_batches().map(|group| self.values[group]).sum();
            let (n_in, n_out) = (size as f64, (n_cells - size) as f64);
            let detected_out = n_detected - detected;
            // The difference of two sums is not exactly 0 where it should be.
            let rest = match detected_out {
                0 => 0.0,
                _ => total - value,
            };
            let ranks = || of_batches().map(|group| self.ranks[group]);
            Comparison {
                score: match groups.batch_sizes.len() {
                    1 => score(self.ranks[cluster], n_in, n_cells as f64),
                    _ => score_in_batches(ranks().zip(groups.in_batches(cluster))),
                },
                log_fold_change: log_fold_change(value / n_in, rest / n_out),
                share_in: detected as f64 / n_in,
                share_out: detected_out as f64 / n_out,
            }
        })
    }
}

/// z = Σ_b w_b (R_b − n_b(N_b+1)/2) / √(Σ_b w_b² n_b(N_b−n_b)(N_b+1)/12) with w_b = 1/(N_b+1), of the rank sum of the
/// cluster in each batch, its cells there and all cells there; 0 where no batch has cells both in the cluster and outside.
///
/// These weights (van Elteren 1960, Bull. Int. Stat. Inst. 37:351) have the most power where the difference is the same in
/// all strata: Mehrotra, Lu & Li 2010, doi:10.1198/tast.2010.09056.
fn score_in_batches(batches: impl Iterator<Item = (f64, (usize, usize))>) -> f64 {
    let (mut difference, mut variance) = (0.0, 0.0);
    for (rank_sum, (n, n_cells)) in batches {
        let (n, n_cells) = (n as f64, n_cells as f64);
        difference += rank_sum / (n_cells + 1.0) - n / 2.0;
        variance += n * (n_cells - n) / (12.0 * (n_cells + 1.0));
    }
    if variance > 0.0 {
        difference / variance.sqrt()
    } else {
        0.0
    }
}

/// z = (R − n(N+1)/2) / √(n(N−n)(N+1)/12), Mann & Whitney 1947, doi:10.1214/aoms/1177730491.
fn score(rank_sum: f64, n: f64, n_cells: f64) -> f64 {
    let mean = n * (n_cells + 1.0) / 2.0;
    let variance = n * (n_cells - n) * (n_cells + 1.0) / 12.0;
    (rank_sum - mean) / variance.sqrt()
}

/// log₂ of the ratio of the expression that the means of log1p values stand for.
fn log_fold_change(mean_in: f64, mean_out: f64) -> f64 {
    ((mean_in.exp_m1() + PSEUDO_MEAN) / (mean_out.exp_m1() + PSEUDO_MEAN)).log2()
}

/// 2(1 − Φ(|z|)), to full precision also where it is tiny.
pub(super) fn p_value(score: f64) -> f64 {
    libm::erfc(score.abs() / SQRT_2)
}

/// Adjusted p-values: the smallest p·m/rank of those not lower, at most 1.
///
/// Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
pub(super) fn benjamini_hochberg(ps: &[f64]) -> Vec<f64> {
    let n_tests = ps.len() as f64;
    let mut by_p: Vec<usize> = (0..ps.len()).collect();
    by_p.sort_by(|&a, &b| ps[a].total_cmp(&ps[b]));
    let mut adjusted = vec![0.0; ps.len()];
    let mut least = 1.0_f64;
    for (rank, &test) in by_p.iter().enumerate().rev() {
        least = least.min(ps[test] / ((rank + 1) as f64 / n_tests));
        adjusted[test] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs(),
            "{found} is not {expected}"
        );
    }

    #[test]
    fn a_cluster_of_the_highest_two_of_four_cells() {
        // R = 3 + 4; n(N+1)/2 = 5; variance 2·2·5/12.
        assert_close(score(7.0, 2.0, 4.0), 2.0 / (20.0_f64 / 12.0).sqrt());
        assert_close(score(5.0, 2.0, 4.0) + 1.0, 1.0);
    }

    #[test]
    fn batches_have_weights_of_their_own() {
        // A batch of four cells, the cluster's the highest two: (7 - 5)/5 of variance 2·2/(12·5). A batch of two cells,
        // the cluster's the lower one: (1 - 1.5)/3 of variance 1·1/(12·3). A batch of other cells has no say.
        let found = score_in_batches([(7.0, (2, 4)), (1.0, (1, 2)), (0.0, (0, 9))].into_iter());
        assert_close(
            found,
            (0.4 - 0.5 / 3.0) / (1.0 / 15.0 + 1.0 / 36.0_f64).sqrt(),
        );
        let alone = score_in_batches([(6.0, (3, 3)), (0.0, (0, 2))].into_iter());
        assert_close(alone + 1.0, 1.0);
        let one = score_in_batches([(7.0, (2, 4))].into_iter());
        assert!((one - score(7.0, 2.0, 4.0)).abs() < 1e-14);
    }

    #[test]
    fn p_values_are_those_of_a_normal_distribution() {
        // 2 * scipy.stats.norm.sf([0, 1, 1.96, 10, 37])
        for (z, p) in [
            (0.0, 1.0),
            (1.0, 0.317_310_507_862_914_15),
            (-1.96, 0.049_995_790_296_440_87),
            (10.0, 1.523_970_604_832_094e-23),
            (37.0, 1.145_114_244_504_785_3e-299),
        ] {
            assert_close(p_value(z), p);
        }
    }

    #[test]
    fn fold_changes_are_of_expression_and_finite() {
        assert_close(
            log_fold_change(3.0_f64.ln_1p(), 1.0_f64.ln_1p()),
            (3.000_000_001_f64 / 1.000_000_001).log2(),
        );
        assert_close(log_fold_change(0.0, 0.0) + 1.0, 1.0);
        assert_close(
            log_fold_change(0.0, 1.0_f64.ln_1p()),
            -(1e9_f64 + 1.0).log2(),
        );
    }

    #[test]
    fn adjusted_p_values_never_fall_below_a_lower_ones() {
        let adjusted = benjamini_hochberg(&[0.04, 0.01, 0.03, 0.5]);
        let expected = [0.04 * 4.0 / 3.0, 0.04, 0.04 * 4.0 / 3.0, 0.5];
        for (found, expected) in adjusted.into_iter().zip(expected) {
            assert_close(found, expected);
        }
        assert!(benjamini_hochberg(&[]).is_empty());
    }
}
