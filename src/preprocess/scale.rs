//! Column means and standard deviations of log-normalised expression.

use std::convert::Infallible;

use super::{
    log_normalized,
    read_ahead::{chunks, each_ahead},
};
use crate::packed_counts::PackedCounts;

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
    /// The scaling of the log-normalised values of cells × genes, zeros counted. `totals` are the cells'.
    pub(super) fn of(counts: &PackedCounts, totals: &[f32]) -> Self {
        Self::of_values(counts.shape(), |see| {
            let blocks = chunks(totals.len()).map(|cells| {
                let block = counts.unpacked(cells.clone());
                let values = log_normalized(&block, &totals[cells]);
                Ok::<_, Infallible>((block, values))
            });
            let Ok(()) = each_ahead(blocks, |(block, values)| {
                for (&gene, &value) in block.indices().iter().zip(&values) {
                    see(gene as usize, value);
                }
            });
        })
    }

    /// The same of the values that `sweep` shows: of every one that is not 0, its gene and the value.
    ///
    /// The squares are summed about the mean in a second sweep, so that a constant column has a
    /// deviation of exactly 0.
    fn of_values(
        (n_cells, n_genes): (usize, usize),
        sweep: impl Fn(&mut (dyn FnMut(usize, f32) + Send)),
    ) -> Self {
        let n = n_cells as f64;
        let mut sums = vec![0.0; n_genes];
        let mut stored = vec![0_usize; n_genes];
        sweep(&mut |gene, value| {
            sums[gene] += f64::from(value);
            stored[gene] += 1;
        });
        let mean: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let mut squares: Vec<f64> = stored
            .iter()
            .zip(&mean)
            .map(|(&stored, mean)| (n - stored as f64) * mean * mean)
            .collect();
        sweep(&mut |gene, value| squares[gene] += (f64::from(value) - mean[gene]).powi(2));
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
        let values = [(0, 1.0), (1, 0.1), (0, 3.0), (1, 0.1), (1, 0.1), (1, 0.1)];
        let scaling = Scaling::of_values((4, 3), |see| {
            for (gene, value) in values {
                see(gene, value);
            }
        });
        assert_eq!(scaling.mean, [1.0, f64::from(0.1_f32), 0.0]);
        assert_eq!(scaling.std, [1.5_f64.sqrt(), 1.0, 1.0]);
        assert_eq!(scaling.zscore(0, 1.0), 0.0);
        assert_eq!(scaling.zscore(1, 0.1), 0.0);
        assert_eq!(scaling.zscore(0, 3.0), (2.0 / 1.5_f64.sqrt()) as f32);
    }
}
