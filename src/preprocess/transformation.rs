//! Transformations of counts that distances between cells can be taken on, each reduced to principal components.
//!
//! None of them shows every group: log-normalised values are ruled by the genes of highest expression, z-scores by the
//! many of low expression, and only residuals take the number of molecules for what counting makes of it. Groups that
//! hold on all of them do not hang on one choice (Ahlmann-Eltze & Huber 2023, doi:10.1038/s41592-023-01814-1, compare
//! such transformations).

use std::borrow::Borrow;

use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{
    Prepared, PreprocessError,
    directions::{directions, rows},
    rotation::Rotation,
};

/// Bound of z-scores and of residuals: one cell's outlier does not make a component.
const MOST: f32 = 10.0;

/// Cells that are transformed at a time.
const CELLS: usize = 1024;

/// Columns that one task sums.
const COLUMNS: usize = 256;

/// A transformation of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transformation {
    /// ln(1 + counts per 10,000).
    LogNormalized,
    /// The z-score of that, from −10 to 10.
    ZScores,
    /// [`Prepared::residuals`], from −10 to 10.
    Residuals,
}

/// Principal components of transformed counts, found on some cells, for any cells.
#[derive(Debug, Clone)]
pub struct Components {
    pub(crate) transformation: Transformation,
    /// Of the transformed genes.
    pub(crate) rotation: Rotation,
}

/// Principal components, and the variance of each (ddof 0).
pub(super) struct LeadingComponents {
    pub components: Components,
    pub variances: Vec<f64>,
}

impl Transformation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LogNormalized, Self::ZScores, Self::Residuals];

    /// The first `n_comps` principal components of some cells' transformed counts.
    ///
    /// `cells` are positions below [`Prepared::n_cells`]; the components are theirs alone. They are in the order of
    /// falling variance, each with its largest loading positive. There is at least one, and there are no more than
    /// cells or genes. The result does not depend on the number of threads. Genes that [`Prepared::of_views`] leaves out have no
    /// loadings.
    ///
    /// Cost: cells · g² operations, and g² · `n_comps` for the components; memory g², and a block of cells.
    ///
    /// # Errors
    ///
    /// Where the eigenvalue iteration does not converge.
    pub fn components(
        self,
        prepared: &Prepared,
        cells: &[usize],
        n_comps: usize,
    ) -> Result<Components, PreprocessError> {
        Ok(self.leading(prepared, cells, n_comps, n_comps)?.components)
    }

    /// The same of `n_most` components, with their variances. Where they are many, those beyond `n_comps` are exact only if
    /// they stand out.
    pub(super) fn leading(
        self,
        prepared: &Prepared,
        cells: &[usize],
        n_comps: usize,
        n_most: usize,
    ) -> Result<LeadingComponents, PreprocessError> {
        let transformed = || cells.chunks(CELLS).map(|block| self.of(prepared, block));
        let n_genes = prepared.n_genes();
        let (mean, blocks): (_, Box<dyn Iterator<Item = _>>) = if prepared.are_few(cells) {
            let kept: Vec<Array2<f32>> = transformed().collect();
            (mean_row(kept.iter(), n_genes), Box::new(kept.into_iter()))
        } else {
            (mean_row(transformed(), n_genes), Box::new(transformed()))
        };
        let genes = self.genes(prepared);
        let blocks = blocks.map(|block| {
            let x = centred(block, &mean);
            match genes {
                Some(genes) => columns(&x, genes),
                None => x,
            }
        });
        let n_genes = genes.map_or(prepared.n_genes(), <[_]>::len);
        let found = directions(blocks, (cells.len(), n_genes), n_comps, n_most)?;
        let mut loadings = found.vectors;
        if let Some(genes) = genes {
            loadings = rows_at(&loadings, genes, prepared.n_genes());
        }
        let n_cells = cells.len() as f64;
        Ok(LeadingComponents {
            variances: found.values.iter().map(|value| value / n_cells).collect(),
            components: Components {
                transformation: self,
                rotation: Rotation { mean, loadings },
            },
        })
    }

    /// Columns of the prepared counts that it is of; all where `None`.
    fn genes(self, prepared: &Prepared) -> Option<&[usize]> {
        let of_views = prepared.of_views.as_ref()?;
        Some(match self {
            Self::LogNormalized | Self::ZScores => &of_views.dispersed,
            Self::Residuals => &of_views.residual,
        })
    }

    /// The transformed counts of some cells, dense: cells × g.
    fn of(self, prepared: &Prepared, cells: &[usize]) -> Array2<f32> {
        match self {
            Self::LogNormalized => prepared.lognorm(cells),
            Self::ZScores => prepared.zscores_within(MOST, cells),
            Self::Residuals => {
                let mut residuals = prepared.residuals(cells);
                residuals.par_mapv_inplace(|value| value.clamp(-MOST, MOST));
                residuals
            }
        }
    }
}

