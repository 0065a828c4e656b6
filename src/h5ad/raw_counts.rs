//! Whether a matrix holds raw counts, told from a sample of its values.

use std::fmt;

use super::{
    H5adError,
    element::{Element, Group},
    element_path::ElementPath,
    matrix::Matrix,
};
use crate::counts::{CountRules, LARGEST_COUNT};

/// Above this no value is a logarithm of counts: ln(1 + 10⁸) is 18.4.
const LARGEST_LOGARITHM: f32 = 20.0;
/// A row of fewer values than this tells nothing of how it was scaled.
const ROW_VALUES: usize = 8;
/// How far a multiple of a row's smallest value may lie from a whole one: values are rounded when they are written.
const MULTIPLE_ERROR: f64 = 5e-3;
/// Multiples beyond this are too coarse to be told from whole ones.
const LARGEST_MULTIPLE: f64 = 50.0;

/// What values that are not counts seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seems {
    /// Some are negative, as after scaling.
    Scaled,
    /// Fractions that are small, as after log1p.
    LogNormalised,
    /// Fractions of any size, the same multiple of a count in all of a cell.
    Normalised,
    /// Fractions that were counts, as programs that remove ambient RNA or share reads out leave them.
    Corrected,
    /// Fractions that may be either.
    Fractions,
    /// Whole numbers, of which some are beyond any count.
    TooLarge,
    /// Counts but for the value found.
    Counts,
}

/// The middle of a message: `; the values seem to be scaled`.
impl fmt::Display for Seems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scaled => "; the values seem to be scaled (some are negative)",
            Self::LogNormalised => "; the values seem to be log-normalised (small fractions)",
            Self::Normalised => "; the values seem to be normalised (fractions)",
            Self::Corrected => {
                "; the values seem to be counts that were corrected for ambient RNA (SoupX, CellBender) or estimated \
                 (RSEM, salmon, alevin): -round True rounds them to whole numbers"
            }
            Self::Fractions => {
                "; the values are fractions: either they are normalised, or they are counts that were corrected for \
                 ambient RNA (SoupX, CellBender) or estimated (RSEM, salmon, alevin), which -round True rounds to \
                 whole numbers"
            }
            Self::TooLarge => {
                "; it is more than any cell has of a gene (a count is at most 2,147,483,648)"
            }
            Self::Counts => "",
        })
    }
}

impl Seems {
    /// What sampled values have in common. `rows` are the values of some whole cells, where those are known; zeros, which a
    /// file may store or not, tell nothing.
    pub(crate) fn of(sample: &[f32], rows: &[Vec<f32>]) -> Self {
        let rows: Vec<Vec<f32>> = rows.iter().map(|row| not_zero(row)).collect();
        let finite = || sample.iter().copied().filter(|value| value.is_finite());
        // Those that are too large are whole numbers, too.
        let is_count = |value: f32| {
            CountRules::default()
                .count(value.min(LARGEST_COUNT))
                .is_some()
        };
        let largest = finite().fold(0.0, f32::max);
        if finite().any(|value| value < 0.0 && !is_count(value)) {
            Self::Scaled
        } else if finite().all(is_count) && (largest >= 0.5 || finite().all(|value| value == 0.0)) {
            Self::Counts.with(largest)
        } else if have_equal_totals(&rows) || are_multiples(&rows, |value| value) {
            Self::Normalised
        } else if largest <= LARGEST_LOGARITHM && are_logarithms(&rows) {
            Self::LogNormalised
        } else if largest > LARGEST_LOGARITHM || lie_near_whole_numbers(finite()) {
            if rows.iter().all(|row| row.len() < ROW_VALUES) {
                Self::Fractions
            } else {
                Self::Corrected
            }
        } else {
            Self::LogNormalised
        }
    }

    /// What the values seem to be once one of them is refused, which may be too large whatever the others are.
    pub(crate) fn with(self, refused: f32) -> Self {
        if refused.is_finite() && refused > LARGEST_COUNT {
            Self::TooLarge
        } else {
            self
        }
    }

