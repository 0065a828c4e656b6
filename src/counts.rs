//! Sparse count matrices, as every stage passes them on.

use std::{error::Error, fmt::Debug, ops::Range};

/// Cells × genes in compressed sparse rows: `f32` values, `u32` columns, 64-bit row offsets.
pub type Csr = sprs::CsMatI<f32, u32, usize>;

/// Why counts could not be read, in the words of the format that holds them.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CountsError(Box<dyn Error + Send + Sync>);

impl CountsError {
    /// What a format says.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// Raw counts, cells × genes, that can be read a run of rows at a time.
pub trait CountSource: Debug + Sync {
    /// Number of cells (rows).
    fn n_cells(&self) -> usize;

    /// Number of genes (columns).
    fn n_genes(&self) -> usize;

    /// The raw counts of a run of cells: whole numbers above 0, columns sorted within a row, duplicates
    /// summed.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or holds something else there.
    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError>;
}

/// What may stand for a count that is not a whole number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountRules {
    /// Fractions are rounded: counts that were corrected for ambient RNA, or estimated.
    pub round: bool,
    /// NaN and missing entries are 0.
    pub nan_as_zero: bool,
}

/// Above this, 2³¹, no value is a count: so many molecules or reads are in no cell, and such values come from another scale or from
/// damage.
pub(crate) const LARGEST_COUNT: f32 = 2_147_483_648.0;

/// How far a value may lie from a whole number and still be that number: arithmetic in single precision leaves as much.
const NEAR: f32 = 1e-4;

impl CountRules {
    /// The count that a value stands for; `None` where it stands for none.
    #[must_use]
    pub fn count(self, value: f32) -> Option<f32> {
        let whole = value.round();
        if value.is_nan() {
            self.nan_as_zero.then_some(0.0)
        } else if value < -NEAR || whole > LARGEST_COUNT {
            None
        } else if self.round || (value - whole).abs() <= NEAR {
            // Adding 0 makes a negative zero positive.
            Some(whole + 0.0)
        } else {
            None
        }
    }
}

impl CountSource for Csr {
    fn n_cells(&self) -> usize {
        self.rows()
    }

    fn n_genes(&self) -> usize {
        self.cols()
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError> {
        Ok(self.slice_outer(cells).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arithmetic_left_near_a_whole_number_is_that_number() {
        let strict = CountRules::default();
        for (value, count) in [(3.0, 3.0), (3.000_000_2, 3.0), (2.9999, 3.0), (-1e-6, 0.0)] {
            assert_eq!(strict.count(value), Some(count), "{value}");
        }
        for value in [0.5, 2.999, -1.0, f32::INFINITY, f32::NAN] {
            assert_eq!(strict.count(value), None, "{value}");
        }
    }

    #[test]
    fn no_cell_has_more_than_two_billion_molecules_of_a_gene() {
        let round = CountRules {
            round: true,
            ..CountRules::default()
        };
        for rules in [CountRules::default(), round] {
            assert_eq!(rules.count(LARGEST_COUNT), Some(LARGEST_COUNT));
            for value in [LARGEST_COUNT.next_up(), 1e12, 1e30, f32::INFINITY] {
                assert_eq!(rules.count(value), None, "{value}");
            }
        }
    }

    #[test]
    fn fractions_and_nan_are_counts_where_the_user_says_so() {
        let round = CountRules {
            round: true,
            ..CountRules::default()
        };
        assert_eq!(
            (round.count(0.92), round.count(0.4)),
            (Some(1.0), Some(0.0))
        );
        assert_eq!((round.count(-0.5), round.count(f32::NAN)), (None, None));
        let zero = CountRules {
            nan_as_zero: true,
            ..CountRules::default()
        };
        assert_eq!((zero.count(f32::NAN), zero.count(0.5)), (Some(0.0), None));
    }
}
