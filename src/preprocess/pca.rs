//! Principal components of log-normalised expression, exactly.
//!
//! The g × g scatter matrix of the genes is summed from the sparse rows and decomposed, so that
//! cells × genes are never dense.

use std::ops::Range;

use faer::MatRef;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{
    Prepared, PreprocessError, leading::leading_of_all, log_normalized, rotation::to_array,
};
use crate::counts::Csr;

/// Non-zero values, about a megabyte, that are summed into the scatter matrix at a time: they stay
/// in the processor's cache while every gene passes over them.
const BLOCK_VALUES: usize = 1 << 17;

/// Scores of the first `n_comps` principal components of the centred log-normalised HVGs: n × `n_comps`.
///
/// Components are in the order of falling variance; there is at least one, and there are no more than
/// cells or genes.
/// A component's sign is such that its largest loading in magnitude is positive (the first of
/// equals). Up to sign these are the scores of scanpy's `pp.pca`. The result does not depend on the
/// number of threads.
///
/// Cost: the sum over cells of the squared number of detected HVGs, plus g³ for the decomposition;
/// memory g² and the non-zero counts.
///
/// # Errors
///
/// Where the eigenvalue iteration does not converge.
pub fn pca(prepared: &Prepared, n_comps: usize) -> Result<Array2<f32>, PreprocessError> {
    Ok(PrincipalComponents::find(prepared, n_comps)?.scores(prepared))
}

/// Principal components of log-normalised expression, for any cells.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalComponents {
    /// Mean of each gene.
    pub mean: Vec<f64>,
    /// genes × components.
    pub loadings: Array2<f64>,
}

impl PrincipalComponents {
    /// Those of all prepared cells, see [`pca`].
    ///
    /// # Errors
    ///
    /// Where the eigenvalue iteration does not converge.
    pub fn find(prepared: &Prepared, n_comps: usize) -> Result<Self, PreprocessError> {
        let lognorm = sparse_lognorm(prepared);
        let (n_cells, n_genes) = lognorm.shape();
        let scatter = centred_scatter(&lognorm, &prepared.scaling.mean);
        let n_comps = n_comps.clamp(1, n_cells.min(n_genes));
        let scatter = MatRef::from_column_major_slice(&scatter, n_genes, n_genes);
        let leading = leading_of_all(scatter, n_comps)
            .map_err(|_| PreprocessError::Eigen { n_cells, n_genes })?;
        Ok(Self {
            mean: prepared.scaling.mean.clone(),
            loadings: to_array(&leading.vectors),
        })
    }

    /// Scores of all prepared cells, which need not be those that the components were found on: n × components.
    #[must_use]
    pub fn scores(&self, prepared: &Prepared) -> Array2<f32> {
        scores(&sparse_lognorm(prepared), self, &prepared.unmeasured)
    }
}

/// Log-normalised expression of all prepared cells, in the places of the counts.
fn sparse_lognorm(prepared: &Prepared) -> Csr {
    let mut lognorm = prepared.counts.unpacked(0..prepared.n_cells());
    let values = log_normalized(&lognorm, &prepared.totals);
    lognorm.data_mut().copy_from_slice(&values);
    lognorm
}

/// Lower triangle, by columns, of Σᵢ (xᵢ − μ)(xᵢ − μ)ᵀ.
fn centred_scatter(x: &Csr, mean: &[f64]) -> Vec<f64> {
    let (n_cells, n_genes) = x.shape();
    let mut scatter = vec![0.0; n_genes * n_genes];
    for rows in blocks(x) {
        add_products(&mut scatter, &x.slice_outer(rows).to_owned());
    }
    for (gene, column) in scatter.chunks_exact_mut(n_genes).enumerate() {
        let offset = n_cells as f64 * mean[gene];
        add_scaled(&mut column[gene..], -offset, &mean[gene..]);
    }
    scatter
}

/// Runs of cells with about [`BLOCK_VALUES`] non-zero values each.
fn blocks(x: &Csr) -> Vec<Range<usize>> {
    let offsets = x.proper_indptr();
    let mut blocks = Vec::new();
    let mut start = 0;
    while start < x.rows() {
        let full = offsets.partition_point(|&offset| offset < offsets[start] + BLOCK_VALUES);
        let end = full.clamp(start + 1, x.rows());
        blocks.push(start..end);
        start = end;
    }
    blocks
}

/// Adds Σᵢ xᵢxᵢᵀ over a block's cells to the lower triangle. Each column is summed by one thread,
/// over cells in order.
fn add_products(scatter: &mut [f64], block: &Csr) {
    let by_gene = block.to_csc();
    let add_column = |(gene, column): (usize, &mut [f64])| {
        let cells = by_gene.outer_view(gene);
        for (cell, &value) in cells.iter().flat_map(|cells| cells.iter()) {
            let Some(row) = block.outer_view(cell) else {
                continue;
            };
            let start = row
                .indices()
                .partition_point(|&other| (other as usize) < gene);
            for (&other, &other_value) in row.indices()[start..].iter().zip(&row.data()[start..]) {
                column[other as usize] += f64::from(value) * f64::from(other_value);
            }
        }
    };
    scatter
        .par_chunks_mut(block.cols())
        .enumerate()
        .for_each(add_column);
}

/// (x − μ) · loadings, each cell by itself; genes that were not measured are at their mean.
fn scores(x: &Csr, components: &PrincipalComponents, unmeasured: &[usize]) -> Array2<f32> {
    let PrincipalComponents { mean, loadings } = components;
    let n_comps = loadings.ncols();
    // Rows of loadings lie together in memory, as the sparse cells want them.
    let by_gene: Vec<f64> = loadings.iter().copied().collect();
    let mut offset = vec![0.0; n_comps];
    for (gene, (loading, mean)) in by_gene.chunks_exact(n_comps).zip(mean).enumerate() {
        if !unmeasured.contains(&gene) {
            add_scaled(&mut offset, -mean, loading);
        }
    }
    let mut scores = Array2::zeros((x.rows(), n_comps));
    scores
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .for_each(|(cell, mut row)| {
            let mut sum = offset.clone();
            for (gene, &value) in x.outer_view(cell).iter().flat_map(|cell| cell.iter()) {
                let loading = &by_gene[gene * n_comps..][..n_comps];
                add_scaled(&mut sum, f64::from(value), loading);
            }
            row.iter_mut()
                .zip(sum)
                .for_each(|(to, from)| *to = from as f32);
        });
    scores
}

fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}
