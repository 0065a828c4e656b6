//! The leading eigenvectors of a large symmetric matrix.

use faer::{
    Accum, ColMut, Mat, MatMut, MatRef, Par, Spec,
    diag::Diag,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        evd::{ComputeEigenvectors, EvdError, self_adjoint_evd, self_adjoint_evd_scratch},
        matmul::matmul,
    },
    prelude::{Reborrow, ReborrowMut},
    unzip, zip,
};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::seed::{Stream, stream};

/// Vectors of a block beyond those that are wanted.
const SPARE: usize = 14;

/// Blocks of the Krylov space.
const BLOCKS: usize = 8;

/// Of a vector that lies within the space of those before it, rounding leaves less than this share of its length.
const NOTHING_NEW: f64 = 1e-8;

/// Columns of a matrix that are one task's.
const COLUMNS: usize = 64;

/// The `n_most` eigenvectors of largest eigenvalue, as well as they show where `n_wanted` are looked for. An eigenvector's sign is such
/// that its largest entry in magnitude is positive (the first of equals).
///
/// `lower`: n × n, symmetric and positive semidefinite, of which the lower triangle is read; `n_most` is at most n, and at least
/// `n_wanted`.
///
/// Where few are wanted of many, they are those of the matrix as seen from a block Krylov space: A is applied seven
/// times to a block of random vectors (always the same ones), every block made orthogonal to those before it, and the
/// small matrix QᵀAQ is decomposed whole (Golub & Underwood 1977; Musco & Musco 2015, arXiv:1504.05477). Where A has fewer
/// directions than that, as with fewer cells, random ones take the place of those that are lacking. Eigenvectors
/// whose eigenvalues stand out are exact to rounding; of those within the bulk, which are noise, the space that they span
/// with their neighbours is. O(n² · `n_wanted`) time in place of n³. By one thread per block of rows: the result does not
/// depend on the number of threads.
///
/// # Errors
///
/// Where the eigenvalue iteration does not converge.
pub(super) fn leading_eigenvectors(
    lower: MatRef<'_, f64>,
    n_wanted: usize,
    n_most: usize,
) -> Result<Leading, EvdError> {
    let n = lower.nrows();
    let width = n_wanted + SPARE;
    if 2 * width * BLOCKS >= n || n_most > width * BLOCKS {
        return leading_of_all(lower, n_most);
    }
    from_krylov_space(lower, width, n_most)
}

/// Eigenvectors, and their eigenvalues.
pub(super) struct Leading {
    /// The largest first.
    pub values: Vec<f64>,
    /// Column by column.
    pub vectors: Mat<f64>,
}

/// The same from a decomposition of the whole matrix: n³ time, all of them exact to rounding.
pub(super) fn leading_of_all(lower: MatRef<'_, f64>, n_wanted: usize) -> Result<Leading, EvdError> {
    let (values, vectors) = eigenvectors(lower)?;
    Ok(Leading {
        values: last(&values, n_wanted),
        vectors: with_fixed_signs(last_columns(&vectors, n_wanted)),
    })
}

/// All eigenvalues, rising, and their eigenvectors, of the matrix whose lower triangle is given. By one thread: with more, faer's
/// result depends on their number in the last bits.
fn eigenvectors(lower: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), EvdError> {
    let n = lower.nrows();
    let scratch =
        self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    let mut values = Diag::zeros(n);
    let mut vectors = Mat::zeros(n, n);
    self_adjoint_evd(
        lower,
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )?;
    Ok((values.column_vector().iter().copied().collect(), vectors))
}

/// The last values, the last first.
fn last(values: &[f64], n_wanted: usize) -> Vec<f64> {
    values.iter().rev().take(n_wanted).copied().collect()
}

/// The last columns, the last first.
fn last_columns(vectors: &Mat<f64>, n_wanted: usize) -> Mat<f64> {
    let last = vectors.ncols() - 1;
    Mat::from_fn(vectors.nrows(), n_wanted, |i, j| vectors[(i, last - j)])
}

