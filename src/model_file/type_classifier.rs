//! What tells the cell types of the training data apart.

use ndarray::{Array2, ArrayView2};

use super::{Contents, ModelFileError, TensorFile};

const WEIGHTS: &str = "annotate.celltypes.weights";

/// A multinomial logistic regression: a cell's logits are its features times the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeClassifier {
    /// features × types; the last feature is 1 in every cell.
    pub weights: Array2<f64>,
}

impl TypeClassifier {
    pub(super) fn put(&self, file: &mut Contents) {
        let values = self.weights.iter().copied().collect();
        file.f64(WEIGHTS, self.weights.shape(), values);
    }

    /// That of a model that sees so many features of a cell, and of so many types.
    pub(super) fn take(
        file: &TensorFile,
        n_features: usize,
        n_types: usize,
    ) -> Result<Self, ModelFileError> {
        let (shape, values) = file.f64(WEIGHTS, 2)?;
        file.check(WEIGHTS, shape == [n_features + 1, n_types])?;
        let weights = ArrayView2::from_shape((n_features + 1, n_types), values)
            .map_err(|error| file.damaged(WEIGHTS, &error.to_string()))?;
        Ok(Self {
            weights: weights.to_owned(),
        })
    }
}
