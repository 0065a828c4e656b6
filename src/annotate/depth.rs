//! What both measures of the unknown in a cell's counts are made of.

use crate::model_file::TrendByDepth;

impl TrendByDepth {
    /// The trend of known cells, from the total count and the measure of each; and how far each is above it.
    pub(super) fn learn(known: &[(f64, f64)]) -> (Self, Vec<f32>) {
        let logarithms = |&(total, measure): &(f64, f64)| (total.ln(), measure.ln_1p());
        let points: Vec<(f64, f64)> = known.iter().map(logarithms).collect();
        let [start, slope] = line(&points);
        let trend = Self { start, slope };
        let above = known.iter();
        let above = above.map(|&(total, measure)| trend.above(measure, total));
        (trend, above.collect())
    }

    /// How far ln(1 + measure) of a cell of this total count is above the trend.
    pub(super) fn above(&self, measure: f64, total: f64) -> f32 {
        (measure.ln_1p() - self.start - self.slope * total.ln()) as f32
    }
}

/// Deviance of a count y under a negative binomial distribution with the mean μ > 0 and dispersion θ:
/// 2 [y ln(y / μ) − (y + θ) ln((y + θ) / (μ + θ))].
pub(super) fn deviance(y: f64, mu: f64, theta: f64) -> f64 {
    let of_count = if y > 0.0 { y * (y / mu).ln() } else { 0.0 };
    2.0 * (of_count - (y + theta) * ((y - mu) / (mu + theta)).ln_1p())
}

/// The sum of the `n` largest of some values.
pub(super) fn sum_of_largest(mut values: Vec<f64>, n: usize) -> f64 {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values.iter().take(n).sum()
}

/// The mean of the total counts of cells; 0 of none.
pub(super) fn mean_depth(totals: &[f32]) -> f64 {
    let sum: f64 = totals.iter().map(|&total| f64::from(total)).sum();
    sum / totals.len().max(1) as f64
}

/// Shares of genes in the counts of a cluster: `sums` of `size` counts in all. The counts of an average cell (`depth`, and the
/// shares of all cells, `background`) are added, so that a gene that a small cluster lacks by chance has a share.
pub(super) fn smoothed_shares(
    sums: impl Iterator<Item = f64>,
    size: f64,
    background: &[f64],
    depth: f64,
) -> impl Iterator<Item = f64> {
    let share = move |(sum, background): (f64, &f64)| (sum + depth * background) / (size + depth);
    sums.zip(background).map(share)
}

/// Intercept and slope of the least-squares line through some points.
fn line(points: &[(f64, f64)]) -> [f64; 2] {
    let n = points.len().max(1) as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / n;
    let (mut xy, mut xx) = (0.0, 0.0);
    for (x, y) in points {
        xy += (x - mean_x) * (y - mean_y);
        xx += (x - mean_x).powi(2);
    }
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    [mean_y - slope * mean_x, slope]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviance_by_hand() {
        // y = 5, μ = 1, θ = 1: 2 (5 ln 5 − 6 ln 3)
        let expected = 2.0 * (5.0 * 5.0_f64.ln() - 6.0 * 3.0_f64.ln());
        assert!((deviance(5.0, 1.0, 1.0) - expected).abs() < 1e-12);
        // y = 0, μ = 3, θ = 2: 2 · 2 ln(5 / 2)
        assert!((deviance(0.0, 3.0, 2.0) - 4.0 * 2.5_f64.ln()).abs() < 1e-12);
        assert!(deviance(4.0, 4.0, 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_measure_is_compared_with_those_of_its_depth() {
        // The measure is the total less one: its logarithm is that of the total.
        let known: Vec<(f64, f64)> = (1..=100)
            .map(|i| (f64::from(i), f64::from(i) - 1.0))
            .collect();
        let (trend, above) = TrendByDepth::learn(&known);
        assert!(above.iter().all(|above| above.abs() < 1e-6));
        assert!((trend.slope - 1.0).abs() < 1e-9);
        assert!(trend.above(49.0, 50.0).abs() < 1e-6);
        assert!((trend.above(999.0, 100.0) - 10.0_f32.ln()).abs() < 1e-6);
    }
}