fn from_krylov_space(
    lower: MatRef<'_, f64>,
    width: usize,
    n_wanted: usize,
) -> Result<Leading, EvdError> {
    let n = lower.nrows();
    let matrix = mirrored(lower);
    let mut rng = stream(0, Stream::Components);
    let mut block = Mat::from_fn(n, width, |_, _| StandardNormal.sample(&mut rng));
    // Q, and A·Q beside it.
    let mut basis = Mat::<f64>::zeros(n, width * BLOCKS);
    let mut image = Mat::<f64>::zeros(n, width * BLOCKS);
    for first in (0..basis.ncols()).step_by(width) {
        orthonormalize(&mut block, basis.as_ref().subcols(0, first), &mut rng);
        basis.as_mut().subcols_mut(first, width).copy_from(&block);
        block = multiply(&matrix, &block);
        image.as_mut().subcols_mut(first, width).copy_from(&block);
    }
    let seen = product(basis.as_ref().transpose(), image.as_ref());
    let (values, vectors) = eigenvectors(seen.as_ref())?;
    let leading = last_columns(&vectors, n_wanted);
    Ok(Leading {
        values: last(&values, n_wanted),
        vectors: with_fixed_signs(product(basis.as_ref(), leading.as_ref())),
    })
}

/// Makes columns orthogonal, to those `before` too, and of length 1, by modified Gram-Schmidt. A random column takes the place of
/// one within the space of those before it: what rounding leaves of that would not be orthogonal. (faer's own decomposition would
/// take every thread, and its last bits hang on their number.)
fn orthonormalize(block: &mut Mat<f64>, before: MatRef<'_, f64>, rng: &mut impl Rng) {
    let lengths: Vec<f64> = block.col_iter().map(|column| column.norm_l2()).collect();
    // Twice, since once leaves what rounding makes of large overlaps.
    for _ in 0..2 {
        let overlaps = product(before.transpose(), block.as_ref());
        *block -= product(before, overlaps.as_ref());
    }
    for (j, length) in lengths.into_iter().enumerate() {
        let (done, mut rest) = block.as_mut().split_at_col_mut(j);
        let mut column = rest.rb_mut().col_mut(0);
        take_out(column.rb_mut(), done.rb());
        if column.norm_l2() <= NOTHING_NEW * length {
            let random = column.rb_mut().iter_mut();
            random.for_each(|entry| *entry = StandardNormal.sample(rng));
            take_out(column.rb_mut(), before);
            take_out(column.rb_mut(), done.rb());
        }
        let scale = 1.0 / column.norm_l2();
        column *= faer::Scale(scale);
    }
}

/// Makes a column orthogonal to others, which are orthogonal and of length 1; twice, see above.
fn take_out(mut column: ColMut<'_, f64>, others: MatRef<'_, f64>) {
    for _ in 0..2 {
        for other in others.col_iter() {
            let overlap = other.transpose() * column.rb();
            zip!(&mut column, other).for_each(|unzip!(to, from)| *to -= overlap * from);
        }
    }
}

/// The symmetric matrix of a lower triangle.
fn mirrored(lower: MatRef<'_, f64>) -> Mat<f64> {
    let n = lower.nrows();
    let mut matrix = Mat::zeros(n, n);
    let tasks = matrix.par_col_chunks_mut(COLUMNS).enumerate();
    tasks.for_each(|(task, mut columns)| {
        // Row by row, since the triangle's columns are rows here.
        for i in 0..n {
            for (j, place) in (task * COLUMNS..n).zip(0..columns.ncols()) {
                columns[(i, place)] = lower[(i.max(j), i.min(j))];
            }
        }
    });
    matrix
}

/// The product of two matrices, some columns of it per task.
fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(left.nrows(), right.ncols());
    out.par_col_chunks_mut(COLUMNS)
        .zip(right.par_col_chunks(COLUMNS))
        .for_each(|(out, right)| matmul(out, Accum::Replace, left, right, 1.0, Par::Seq));
    out
}

