//! Column means and standard deviations of log-normalised expression.

use crate::counts::Csr;

/// How each gene is centred and scaled.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// Mean of each gene's log-normalised values over the kept cells.
    pub mean: Vec<f64>,
    /// Population standard deviation of the same values, 1 where it is 0.
    pub std: Vec<f64>,
    /// The model's z-scores beyond ± this are clipped to it; infinite where none are.
    pub max_value: f32,
}

impl Scaling {
    /// The scaling of cells × genes, zeros counted: `lognorm` holds the values in the places of the
    /// counts.
    ///
    /// The squares are summed about the mean in a second sweep, so that a constant column has a
    /// deviation of exactly 0.
    pub(super) fn of(counts: &Csr, lognorm: &[f32]) -> Self {
        let n = counts.rows() as f64;
        let mut sums = vec![0.0; counts.cols()];
        let mut stored = vec![0_usize; counts.cols()];
        for (&gene, &value) in counts.indices().iter().zip(lognorm) {
            sums[gene as usize] += f64::from(value);
            stored[gene as usize] += 1;
        }
        let mean: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let mut squares: Vec<f64> = stored
            .iter()
            .zip(&mean)
            .map(|(&stored, mean)| (n - stored as f64) * mean * mean)
            .collect();
        for (&gene, &value) in counts.indices().iter().zip(lognorm) {
            squares[gene as usize] += (f64::from(value) - mean[gene as usize]).powi(2);
        }
        let std = squares.iter().map(|&sum| deviation(sum / n)).collect();
        Self {
            mean,
            std,
            max_value: f32::INFINITY,
        }
    }

    /// The z-score of a gene's log-normalised value, not clipped.
    pub(super) fn zscore(&self, gene: usize, value: f32) -> f32 {
        ((f64::from(value) - self.mean[gene]) / self.std[gene]) as f32
    }
}

fn deviation(variance: f64) -> f64 {
    if variance == 0.0 {
        1.0
    } else {
        variance.sqrt()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values that are exact by hand")]
mod tests {
    use super::*;

    #[test]
    fn population_deviation_by_hand() {
        // Columns (1, 3, 0, 0), (0.1, 0.1, 0.1, 0.1) and (0, 0, 0, 0).
        let x = Csr::new(
            (4, 3),
            vec![0, 2, 4, 5, 6],
            vec![0, 1, 0, 1, 1, 1],
            vec![1.0, 0.1, 3.0, 0.1, 0.1, 0.1],
        );
        let scaling = Scaling::of(&x, x.data());
        assert_eq!(scaling.mean, [1.0, f64::from(0.1_f32), 0.0]);
        assert_eq!(scaling.std, [1.5_f64.sqrt(), 1.0, 1.0]);
        assert_eq!(scaling.zscore(0, 1.0), 0.0);
        assert_eq!(scaling.zscore(1, 0.1), 0.0);
        assert_eq!(scaling.zscore(0, 3.0), (2.0 / 1.5_f64.sqrt()) as f32);
    }
}
