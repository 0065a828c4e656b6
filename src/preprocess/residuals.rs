//! Pearson residuals of counts under a model that knows each cell's depth and each gene's share.

use ndarray::{Array2, Axis};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Prepared;
use crate::packed_counts::PackedCounts;

/// θ of the negative binomial: the variance of a count with mean μ is μ + μ²/θ.
const THETA: f64 = 100.0;

impl Prepared {
    /// Pearson residuals of some cells' counts, dense: cells × g.
    ///
    /// ```text
    /// (y − μ) / √(μ + μ²/θ),   μ = total count of the cell × share of the gene in all counts,   θ = 100
    /// ```
    ///
    /// `cells` are positions below [`Self::n_cells`], in any order; shares are always those of all kept cells. Nothing is
    /// clipped. Cost: the size of the result, and the non-zero counts. Lause, Berens & Kobak 2021,
    /// doi:10.1186/s13059-021-02451-7.
    #[must_use]
    pub fn residuals(&self, cells: &[usize]) -> Array2<f32> {
        let shares = &self.gene_shares;
        let mut residuals = Array2::zeros((cells.len(), self.n_genes()));
        let arch = Arch::new();
        residuals
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(cells)
            .for_each(|(mut row, &cell)| {
                let total = f64::from(self.totals[cell]);
                arch.dispatch(OfZeros {
                    total,
                    shares,
                    residuals: row.as_slice_mut().unwrap_or_default(),
                });
                for (gene, count) in self.counts.row(cell) {
                    row[gene] = pearson(f64::from(count), total * shares[gene]) as f32;
                }
            });
        residuals
    }
}

/// Each gene's share in all counts of the cells, whose totals over all genes are given.
pub(super) fn gene_shares(counts: &PackedCounts, totals: &[f32]) -> Vec<f64> {
    let mut shares = vec![0.0; counts.shape().1];
    for (gene, count) in counts.iter_rows().flatten() {
        shares[gene] += f64::from(count);
    }
    let total: f64 = totals.iter().map(|&total| f64::from(total)).sum();
    for share in &mut shares {
        *share /= total;
    }
    shares
}

/// Writes the residuals of a cell that has none of any gene, as vector code: most counts are 0.
struct OfZeros<'a> {
    total: f64,
    shares: &'a [f64],
    residuals: &'a mut [f32],
}

impl WithSimd for OfZeros<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (residual, share) in self.residuals.iter_mut().zip(self.shares) {
            *residual = pearson(0.0, self.total * share) as f32;
        }
    }
}

/// The residual of a count whose mean is expected to be `mean`; 0 where nothing is expected.
#[inline(always)]
pub(super) fn pearson(count: f64, mean: f64) -> f64 {
    let residual = (count - mean) / (mean + mean * mean / THETA).sqrt();
    if mean > 0.0 { residual } else { 0.0 }
}
