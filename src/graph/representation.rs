//! What cosine distances between cells are taken on: expression, or its principal components.

use ndarray::{ArcArray2, Array2, Axis};

use crate::preprocess::{N_COMPONENTS, Prepared, PreprocessError, PrincipalComponents};

/// From this many cells in a graph on, distances are taken on principal components.
const COMPONENTS_FROM: usize = 10_000;

/// Cells as vectors, for all prepared cells.
#[derive(Debug)]
pub enum Representation {
    /// Log-normalised HVGs, made dense for the cells asked for.
    Expression,
    /// Scores in principal components, all cells × components, and in which.
    Components(ArcArray2<f32>, Projection),
}

/// What features of any cell are, given a run's model.
#[derive(Debug, Clone, PartialEq)]
pub enum Projection {
    /// Log-normalised HVGs.
    Expression,
    /// Scores in the view of the log-normalised HVGs.
    View,
    /// Scores in principal components of their own.
    Components(PrincipalComponents),
}

impl Representation {
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
        let n_pcs = match n_pcs {
            Some(n_pcs) => n_pcs,
            None if n_in_graph < COMPONENTS_FROM => return Ok(Self::Expression),
            None => N_COMPONENTS,
        };
        let components = PrincipalComponents::find(prepared, n_pcs)?;
        let scores = components.scores(prepared).into_shared();
        Ok(Self::Components(scores, Projection::Components(components)))
    }

    /// What they are of any cell.
    #[must_use]
    pub fn projection(&self) -> Projection {
        match self {
            Self::Expression => Projection::Expression,
            Self::Components(_, projection) => projection.clone(),
        }
    }

    /// The features of some cells (positions in `prepared`): cells × features.
    #[must_use]
    pub fn of(&self, prepared: &Prepared, cells: &[usize]) -> Array2<f32> {
        match self {
            Self::Expression => prepared.lognorm(cells),
            Self::Components(scores, _) => scores.select(Axis(0), cells),
        }
    }
}
