//! A matrix over pairs of cells, dense or sparse.

use std::ops::Range;

use ndarray::Array2;
use sprs::binop::csmat_binop;

use crate::counts::Csr;

/// Rows are receiving cells, columns the cells of the graph.
#[derive(Debug, Clone, PartialEq)]
pub enum Adjacency {
    /// Every pair is stored.
    Dense(Array2<f32>),
    /// Pairs that are not stored are 0.
    Sparse(Csr),
}

impl Adjacency {
    /// Numbers of rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Dense(dense) => dense.dim(),
            Self::Sparse(sparse) => sparse.shape(),
        }
    }

    /// Calls `see(column, weight)` for every stored entry of row `i`, by rising column.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn each_in_row(&self, i: usize, mut see: impl FnMut(usize, f32)) {
        match self {
            Self::Dense(dense) => {
                for (column, &weight) in dense.row(i).iter().enumerate() {
                    see(column, weight);
                }
            }
            Self::Sparse(sparse) => {
                let range = sparse.indptr().outer_inds_sz(i);
                let columns = &sparse.indices()[range.clone()];
                for (&column, &weight) in columns.iter().zip(&sparse.data()[range]) {
                    see(column as usize, weight);
                }
            }
        }
    }

    /// Writes row `i` over `out`, one entry per column.
    ///
    /// # Panics
    ///
    /// If there is no such row, or `out` is not as long as there are columns.
    pub fn copy_row(&self, i: usize, out: &mut [f32]) {
        match self {
            Self::Dense(dense) => {
                dense
                    .row(i)
                    .iter()
                    .zip(out)
                    .for_each(|(&weight, out)| *out = weight);
            }
            Self::Sparse(_) => {
                out.fill(0.0);
                self.each_in_row(i, |column, weight| out[column] = weight);
            }
        }
    }

    /// A run of rows as a dense matrix.
    #[must_use]
    pub fn dense_rows(&self, rows: Range<usize>) -> Array2<f32> {
        let mut block = Array2::zeros((rows.len(), self.shape().1));
        for (i, mut out) in rows.zip(block.rows_mut()) {
            if let Some(out) = out.as_slice_mut() {
                self.copy_row(i, out);
            }
        }
        block
    }
}

/// Combines the weights of a pair's two directions, 0 where there is none.
pub(super) fn symmetric(directed: &Csr, combine: impl Fn(f32, f32) -> f32) -> Csr {
    let reversed = directed.to_csc().transpose_into();
    csmat_binop(directed.view(), reversed.view(), |&a, &b| combine(a, b))
}