/// The product by a symmetric matrix, some rows of it per task.
fn multiply(matrix: &Mat<f64>, block: &Mat<f64>) -> Mat<f64> {
    let (n, width) = (block.nrows(), block.ncols());
    let mut transposed = vec![0.0; n * width];
    transposed
        .par_chunks_mut(COLUMNS * width)
        .enumerate()
        .for_each(|(task, out)| {
            let columns = out.len() / width;
            matmul(
                MatMut::from_column_major_slice_mut(out, width, columns),
                Accum::Replace,
                block.transpose(),
                matrix.as_ref().subcols(task * COLUMNS, columns),
                1.0,
                Par::Seq,
            );
        });
    MatRef::from_row_major_slice(&transposed, n, width).to_owned()
}

fn with_fixed_signs(mut vectors: Mat<f64>) -> Mat<f64> {
    for vector in vectors.col_iter_mut() {
        let larger = |largest: f64, &entry: &f64| {
            if entry.abs() > largest.abs() {
                entry
            } else {
                largest
            }
        };
        if vector.as_ref().iter().fold(0.0, larger) < 0.0 {
            vector.iter_mut().for_each(|entry| *entry = -*entry);
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A covariance with a few strong directions over a bulk of weak ones.
    fn covariance(n: usize) -> Mat<f64> {
        let mut rng = stream(7, Stream::Weights);
        let x = Mat::from_fn(n + 100, n, |_, j| {
            let scale = if j < 20 { 30.0 / (1.0 + j as f64) } else { 1.0 };
            let normal: f64 = StandardNormal.sample(&mut rng);
            scale * normal
        });
        product(x.transpose(), x.as_ref())
    }

    #[test]
    fn the_krylov_space_holds_what_stands_out() {
        let matrix = covariance(700);
        let found = from_krylov_space(matrix.as_ref(), 34, 20).expect("vectors");
        let exact = leading_of_all(matrix.as_ref(), 20).expect("vectors");
        for (found, exact) in found.values.iter().zip(&exact.values).take(10) {
            assert!((found / exact - 1.0).abs() < 1e-9);
        }
        let (found, exact) = (found.vectors, exact.vectors);
        // The tenth is three times as wide as the bulk.
        for j in 0..10 {
            let difference = (found.col(j) - exact.col(j)).norm_l2();
            assert!(difference < 1e-6, "vector {j} is off by {difference}");
        }
        let gram = product(found.transpose(), found.as_ref());
        for i in 0..20 {
            for j in 0..20 {
                let expected = f64::from(u8::from(i == j));
                assert!((gram[(i, j)] - expected).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_matrix_of_few_directions_has_them() {
        for rank in [1, 40, 299, 470] {
            let mut rng = stream(8, Stream::Weights);
            let x = Mat::from_fn(rank, 1100, |_, _| {
                let normal: f64 = StandardNormal.sample(&mut rng);
                normal
            });
            let matrix = product(x.transpose(), x.as_ref());
            let found = leading_eigenvectors(matrix.as_ref(), 50, 50).expect("vectors");
            let turned = product(x.as_ref(), x.transpose());
            let exact = leading_of_all(turned.as_ref(), rank.min(50)).expect("values");
            let expected = exact.values.iter().copied().chain([0.0; 50]);
            for (j, (found, expected)) in found.values.iter().zip(expected).enumerate() {
                let difference = (found - expected).abs() / exact.values[0];
                assert!(
                    difference < 1e-3,
                    "{rank}: value {j} is off by {difference}"
                );
            }
            let gram = product(found.vectors.transpose(), found.vectors.as_ref());
            for i in 0..50 {
                for j in 0..50 {
                    let expected = f64::from(u8::from(i == j));
                    assert!((gram[(i, j)] - expected).abs() < 1e-9, "{rank}");
                }
            }
        }
    }

    #[test]
    fn small_matrices_are_decomposed_whole() {
        let matrix = Mat::from_fn(3, 3, |i, j| if i == j { (i + 1) as f64 } else { 0.0 });
        let found = leading_eigenvectors(matrix.as_ref(), 2, 2).expect("vectors");
        let found = found.vectors;
        assert!((found[(2, 0)] - 1.0).abs() < 1e-12 && (found[(1, 1)] - 1.0).abs() < 1e-12);
        let values = leading_of_all(matrix.as_ref(), 2).expect("values").values;
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 2.0).abs() < 1e-12);
    }
}
