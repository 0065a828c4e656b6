//! How good a clustering is: by its own shape and, where true labels are known, against them.

use std::{collections::BTreeSet, fmt};

use ndarray::ArrayView2;
use serde::Serialize;

use super::{adjusted_rand_index, davies_bouldin, normalized_mutual_info, silhouette};

/// True labels of n cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The different labels, sorted.
    pub names: Vec<String>,
    /// Each cell's label as a position in `names`; `None` for a cell without one.
    pub codes: Vec<Option<usize>>,
}

impl Truth {
    /// The labels of the cells at `kept`, out of those of a whole file.
    pub fn of_cells(labels: &[Option<String>], kept: &[usize]) -> Self {
        let labels: Vec<Option<&str>> = kept.iter().map(|&cell| labels[cell].as_deref()).collect();
        let names: Vec<&str> = labels
            .iter()
            .flatten()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let code = |label: &str| names.binary_search(&label).ok();
        Self {
            codes: labels
                .into_iter()
                .map(|label| label.and_then(code))
                .collect(),
            names: names.into_iter().map(String::from).collect(),
        }
    }
}

/// Scores of a clustering; `None` where a score is undefined or unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Mean silhouette width of the embedding, −1 to 1; higher is better.
    pub asw: Option<f64>,
    /// Davies–Bouldin index of the embedding, from 0; lower is better.
    pub db: Option<f64>,
    /// Adjusted Rand index against the true labels, at most 1.
    pub ari: Option<f64>,
    /// Normalised mutual information with the true labels, 0 to 1.
    pub nmi: Option<f64>,
}

impl Scores {
    /// Scores `labels` of the cells of `z` (n × d). Cells without a true label do not count for ARI and NMI.
    pub fn of(z: ArrayView2<'_, f32>, labels: &[usize], truth: Option<&Truth>) -> Self {
        let known: Vec<(usize, usize)> = truth
            .map(|truth| truth.codes.iter().zip(labels))
            .into_iter()
            .flatten()
            .filter_map(|(code, &label)| Some(((*code)?, label)))
            .collect();
        let (codes, found): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let against = |score: fn(&[usize], &[usize]) -> f64| {
            (!codes.is_empty()).then(|| score(&codes, &found))
        };
        Self {
            asw: silhouette(z, labels),
            db: davies_bouldin(z, labels),
            ari: against(adjusted_rand_index),
            nmi: against(normalized_mutual_info),
        }
    }
}

/// The last line of a run, as the published script prints it.
impl fmt::Display for Scores {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defined = |score: Option<f64>| score.filter(|score| score.is_finite());
        match (defined(self.asw), defined(self.db)) {
            (None, None) => {
                formatter.write_str("Final: ASW and DB are not defined")?;
            }
            (asw, db) => {
                let score =
                    |score: Option<f64>| score.map_or("-".to_owned(), |score| decimals(score, 3));
                write!(formatter, "Final ASW {}, DB {}", score(asw), score(db))?;
            }
        }
        for (name, score) in [("ARI", self.ari), ("NMI", self.nmi)] {
            if let Some(score) = defined(score) {
                write!(formatter, ", {name} {}", decimals(score, 3))?;
            }
        }
        Ok(())
    }
}

/// A score with so many decimals; what is rounded to 0 has no sign.
pub(crate) fn decimals(score: f64, n: usize) -> String {
    let rounded = format!("{score:.n$}");
    if rounded.parse() == Ok(0.0) {
        return format!("{:.n$}", 0.0);
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    const SCORES: Scores = Scores {
        asw: Some(0.809),
        db: Some(0.2114),
        ari: Some(0.8716),
        nmi: Some(0.848),
    };

    #[test]
    fn the_last_line_is_the_published_one() {
        assert_eq!(
            SCORES.to_string(),
            "Final ASW 0.809, DB 0.211, ARI 0.872, NMI 0.848"
        );
    }

    #[test]
    fn the_last_line_without_labels_or_clusters() {
        let without_labels = Scores {
            ari: None,
            nmi: None,
            ..SCORES
        };
        assert_eq!(without_labels.to_string(), "Final ASW 0.809, DB 0.211");
        let one_cluster = Scores {
            asw: None,
            db: Some(f64::NAN),
            ..SCORES
        };
        assert_eq!(
            one_cluster.to_string(),
            "Final: ASW and DB are not defined, ARI 0.872, NMI 0.848"
        );
    }

    #[test]
    fn scores_are_rounded_and_0_has_no_sign() {
        for (score, n, text) in [
            (-0.0001, 3, "0.000"),
            (-0.0006, 3, "-0.001"),
            (-0.0006, 2, "0.00"),
            (0.8716, 3, "0.872"),
        ] {
            assert_eq!(decimals(score, n), text);
        }
    }

    #[test]
    fn cells_without_a_label_do_not_count() {
        let labels = ["b", "a", "", "b"].map(|label| (!label.is_empty()).then(|| label.to_owned()));
        let truth = Truth::of_cells(&labels, &[0, 1, 2, 3]);
        assert_eq!(truth.names, ["a", "b"]);
        assert_eq!(truth.codes, [Some(1), Some(0), None, Some(1)]);
        let z = array![[0.0_f32], [5.0], [9.0], [0.1]];
        let scores = Scores::of(z.view(), &[0, 1, 1, 0], Some(&truth));
        assert_eq!(scores.ari, Some(1.0));
        assert_eq!(Scores::of(z.view(), &[0, 1, 1, 0], None).nmi, None);
    }
}
