//! What cosine distances between cells are taken on: expression, or its principal components.

use ndarray::{ArcArray2, Array2, Axis};

use crate::preprocess::{Prepared, PreprocessError, pca};

/// From this many cells in a graph on, distances are taken on principal components.
const COMPONENTS_FROM: usize = 10_000;

/// Number of those components.
const N_COMPONENTS: usize = 50;

/// Cells as vectors, for all prepared cells.
#[derive(Debug)]
pub enum Features {
    /// Log-normalised HVGs, made dense for the cells asked for.
    Expression,
    /// Scores of the leading principal components, all cells × components.
    Components(ArcArray2<f32>),
}

impl Features {
    /// The features for a graph of `n_in_graph` of the prepared cells: `n_pcs` principal components, or, where that
    /// is `None`, expression below 10,000 cells and 50 components from there on.
    ///
    /// Deviation: the published script takes expression below 10,000 cells, where a cosine distance between
    /// sparsely counted cells is mostly noise.
    ///
    /// # Errors
    ///
    /// When the principal components cannot be found.
    pub fn choose(
        prepared: &Prepared,
        n_in_graph: usize,
        n_pcs: Option<usize>,
    ) -> Result<Self, PreprocessError> {
        match n_pcs {
            Some(n_pcs) => pca(prepared, n_pcs).map(Self::components),
            None if n_in_graph < COMPONENTS_FROM => Ok(Self::Expression),
            None => pca(prepared, N_COMPONENTS).map(Self::components),
        }
    }

    fn components(scores: Array2<f32>) -> Self {
        Self::Components(scores.into_shared())
    }

    /// The features of some cells (positions in `prepared`): cells × features.
    #[must_use]
    pub fn of(&self, prepared: &Prepared, cells: &[usize]) -> Array2<f32> {
        match self {
            Self::Expression => prepared.lognorm(cells),
            Self::Components(scores) => scores.select(Axis(0), cells),
        }
    }
}
