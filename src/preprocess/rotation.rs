//! Columns of numbers, less their means, rotated to components.

use faer::Mat;
use ndarray::Array2;

/// Means and loadings that were found on some cells, for any cells.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Mean of each column over the cells that it was found on.
    pub(super) mean: Vec<f32>,
    /// columns × components.
    pub(super) loadings: Mat<f32>,
}

impl Rotation {
    /// One that was found before: the mean of each column, and columns × components.
    pub(crate) fn of(mean: Vec<f32>, loadings: &Array2<f32>) -> Self {
        let loadings = Mat::from_fn(loadings.nrows(), loadings.ncols(), |column, component| {
            loadings[(column, component)]
        });
        Self { mean, loadings }
    }

    /// Mean of each column over the cells that it was found on.
    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// columns × components.
    pub(crate) fn loadings(&self) -> Array2<f32> {
        to_array(&self.loadings)
    }

    /// Number of components.
    pub(crate) fn n_components(&self) -> usize {
        self.loadings.ncols()
    }
}

/// A matrix copied.
pub(super) fn to_array<T: Copy>(matrix: &Mat<T>) -> Array2<T> {
    Array2::from_shape_fn((matrix.nrows(), matrix.ncols()), |place| matrix[place])
}
