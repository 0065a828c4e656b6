//! What the model's graph branch learns to reproduce of a pair of cells.

use ndarray::Array2;
use strum::{EnumString, IntoStaticStr, VariantNames};

/// The target of the graph loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(ascii_case_insensitive)]
pub enum Aim {
    /// The cosine distance D of the two cells, as published.
    #[strum(serialize = "distance")]
    Distances,
    /// Their cosine similarity max(1 − D, 0): like cells get like codes.
    ///
    /// Deviation: with the distance as target, the codes of like cells are pushed apart.
    #[strum(serialize = "similarity")]
    Similarities,
}

impl Aim {
    /// The target of two cells at a cosine distance from 0 to 2.
    #[must_use]
    pub fn of(self, distance: f32) -> f32 {
        match self {
            Self::Distances => distance,
            Self::Similarities => (1.0 - distance).max(0.0),
        }
    }

    /// The targets in the place of a dense block of distances.
    pub(super) fn of_dense(self, mut distances: Array2<f32>) -> Array2<f32> {
        if self == Self::Similarities {
            distances.par_mapv_inplace(|distance| self.of(distance));
        }
        distances
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn similar_cells_have_a_target_of_one_and_opposite_ones_of_zero() {
        let distances = array![[0.0_f32, 0.25], [2.0, 1.0]];
        let found = Aim::Similarities.of_dense(distances.clone());
        assert_eq!(found, array![[1.0, 0.75], [0.0, 0.0]]);
        assert_eq!(Aim::Distances.of_dense(distances.clone()), distances);
    }
}
