//! The directions in which rows of a matrix vary most.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{
    PreprocessError,
    leading::{Leading, leading_eigenvectors},
    rotation::to_array,
};

/// Rows that are taken at a time.
const ROWS: usize = 1024;

/// Genes whose columns of the scatter matrix are computed at a time.
const GENES: usize = 64;

/// The first `n` principal directions of the rows of a matrix whose columns are centred: columns × n, or fewer where it has not
/// as many rows or columns. The result does not depend on the number of threads.
///
/// Cost: rows · columns² operations, and columns² · n; memory columns².
///
/// # Errors
///
/// Where the eigenvalue iteration does not converge.
pub(crate) fn principal_directions(
    x: &Array2<f32>,
    n: usize,
) -> Result<Array2<f32>, PreprocessError> {
    let blocks = x.axis_chunks_iter(Axis(0), ROWS);
    let blocks = blocks.map(|block| block.to_owned());
    let found = directions(blocks, x.dim(), n, n)?;
    Ok(to_array(&found.vectors))
}

/// The same of centred rows that come in blocks, of these numbers of rows and columns: as many as `n_most`, as well as they show where
/// `n` are looked for, and the sum of the squared scores in each.
pub(super) fn directions(
    blocks: impl Iterator<Item = Array2<f32>>,
    (n_cells, n_genes): (usize, usize),
    n: usize,
    n_most: usize,
) -> Result<Directions, PreprocessError> {
    let mut scatter = vec![0.0; n_genes * n_genes];
    for block in blocks {
        add_products(&mut scatter, &block);
    }
    let scatter = MatRef::from_column_major_slice(&scatter, n_genes, n_genes);
    let [n, n_most] = [n, n_most].map(|n| n.clamp(1, n_cells.min(n_genes).max(1)));
    let Leading { values, vectors } = leading_eigenvectors(scatter, n, n_most)
        .map_err(|_| PreprocessError::Eigen { n_cells, n_genes })?;
    Ok(Directions {
        values,
        vectors: Mat::from_fn(n_genes, n_most, |gene, direction| {
            vectors[(gene, direction)] as f32
        }),
    })
}

/// Directions of rows.
pub(super) struct Directions {
    /// Sum of the squared scores in each, falling.
    pub values: Vec<f64>,
    /// columns × directions.
    pub vectors: Mat<f32>,
}

/// Adds xᵀx to the lower triangle, which lies by columns.
fn add_products(scatter: &mut [f64], x: &Array2<f32>) {
    let (n_cells, n_genes) = x.dim();
    let by_cell = MatRef::from_row_major_slice(rows(x), n_cells, n_genes);
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
                    *to += f64::from(from);
                }
            }
        });
}

/// The values of a matrix that was just made, row by row.
pub(super) fn rows(x: &Array2<f32>) -> &[f32] {
    x.as_slice()
        .unwrap_or_else(|| unreachable!("rows of a new matrix lie together"))
}