    /// Whether `-round` may make counts of such values.
    pub(crate) fn may_be_rounded(self) -> bool {
        matches!(self, Self::Corrected | Self::Fractions | Self::Counts)
    }
}

fn not_zero(values: &[f32]) -> Vec<f32> {
    let values = values.iter().copied();
    values.filter(|&value| value != 0.0).collect()
}

/// Whether three rows or more have the same total within a percent, as after scaling to a million.
fn have_equal_totals(rows: &[Vec<f32>]) -> bool {
    let total = |row: &Vec<f32>| row.iter().map(|&value| f64::from(value)).sum::<f64>();
    let totals: Vec<f64> = rows
        .iter()
        .map(total)
        .filter(|&total| total > 0.0)
        .collect();
    let least = totals.iter().copied().fold(f64::INFINITY, f64::min);
    let most = totals.iter().copied().fold(0.0, f64::max);
    totals.len() >= 3 && most <= 1.01 * least
}

/// Whether rows are logarithms of 1 + a scaled count, to one of the usual bases.
fn are_logarithms(rows: &[Vec<f32>]) -> bool {
    let bases = [1.0, std::f64::consts::LN_2, std::f64::consts::LN_10];
    bases
        .iter()
        .any(|base| are_multiples(rows, |value| (value * base).exp_m1()))
}

/// Whether nine of ten rows hold whole multiples of their smallest value: that one was a count of 1.
fn are_multiples(rows: &[Vec<f32>], undo: impl Fn(f64) -> f64) -> bool {
    let is_scaled = |row: &&Vec<f32>| {
        let values: Vec<f64> = row.iter().map(|&value| undo(f64::from(value))).collect();
        let unit = values.iter().copied().fold(f64::INFINITY, f64::min);
        let multiples = values.iter().map(|value| value / unit);
        let telling = multiples.filter(|multiple| (1.5..LARGEST_MULTIPLE).contains(multiple));
        let off: Vec<bool> = telling
            .map(|multiple| (multiple - multiple.round()).abs() > MULTIPLE_ERROR)
            .collect();
        off.iter().filter(|&&off| off).count() * 20 <= off.len()
    };
    let rows: Vec<&Vec<f32>> = rows.iter().filter(|row| row.len() >= ROW_VALUES).collect();
    !rows.is_empty() && rows.iter().copied().filter(is_scaled).count() * 10 >= 9 * rows.len()
}

/// Whether two of five values that are not 0 lie within a tenth of a whole number, twice what chance gives.
fn lie_near_whole_numbers(values: impl Iterator<Item = f32>) -> bool {
    let values: Vec<f32> = values.filter(|&value| value != 0.0).collect();
    let is_near = |value: &&f32| **value > 0.5 && (**value - value.round()).abs() <= 0.1;
    values.iter().filter(is_near).count() * 5 >= 2 * values.len()
}

/// The first value that is not a count; a sample of nothing but dust, which would all be rounded to 0, is not counts
/// either. NaN stands for 0.
pub(super) fn first_no_count(sample: &[f32]) -> Option<f32> {
    let rules = CountRules {
        nan_as_zero: true,
        ..CountRules::default()
    };
    let wrong = sample.iter().find(|&&value| rules.count(value).is_none());
    let is_dust = || sample.iter().all(|&value| value.is_nan() || value < 0.5);
    let dust = || sample.iter().find(|&&value| value > 0.0);
    wrong.or_else(|| is_dust().then(dust).flatten()).copied()
}

