//! Transformations of counts that distances between cells can be taken on, each reduced to principal components.
//!
//! None of them shows every group: log-normalised values are ruled by the genes of highest expression, z-scores by the
//! many of low expression, and only residuals take the number of molecules for what counting makes of it. Groups that
//! hold on all of them do not hang on one choice (Ahlmann-Eltze & Huber 2023, doi:10.1038/s41592-023-01814-1, compare
//! such transformations).

use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{Prepared, PreprocessError, pca};

/// Bound of z-scores and of residuals: one cell's outlier does not make a component.
const MOST: f32 = 10.0;

/// Genes whose columns of the scatter matrix are computed at a time.
const GENES: usize = 64;

/// Cells whose scores are computed at a time.
const CELLS: usize = 256;

/// A transformation of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transformation {
    /// ln(1 + counts per 10,000).
    LogNormalized,
    /// The z-score of that, from −10 to 10.
    ZScores,
    /// [`Prepared::residuals`].
    Residuals,
}

impl Transformation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LogNormalized, Self::ZScores, Self::Residuals];

    /// Scores of the first `n_comps` principal components of some cells' transformed counts: cells × `n_comps`.
    ///
    /// `cells` are positions below [`Prepared::n_cells`]; the components are theirs alone. Order and signs are those of
    /// [`pca()`]. There are no more components than cells or genes. The result does not depend on the number of threads.
    ///
    /// Cost: cells · g² operations, g³ for the decomposition; memory cells · g and g².
    ///
    /// # Errors
    ///
    /// Where the eigenvalue iteration does not converge.
    pub fn components(
        self,
        prepared: &Prepared,
        cells: &[usize],
        n_comps: usize,
    ) -> Result<Array2<f32>, PreprocessError> {
        let mut x = match self {
            Self::LogNormalized => prepared.lognorm(cells),
            Self::ZScores => prepared.zscores(cells),
            Self::Residuals => prepared.residuals(cells),
        };
        if self != Self::LogNormalized {
            x.par_mapv_inplace(|value| value.clamp(-MOST, MOST));
        }
        centre(&mut x);
        let (n_cells, n_genes) = x.dim();
        let n_comps = n_comps.clamp(1, n_cells.min(n_genes).max(1));
        let loadings = pca::loadings(&scatter(&x), n_genes, n_comps)
            .map_err(|_| PreprocessError::Eigen { n_cells, n_genes })?;
        Ok(scores(&x, &loadings))
    }
}

/// Subtracts each column's mean.
fn centre(x: &mut Array2<f32>) {
    let mut mean = vec![0.0_f64; x.ncols()];
    for row in x.outer_iter() {
        for (sum, &value) in mean.iter_mut().zip(&row) {
            *sum += f64::from(value);
        }
    }
    let n_cells = x.nrows() as f64;
    for sum in &mut mean {
        *sum /= n_cells;
    }
    x.axis_iter_mut(Axis(0)).into_par_iter().for_each(|row| {
        for (value, mean) in row.into_iter().zip(&mean) {
            *value = (f64::from(*value) - mean) as f32;
        }
    });
}

/// Lower triangle, by columns, of xᵀx.
fn scatter(x: &Array2<f32>) -> Vec<f64> {
    let (n_cells, n_genes) = x.dim();
    let by_cell = MatRef::from_row_major_slice(rows(x), n_cells, n_genes);
    let mut scatter = vec![0.0; n_genes * n_genes];
    scatter
        .par_chunks_mut(GENES * n_genes)
        .enumerate()
        .for_each(|(chunk, columns)| {
            let first = chunk * GENES;
            let (height, width) = (n_genes - first, columns.len() / n_genes);
            let mut products = Mat::<f32>::zeros(height, width);
            matmul(
                products.as_mut(),
                Accum::Replace,
                by_cell.subcols(first, height).transpose(),
                by_cell.subcols(first, width),
                1.0,
                Par::Seq,
            );
            for (column, products) in columns.chunks_exact_mut(n_genes).zip(products.col_iter()) {
                for (to, &from) in column[first..].iter_mut().zip(products.iter()) {
                    *to = f64::from(from);
                }
            }
        });
    scatter
}

/// x · loadings.
fn scores(x: &Array2<f32>, loadings: &Mat<f64>) -> Array2<f32> {
    let loadings = Mat::from_fn(loadings.nrows(), loadings.ncols(), |gene, component| {
        loadings[(gene, component)] as f32
    });
    let (n_genes, n_comps) = (x.ncols(), loadings.ncols());
    let mut scores = vec![0.0; x.nrows() * n_comps];
    scores
        .par_chunks_mut(CELLS * n_comps)
        .zip(rows(x).par_chunks(CELLS * n_genes))
        .for_each(|(scores, x)| {
            let n_cells = scores.len() / n_comps;
            matmul(
                MatMut::from_row_major_slice_mut(scores, n_cells, n_comps),
                Accum::Replace,
                MatRef::from_row_major_slice(x, n_cells, n_genes),
                loadings.as_ref(),
                1.0,
                Par::Seq,
            );
        });
    Array2::from_shape_vec((x.nrows(), n_comps), scores)
        .unwrap_or_else(|_| unreachable!("a score for every cell and component"))
}

fn rows(x: &Array2<f32>) -> &[f32] {
    x.as_slice()
        .unwrap_or_else(|| unreachable!("rows of a new matrix lie together"))
}
