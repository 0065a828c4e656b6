//! The cells' principal components after each transformation of their counts, and what these have in common.

use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{ArcArray2, Array2, ArrayView1, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::{
    Batches, Components, Harmony, Prepared, PreprocessError, PrincipalComponents, Transformation,
    leading::{Leading, leading_of_all},
    rotation::Rotation,
    standing_out::{LOOKED_AT, n_standing_out},
    transformation::mean_row,
};
use crate::unit::scale_to_unit;

/// Principal components of each transformation, unless [more stand out](n_standing_out).
pub const N_COMPONENTS: usize = 50;

/// Cells whose views are put side by side at a time.
const CELLS: usize = 8192;

/// Cells as they are seen.
#[derive(Debug, Clone)]
pub struct CellComponents {
    /// Scores in each of [`Transformation::ALL`], cells × components: 50, fewer where there are not as many, or more where they
    /// stand out.
    pub each: Vec<ArcArray2<f32>>,
    /// Scores in the components that they share, cells × d, of unit variance on average over the components of
    /// the cells that they were found on; 0 where there are fewer components than d.
    pub shared: Array2<f32>,
    /// The same before batches were brought together, where they were.
    pub unmixed: Option<Array2<f32>>,
    /// What all of these follow from.
    pub(crate) views: Views,
}

/// What was found on some cells, for any cells to be seen as they are.
#[derive(Debug, Clone)]
pub struct Views {
    /// Components of each of [`Transformation::ALL`].
    pub each: Vec<Components>,
    /// What brings batches together in each of them; empty where there are no batches.
    pub corrections: Vec<Harmony>,
    /// Components of all of them side by side.
    pub shared: Shared,
}

/// Principal components of the views side by side, each cell of length 1 in each.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Of the components of all views, to d components over their one standard deviation.
    pub(crate) rotation: Rotation,
}

impl CellComponents {
    /// Finds 50 components of each transformation of some cells (positions in `prepared`), or up to 100 where those beyond 50
    /// stand out in any of them, and `n_shared` of the three together; and the scores of all prepared cells with them.
    ///
    /// Each cell is scaled to length 1 in each view, so that distances within a view are its cosine distances and no view
    /// outweighs another; the views are put side by side and rotated to their common principal components, which are
    /// divided by one number, their root mean square. (Multiple factor analysis weighs groups of variables against each
    /// other in this way: Escofier & Pagès 1994, doi:10.1016/0167-9473(94)90135-X.)
    ///
    /// Where cells are in batches, these are brought together in each view first, as `seed` and the cells that the
    /// components are found on decide (Korsunsky et al. 2019, doi:10.1038/s41592-019-0619-0).
    ///
    /// # Errors
    ///
    /// Where the eigenvalue iteration does not converge.
    pub fn find(
        prepared: &Prepared,
        cells: &[usize],
        n_shared: usize,
        seed: u64,
    ) -> Result<Self, PreprocessError> {
        let found = Transformation::ALL
            .iter()
            .map(|transformation| transformation.leading(prepared, cells, N_COMPONENTS, LOOKED_AT))
            .collect::<Result<Vec<_>, _>>()?;
        let standing_out = found.iter().map(|view| n_standing_out(&view.variances));
        let n_comps = standing_out.max().unwrap_or(N_COMPONENTS);
        let each = found.into_iter().map(|view| view.components.first(n_comps));
        let each: Vec<Components> = each.collect();
        let mut scores = scores_in(&each, prepared);
        let find_shared = |scores: &[Array2<f32>]| {
            let shared = Shared::find(&side_by_side(scores, cells), n_shared);
            shared.map_err(|_| PreprocessError::Eigen {
                n_cells: cells.len(),
                n_genes: prepared.n_genes(),
            })
        };
        let (mut unmixed, mut corrections) = (None, Vec::new());
        if let Some(batches) = &prepared.batches {
            unmixed = Some(find_shared(&scores)?.scores(&scores));
            for view in &mut scores {
                corrections.push(bring_together(view, batches, cells, seed));
            }
        }
        let shared = find_shared(&scores)?;
        Ok(Self {
            shared: shared.scores(&scores),
            each: scores.into_iter().map(Array2::into_shared).collect(),
            unmixed,
            views: Views {
                each,
                corrections,
                shared,
            },
        })
    }
}

/// Takes off what batches differ by in a view, as it is learnt on some cells.
fn bring_together(
    view: &mut Array2<f32>,
    batches: &Batches,
    cells: &[usize],
    seed: u64,
) -> Harmony {
    let of_cells = batches.select(cells).of_cell;
    let learnt_on = view.select(Axis(0), cells);
    let harmony = Harmony::learn(&learnt_on, &of_cells, batches.n_batches(), seed);
    harmony.correct(view, &batches.of_cell);
    harmony
}

/// Scores of all prepared cells in any number of principal components of the log-normalised HVGs, with batches brought
/// together where there are any, as it is learnt on some of the cells (positions in `prepared`): cells × `n_comps` or fewer.
/// And the components, in which nothing is corrected.
///
/// # Errors
///
/// Where the eigenvalue iteration does not converge.
pub fn scores_together(
    prepared: &Prepared,
    cells: &[usize],
    n_comps: usize,
    seed: u64,
) -> Result<(Array2<f32>, PrincipalComponents), PreprocessError> {
    let components = PrincipalComponents::find(prepared, n_comps)?;
    let mut scores = components.scores(prepared);
    if let Some(batches) = &prepared.batches {
        bring_together(&mut scores, batches, cells, seed);
    }
    Ok((scores, components))
}