/// `X`, the layers, and `raw/X`, whose sampled values are all counts, less the one at `except`.
pub(super) fn places_with_counts(root: &Group, except: &ElementPath) -> Vec<String> {
    let layers = match root.get("layers") {
        Ok(Some(Element::Group(layers))) => layers.names().unwrap_or_default(),
        _ => Vec::new(),
    };
    let layers = layers.into_iter().map(|name| format!("layers/{name}"));
    ["X".to_owned()]
        .into_iter()
        .chain(layers)
        .chain(["raw/X".to_owned()])
        .filter(|place| {
            let is_other = root.place().child(place).element() != except.element();
            is_other && holds_counts(root, place).unwrap_or(false)
        })
        .collect()
}

fn holds_counts(root: &Group, place: &str) -> Result<bool, H5adError> {
    let Some(element) = root.find(place)? else {
        return Ok(false);
    };
    let sample = Matrix::open(element)?.sample()?;
    Ok(first_no_count(&sample).is_none() && sample.iter().any(|&value| value > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_tells_what_was_done_to_the_counts() {
        let cases: [(&[f32], Seems); 9] = [
            (&[0.0, 3.0, 1e6], Seems::Counts),
            (&[0.0, 3.0, 1e12], Seems::TooLarge),
            (&[], Seems::Counts),
            (&[f32::NAN, f32::INFINITY, 1.0], Seems::Counts),
            (&[0.0, 0.69, 7.2], Seems::LogNormalised),
            (&[0.5, 2133.7], Seems::Fractions),
            (&[0.98, 1.0, 2.03, 4.6], Seems::Fractions),
            (&[-0.3, 0.0, 10.0], Seems::Scaled),
            (&[-2.0, 4.0], Seems::Scaled),
        ];
        for (sample, seems) in cases {
            assert_eq!(Seems::of(sample, &[]), seems, "{sample:?}");
        }
    }

    /// Rows of counts, each after `change(row, count)`.
    fn rows(change: impl Fn(usize, f64) -> f64) -> Vec<Vec<f32>> {
        let counts = [1, 2, 1, 5, 3, 1, 7, 2, 31, 4];
        (0..6)
            .map(|row| {
                let changed = counts.iter().skip(row % 2);
                changed
                    .map(|&count| change(row, f64::from(count)) as f32)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn rows_tell_scaled_counts_from_corrected_ones() {
        let depth = |row: usize| 800.0 + 137.0 * row as f64;
        let seems = |mut rows: Vec<Vec<f32>>| {
            let seems = Seems::of(&rows.concat(), &rows);
            for row in &mut rows {
                row.extend([0.0, -0.0]);
            }
            assert_eq!(Seems::of(&rows.concat(), &rows), seems);
            seems
        };
        let normalised = rows(|row, count| 1e4 * count / depth(row));
        assert_eq!(seems(normalised), Seems::Normalised);
        let logged = rows(|row, count| (1e4 * count / depth(row)).ln_1p());
        assert_eq!(seems(logged), Seems::LogNormalised);
        let logged = rows(|row, count| (1e4 * count / depth(row)).ln_1p() / 2_f64.ln());
        assert_eq!(seems(logged), Seems::LogNormalised);
        let corrected = rows(|_, count| (0.93 * count - 0.01).max(0.0));
        assert_eq!(seems(corrected), Seems::Corrected);
        let estimated = rows(|row, count| count + f64::from(u8::from(row == 2)) * 0.25);
        assert_eq!(seems(estimated), Seems::Corrected);
    }

    #[test]
    fn nan_is_no_evidence_against_counts() {
        assert_eq!(first_no_count(&[f32::NAN, 2.0]), None);
        assert_eq!(first_no_count(&[1.0, 0.5, -1.0]), Some(0.5));
        assert_eq!(first_no_count(&[f32::INFINITY]), Some(f32::INFINITY));
        assert_eq!(first_no_count(&[1.0, 1e12]), Some(1e12));
    }

    #[test]
    fn shares_of_a_cell_are_not_counts_of_zero() {
        assert_eq!(first_no_count(&[0.0, 3e-5, 9e-5]), Some(3e-5));
        assert_eq!(first_no_count(&[0.0, 3e-5, 1.0]), None);
    }
}
