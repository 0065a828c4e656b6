//! One function for each rule that a typed value has to meet.

use std::ops::RangeInclusive;

use crate::{
    config::{CellTypes, ClusterTarget, Cuda, LeidenGraph, Resolution},
    graph::{Aggregation, Aim, Method},
    preset::Preset,
};

/// `True`, `False`, `1`, `0`, `yes` or `no`, in any case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("must be True or False (or yes, no, 1, 0)".to_owned()),
    }
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
        return Ok(Resolution::Auto);
    }
    positive(100.0)(text)
        .map(Resolution::Fixed)
        .map_err(|why| format!("{why}, or auto"))
}

/// The set of defaults.
pub(super) fn preset(text: &str) -> Result<Preset, String> {
    match text.to_ascii_lowercase().as_str() {
        "published" => Ok(Preset::Published),
        "recommended" => Ok(Preset::Recommended),
        _ => Err("must be published or recommended".to_owned()),
    }
}

/// What Leiden's graph is made of.
pub(super) fn leiden_graph(text: &str) -> Result<LeidenGraph, String> {
    match text.to_ascii_lowercase().as_str() {
        "embedding" => Ok(LeidenGraph::Embedding),
        "expression" => Ok(LeidenGraph::Expression),
        "joint" => Ok(LeidenGraph::Joint),
        _ => Err("must be embedding, expression or joint".to_owned()),
    }
}

/// What the clustering stage learns.
pub(super) fn cluster_target(text: &str) -> Result<ClusterTarget, String> {
    match text.to_ascii_lowercase().as_str() {
        "sharpened" => Ok(ClusterTarget::Sharpened),
        "anchored" => Ok(ClusterTarget::Anchored),
        _ => Err("must be sharpened or anchored".to_owned()),
    }
}

/// What a graph convolution makes of a cell's neighbours.
pub(super) fn aggregation(text: &str) -> Result<Aggregation, String> {
    match text.to_ascii_lowercase().as_str() {
        "sum" => Ok(Aggregation::Sum),
        "mean" => Ok(Aggregation::Mean),
        _ => Err("must be sum or mean".to_owned()),
    }
}

/// What the graph branch learns to reproduce.
pub(super) fn graph_target(text: &str) -> Result<Aim, String> {
    match text.to_ascii_lowercase().as_str() {
        "distance" => Ok(Aim::Distances),
        "similarity" => Ok(Aim::Similarities),
        _ => Err("must be distance or similarity".to_owned()),
    }
}

/// A bound of z-scores, or 0 for none.
pub(super) fn max_value(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| *value == 0.0 || (1.0..=1000.0).contains(value))
        .ok_or_else(|| "must be 0 (no clipping), or a number from 1 to 1000".to_owned())
}

/// Principal components, or 0 for expression.
pub(super) fn n_pcs(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|n| *n == 0 || (2..=1000).contains(n))
        .ok_or_else(|| "must be 0 (expression), or a whole number from 2 to 1000".to_owned())
}

/// The kernel of the cell graph.
pub(super) fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_lowercase().as_str() {
        "gauss" => Ok(Method::Gauss),
        "umap" => Ok(Method::Umap),
        _ => Err("must be gauss or umap".to_owned()),
    }
}

/// `auto`, or whether the GPU is used.
pub(super) fn cuda(text: &str) -> Result<Cuda, String> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Cuda::Auto);
    }
    match boolean(text) {
        Ok(true) => Ok(Cuda::Always),
        Ok(false) => Ok(Cuda::Never),
        Err(_) => Err("must be auto, True or False".to_owned()),
    }
}

/// Where true labels are: the published script's words, or the name of an `obs` column.
pub(super) fn celltype(text: &str) -> Result<CellTypes, String> {
    let word = text.to_ascii_lowercase();
    match (word.as_str(), boolean(text)) {
        ("", _) => Err("must be known, unknown or the name of an obs column".to_owned()),
        ("auto", _) => Ok(CellTypes::Auto),
        ("known", _) | (_, Ok(true)) => Ok(CellTypes::Column("celltype".to_owned())),
        ("unknown", _) | (_, Ok(false)) => Ok(CellTypes::Unknown),
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

    #[test]
    fn booleans_are_typed_as_in_python() {
        for word in ["True", "true", "TRUE", "1", "yes", "Yes"] {
            assert_eq!(boolean(word), Ok(true), "{word}");
        }
        for word in ["False", "false", "0", "no", "NO"] {
            assert_eq!(boolean(word), Ok(false), "{word}");
        }
        for word in ["", "maybe", "2", "t", " True"] {
            assert!(boolean(word).is_err(), "{word}");
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
    fn graph_methods_are_gauss_and_umap() {
        assert_eq!(method("gauss"), Ok(Method::Gauss));
        assert_eq!(method("UMAP"), Ok(Method::Umap));
        assert!(method("rbf").is_err());
    }
}
