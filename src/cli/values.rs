//! One function for each rule that a typed value has to meet.

use std::{ops::RangeInclusive, str::FromStr};

use strum::VariantNames;

use crate::{
    kernels::device::Cuda,
    partition::{Cut, Granularity, Resolution},
    read::CellTypes,
};

/// A boolean option: `True`, `False`, `1`, `0`, `yes` or `no`, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Switch(pub bool);

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Self(true)),
            "false" | "0" | "no" => Ok(Self(false)),
            _ => Err("must be True or False (or yes, no, 1, 0)".to_owned()),
        }
    }
}

/// Names of columns, one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns(pub Vec<String>);

/// Names of columns, joined by commas.
pub(super) fn columns(text: &str) -> Result<Columns, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err("must be the name of a column, or several joined by commas".to_owned());
    }
    Ok(Columns(names))
}

/// One of the words of `T`, in any case.
pub(super) fn word<T: FromStr + VariantNames>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| match T::VARIANTS {
        [words @ .., last] => format!("must be {} or {last}", words.join(", ")),
        [] => "has no value".to_owned(),
    })
}

/// A whole number within `range`.
pub(super) fn whole(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync {
    move |text| {
        text.parse()
            .ok()
            .filter(|value| range.contains(value))
            .ok_or_else(|| {
                format!(
                    "must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
    }
}

/// Cells of a mini-batch, or 0 for all cells.
pub(super) fn batch_size(text: &str) -> Result<u64, String> {
    let range = 32..=1_000_000;
    text.parse()
        .ok()
        .filter(|size| *size == 0 || range.contains(size))
        .ok_or_else(|| {
            format!(
                "must be 0 (all cells), or a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

/// A finite number above 0 and not above `most`.
pub(super) fn positive(most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| {
        text.parse()
            .ok()
            .filter(|value| *value > 0.0 && *value <= most)
            .ok_or_else(|| format!("must be a number above 0 and at most {most}"))
    }
}

/// `auto`, or a number above 0.
pub(super) fn resolution(text: &str) -> Result<Resolution, String> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Resolution::Tree(Cut::Evidence(Granularity::Auto)));
    }
    positive(100.0)(text)
        .map(Resolution::Fixed)
        .map_err(|why| format!("{why}, or auto"))
}

/// A bound of z-scores, or 0 for none.
pub(super) fn max_value(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| *value == 0.0 || (1.0..=1000.0).contains(value))
        .ok_or_else(|| "must be 0 (no clipping), or a number from 1 to 1000".to_owned())
}

/// A share in percent.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| (0.0..=100.0).contains(value))
        .ok_or_else(|| "must be a number from 0 to 100".to_owned())
}

/// Principal components, or 0 for expression.
pub(super) fn n_pcs(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|n| *n == 0 || (2..=1000).contains(n))
        .ok_or_else(|| "must be 0 (expression), or a whole number from 2 to 1000".to_owned())
}

/// `auto`, or whether the GPU is used.
pub(super) fn cuda(text: &str) -> Result<Cuda, String> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Cuda::Auto);
    }
    match text.parse() {
        Ok(Switch(true)) => Ok(Cuda::Always),
        Ok(Switch(false)) => Ok(Cuda::Never),
        Err(_) => Err("must be auto, True or False".to_owned()),
    }
}

/// Where true labels are: the published script's words, or the name of an `obs` column.
pub(super) fn celltype(text: &str) -> Result<CellTypes, String> {
    let word = text.to_ascii_lowercase();
    match (word.as_str(), text.parse()) {
        ("", _) => Err("must be known, unknown or the name of an obs column".to_owned()),
        ("auto", _) => Ok(CellTypes::Auto),
        ("known", _) | (_, Ok(Switch(true))) => Ok(CellTypes::Column("celltype".to_owned())),
        ("unknown", _) | (_, Ok(Switch(false))) => Ok(CellTypes::Unknown),
        _ => Ok(CellTypes::Column(text.to_owned())),
    }
}

/// The name of a layer, which is no path.
pub(super) fn layer(text: &str) -> Result<String, String> {
    match text {
        "" | "." | ".." => Err("must be the name of a layer".to_owned()),
        name => match name.strip_prefix("layers/").unwrap_or(name) {
            name if name.contains('/') => Err("must be the name of a layer, not a path".to_owned()),
            name => Ok(name.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::{Aim, Method},
        partition::LeidenGraph,
    };

    #[test]
    fn booleans_are_typed_as_in_python() {
        for word in ["True", "true", "TRUE", "1", "yes", "Yes"] {
            assert_eq!(word.parse(), Ok(Switch(true)), "{word}");
        }
        for word in ["False", "false", "0", "no", "NO"] {
            assert_eq!(word.parse(), Ok(Switch(false)), "{word}");
        }
        for word in ["", "maybe", "2", "t", " True"] {
            assert!(word.parse::<Switch>().is_err(), "{word}");
        }
    }

    #[test]
    fn whole_numbers_keep_to_their_range() {
        let heads = whole(1..=64);
        assert_eq!(heads("1"), Ok(1));
        assert_eq!(heads("64"), Ok(64));
        for text in ["0", "65", "-1", "2.5", "1e1", "", "99999999999999999999"] {
            let refusal = heads(text).expect_err(text);
            assert_eq!(refusal, "must be a whole number from 1 to 64");
        }
    }

    #[test]
    fn positive_numbers_are_finite() {
        let lr = positive(1.0);
        assert_eq!(lr("1e-3"), Ok(1e-3));
        assert_eq!(lr("1"), Ok(1.0));
        for text in ["0", "-0.1", "nan", "inf", "-inf", "1.01", "x", ""] {
            let refusal = lr(text).expect_err(text);
            assert_eq!(refusal, "must be a number above 0 and at most 1");
        }
    }

    #[test]
    fn celltype_takes_the_published_words_and_columns() {
        let known = CellTypes::Column("celltype".to_owned());
        for word in ["known", "True", "KNOWN", "1", "yes"] {
            assert_eq!(celltype(word), Ok(known.clone()), "{word}");
        }
        for word in ["unknown", "False", "0", "no"] {
            assert_eq!(celltype(word), Ok(CellTypes::Unknown), "{word}");
        }
        assert_eq!(celltype("auto"), Ok(CellTypes::Auto));
        let column = CellTypes::Column("Cell_Type".to_owned());
        assert_eq!(celltype("Cell_Type"), Ok(column));
        assert!(celltype("").is_err());
    }

    #[test]
    fn cuda_is_automatic_on_or_off() {
        assert_eq!(cuda("Auto"), Ok(Cuda::Auto));
        assert_eq!(cuda("True"), Ok(Cuda::Always));
        assert_eq!(cuda("0"), Ok(Cuda::Never));
        assert!(cuda("gpu").is_err());
    }

    #[test]
    fn a_layer_is_named_with_or_without_its_folder() {
        assert_eq!(layer("counts"), Ok("counts".to_owned()));
        assert_eq!(layer("layers/counts"), Ok("counts".to_owned()));
        for text in ["", "..", "raw/X", "layers/a/b"] {
            assert!(layer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_those_of_the_option() {
        assert_eq!(word("gauss"), Ok(Method::Gauss));
        assert_eq!(word("UMAP"), Ok(Method::Umap));
        let refused = word::<Method>("rbf");
        assert_eq!(refused, Err("must be gauss or umap".to_owned()));
        assert_eq!(word("similarity"), Ok(Aim::Similarities));
        let refused = word::<LeidenGraph>("similarities");
        let expected = "must be embedding, expression, joint or dense";
        assert_eq!(refused, Err(expected.to_owned()));
    }
}
