//! Whether a matrix holds raw counts, told from a sample of its values.

use std::fmt;

use super::{
    H5adError,
    element::{Element, Group},
    matrix::Matrix,
    sparse_rows::is_count,
};

/// Above this no value is a logarithm of counts: ln(1 + 10⁸) is 18.4.
const LARGEST_LOGARITHM: f32 = 20.0;

/// What values that are no counts seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seems {
    /// Some are negative, as after scaling.
    Scaled,
    /// Fractions that are small, as after log1p.
    LogNormalised,
    /// Fractions of any size.
    Normalised,
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
            Self::Counts => "",
        })
    }
}

impl Seems {
    /// What the sampled values have in common.
    pub(super) fn of(sample: &[f32]) -> Self {
        let finite = || sample.iter().copied().filter(|value| value.is_finite());
        if finite().any(|value| value < 0.0) {
            Self::Scaled
        } else if finite().all(is_count) {
            Self::Counts
        } else if finite().all(|value| value <= LARGEST_LOGARITHM) {
            Self::LogNormalised
        } else {
            Self::Normalised
        }
    }
}

/// The first value that is no count; NaN stands for 0.
pub(super) fn first_no_count(sample: &[f32]) -> Option<f32> {
    let is_count_or_nan = |value: f32| value.is_nan() || is_count(value);
    sample
        .iter()
        .copied()
        .find(|&value| !is_count_or_nan(value))
}

/// `X`, the layers, and `raw/X`, whose sampled values are all counts, less the one called `except`.
pub(super) fn places_with_counts(root: &Group, except: &str) -> Vec<String> {
    let layers = match root.get("layers") {
        Ok(Some(Element::Group(layers))) => layers.names().unwrap_or_default(),
        _ => Vec::new(),
    };
    let layers = layers.into_iter().map(|name| format!("layers/{name}"));
    ["X".to_owned()]
        .into_iter()
        .chain(layers)
        .chain(["raw/X".to_owned()])
        .filter(|place| place != except && holds_counts(root, place).unwrap_or(false))
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
        let cases: [(&[f32], Seems); 7] = [
            (&[0.0, 3.0, 1e6], Seems::Counts),
            (&[], Seems::Counts),
            (&[f32::NAN, f32::INFINITY, 1.0], Seems::Counts),
            (&[0.0, 0.69, 7.2], Seems::LogNormalised),
            (&[0.5, 2133.7], Seems::Normalised),
            (&[-0.3, 0.0, 10.0], Seems::Scaled),
            (&[-2.0, 4.0], Seems::Scaled),
        ];
        for (sample, seems) in cases {
            assert_eq!(Seems::of(sample), seems, "{sample:?}");
        }
    }

    #[test]
    fn nan_is_no_evidence_against_counts() {
        assert_eq!(first_no_count(&[f32::NAN, 2.0]), None);
        assert_eq!(first_no_count(&[1.0, 0.5, -1.0]), Some(0.5));
        assert_eq!(first_no_count(&[f32::INFINITY]), Some(f32::INFINITY));
    }
}