/// Rows less the mean of all.
fn centred(mut x: Array2<f32>, mean: &[f32]) -> Array2<f32> {
    x.axis_iter_mut(Axis(0)).into_par_iter().for_each(|row| {
        row.into_iter()
            .zip(mean)
            .for_each(|(value, mean)| *value -= mean);
    });
    x
}

/// Some columns of a matrix.
fn columns(x: &Array2<f32>, wanted: &[usize]) -> Array2<f32> {
    let mut some = Array2::zeros((x.nrows(), wanted.len()));
    let rows = some.axis_iter_mut(Axis(0)).into_par_iter();
    rows.zip(x.axis_iter(Axis(0))).for_each(|(some, row)| {
        let entries = some.into_iter().zip(wanted);
        entries.for_each(|(to, &column)| *to = row[column]);
    });
    some
}

/// A matrix of `n_rows` rows: those of `x` in the given places, and else 0.
fn rows_at(x: &Mat<f32>, places: &[usize], n_rows: usize) -> Mat<f32> {
    let mut all = Mat::zeros(n_rows, x.ncols());
    for (row, &place) in places.iter().enumerate() {
        all.row_mut(place).copy_from(x.row(row));
    }
    all
}

/// The mean of all rows of some blocks, `width` wide, summed in `f64`. Each sum is one thread's, in the order of the rows.
pub(crate) fn mean_row(
    blocks: impl Iterator<Item = impl Borrow<Array2<f32>>>,
    width: usize,
) -> Vec<f32> {
    let mut sums = vec![0.0_f64; width];
    let mut n_rows = 0_u32;
    for block in blocks {
        let block = block.borrow();
        n_rows += block.nrows() as u32;
        sums.par_chunks_mut(COLUMNS)
            .zip(block.axis_chunks_iter(Axis(1), COLUMNS).into_par_iter())
            .for_each(|(sums, block)| {
                for row in block.outer_iter() {
                    let sums = sums.iter_mut();
                    sums.zip(&row)
                        .for_each(|(sum, &value)| *sum += f64::from(value));
                }
            });
    }
    let mean = |sum: &f64| (sum / f64::from(n_rows)) as f32;
    sums.iter().map(mean).collect()
}

impl Components {
    /// The first so many of them.
    pub(super) fn first(mut self, n_comps: usize) -> Self {
        let n_comps = n_comps.min(self.rotation.n_components());
        let all = &self.rotation.loadings;
        self.rotation.loadings = all.as_ref().subcols(0, n_comps).to_owned();
        self
    }

    /// Scores of any cells, positions below [`Prepared::n_cells`]: cells × components.
    ///
    /// Cost: cells · g · components operations; memory the result, and a block of cells. A cell's scores do not depend on
    /// the cells beside it.
    #[must_use]
    pub fn scores(&self, prepared: &Prepared, cells: &[usize]) -> Array2<f32> {
        let n_comps = self.rotation.n_components();
        let mut scores = Array2::zeros((cells.len(), n_comps));
        for (block, mut scores) in cells
            .chunks(CELLS)
            .zip(scores.axis_chunks_iter_mut(Axis(0), CELLS))
        {
            let x = self.transformation.of(prepared, block);
            let x = centred(x, &self.rotation.mean);
            let scores = scores.as_slice_mut().unwrap_or_default();
            self.multiply(rows(&x), scores);
        }
        scores
    }

    /// x · loadings, some rows per task.
    fn multiply(&self, x: &[f32], scores: &mut [f32]) {
        const ROWS: usize = 128;
        let loadings = self.rotation.loadings.as_ref();
        let (n_genes, n_comps) = loadings.shape();
        scores
            .par_chunks_mut(ROWS * n_comps)
            .zip(x.par_chunks(ROWS * n_genes))
            .for_each(|(scores, x)| {
                let n_cells = scores.len() / n_comps;
                matmul(
                    MatMut::from_row_major_slice_mut(scores, n_cells, n_comps),
                    Accum::Replace,
                    MatRef::from_row_major_slice(x, n_cells, n_genes),
                    loadings,
                    1.0,
                    Par::Seq,
                );
            });
    }
}