impl Views {
    /// Number of components of all views together.
    #[must_use]
    pub fn n_components(&self) -> usize {
        let each = self.each.iter();
        each.map(|view| view.rotation.n_components()).sum()
    }

    /// Scores of all prepared cells, which need not be those that the views were found on: in each view, corrected where their
    /// batch is known (a batch beyond the names is not), and in the components that the views share.
    #[must_use]
    pub fn scores(&self, prepared: &Prepared) -> (Vec<Array2<f32>>, Array2<f32>) {
        let mut scores = scores_in(&self.each, prepared);
        if let Some(batches) = &prepared.batches {
            for (view, correction) in scores.iter_mut().zip(&self.corrections) {
                correct_known(view, correction, &batches.of_cell);
            }
        }
        let shared = self.shared.scores(&scores);
        (scores, shared)
    }
}

/// Scores of all prepared cells in each view, not corrected.
fn scores_in(each: &[Components], prepared: &Prepared) -> Vec<Array2<f32>> {
    let all: Vec<usize> = (0..prepared.n_cells()).collect();
    each.iter()
        .map(|components| components.scores(prepared, &all))
        .collect()
}

/// Corrects the cells whose batch the correction was learnt on.
fn correct_known(view: &mut Array2<f32>, correction: &Harmony, of_cell: &[u32]) {
    let known: Vec<usize> = (0..of_cell.len())
        .filter(|&cell| (of_cell[cell] as usize) < correction.n_batches())
        .collect();
    let batches: Vec<u32> = known.iter().map(|&cell| of_cell[cell]).collect();
    let mut some = view.select(Axis(0), &known);
    correction.correct(&mut some, &batches);
    for (&cell, row) in known.iter().zip(some.outer_iter()) {
        view.row_mut(cell).assign(&row);
    }
}

/// All views of some cells in one row each, each view scaled to length 1: cells × all components.
fn side_by_side(views: &[Array2<f32>], cells: &[usize]) -> Array2<f32> {
    let width = views.iter().map(Array2::ncols).sum();
    let mut all = Array2::zeros((cells.len(), width));
    all.axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(cells)
        .for_each(|(mut row, &cell)| {
            let mut rest = row.as_slice_mut().unwrap_or_default();
            for view in views {
                let (to, after) = rest.split_at_mut(view.ncols());
                to.iter_mut()
                    .zip(view.row(cell))
                    .for_each(|(to, &from)| *to = from);
                scale_to_unit(to);
                rest = after;
            }
        });
    all
}

impl Shared {
    fn find(x: &Array2<f32>, n_shared: usize) -> Result<Self, faer::linalg::evd::EvdError> {
        let (n_cells, width) = x.dim();
        let mean = mean_row(std::iter::once(x), width);
        let centred = |i: usize, j: usize| f64::from(x[[i, j]]) - f64::from(mean[j]);
        let columns: Vec<Vec<f64>> = (0..width)
            .map(|j| (0..n_cells).map(|i| centred(i, j)).collect())
            .collect();
        let mut scatter = vec![0.0; width * width];
        scatter
            .par_chunks_mut(width)
            .enumerate()
            .for_each(|(j, column)| {
                for (other, to) in column.iter_mut().enumerate().skip(j) {
                    *to = columns[j]
                        .iter()
                        .zip(&columns[other])
                        .map(|(a, b)| a * b)
                        .sum();
                }
            });
        let n_found = n_shared.clamp(1, width.min(n_cells).max(1));
        let scatter = MatRef::from_column_major_slice(&scatter, width, width);
        let Leading { values, vectors } = leading_of_all(scatter, n_found)?;
        // An eigenvalue of the scatter is the sum of its component's squared scores.
        let squares: f64 = values.iter().sum::<f64>().max(0.0);
        let rms = (squares / (n_cells * n_found) as f64).sqrt();
        let scale = if rms > 0.0 { 1.0 / rms } else { 1.0 };
        let loadings = Mat::from_fn(width, n_shared, |j, component| {
            if component < n_found {
                (vectors[(j, component)] * scale) as f32
            } else {
                0.0
            }
        });
        Ok(Self {
            rotation: Rotation { mean, loadings },
        })
    }

    /// Scores of cells whose scores in each view are given: cells × d.
    fn scores(&self, views: &[Array2<f32>]) -> Array2<f32> {
        let n_cells = views.first().map_or(0, Array2::nrows);
        let mut scores = Array2::zeros((n_cells, self.rotation.n_components()));
        let cells: Vec<usize> = (0..n_cells).collect();
        for (block, mut scores) in cells
            .chunks(CELLS)
            .zip(scores.axis_chunks_iter_mut(Axis(0), CELLS))
        {
            let x = side_by_side(views, block);
            scores
                .axis_iter_mut(Axis(0))
                .into_par_iter()
                .zip(x.axis_iter(Axis(0)))
                .for_each(|(to, from)| self.multiply(from, to));
        }
        scores
    }

    /// The scores of one cell.
    fn multiply(&self, x: ArrayView1<'_, f32>, mut scores: ArrayViewMut1<'_, f32>) {
        let Rotation { mean, loadings } = &self.rotation;
        let centred: Vec<f32> = x.iter().zip(mean).map(|(x, mean)| x - mean).collect();
        matmul(
            MatMut::from_row_major_slice_mut(
                scores.as_slice_mut().unwrap_or_default(),
                1,
                loadings.ncols(),
            ),
            Accum::Replace,
            MatRef::from_row_major_slice(&centred, 1, centred.len()),
            loadings.as_ref(),
            1.0,
            Par::Seq,
        );
    }
}
