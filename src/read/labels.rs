//! Labels that say that there is none, and labels that say that nobody knows.

use std::collections::BTreeMap;

use super::{DataSet, Inputs, ReadError};

/// How a missing label is written, in small letters.
const MISSING: [&str; 10] = [
    "", "nan", "none", "na", "n/a", "<na>", "#n/a", "null", "nat", "pd.na",
];
/// Labels of cells that nobody could place, in small letters without what is not a letter.
const UNKNOWN: [&str; 20] = [
    "unknown",
    "unassigned",
    "unclassified",
    "undefined",
    "undetermined",
    "unidentified",
    "unclear",
    "uncertain",
    "unlabeled",
    "unlabelled",
    "unannotated",
    "notassigned",
    "notannotated",
    "ambiguous",
    "doublet",
    "doublets",
    "lowquality",
    "other",
    "others",
    "unk",
];
/// With more different labels than this share of the cells, the column does not hold types.
const MOST_DIFFERENT: f64 = 0.5;
/// So few labels may be types, whatever their share.
const FEW: usize = 20;

/// Labels without blanks around them; none where the text says that there is none.
pub(super) fn cleaned(labels: Vec<Option<String>>) -> Vec<Option<String>> {
    let clean = |label: Option<String>| {
        let label = label?;
        let trimmed = label.trim();
        let is_missing = MISSING.contains(&trimmed.to_lowercase().as_str());
        (!is_missing).then(|| trimmed.to_owned())
    };
    labels.into_iter().map(clean).collect()
}

/// What the user has to know of true labels that cells are scored against; `kept` are the cells that are labelled.
pub fn note_on_labels(labels: &[Option<String>], kept: &[usize]) -> Vec<String> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for label in kept.iter().filter_map(|&cell| labels[cell].as_deref()) {
        *sizes.entry(label).or_default() += 1;
    }
    let n_labelled: usize = sizes.values().sum();
    let mut notes = vec![match n_labelled {
        0 => format!(
            "none of the {} cells has a label, so that ARI and NMI are not computed",
            kept.len()
        ),
        n => format!(
            "ARI and NMI are computed on {n} of {} cells, those with a label",
            kept.len()
        ),
    }];
    let unknown: Vec<String> = sizes
        .iter()
        .filter(|(label, _)| is_unknown(label))
        .map(|(label, n)| format!("'{label}' ({n} cells)"))
        .collect();
    if !unknown.is_empty() {
        notes.push(format!(
            "each of these labels is scored as a type of its own: {}; to leave such cells out, make their label missing",
            unknown.join(", ")
        ));
    }
    if sizes.len() > FEW && sizes.len() as f64 > MOST_DIFFERENT * n_labelled as f64 {
        notes.push(format!(
            "{} different labels on {n_labelled} cells: is this a column of cell types?",
            sizes.len()
        ));
    }
    notes
}

/// The values of some cells (rows) in some columns of `obs`, with `/` between, different texts for different values; `None` for
/// the others. `inputs` is what the data set was read from.
///
/// # Errors
/// Where there is no such column, or one of the cells has no value there: [`ReadError::NoBatch`].
pub fn crossed_labels(
    data: &DataSet,
    columns: &[String],
    inputs: &Inputs,
    cells: &[usize],
) -> Result<Vec<Option<String>>, ReadError> {
    let columns = &one_or_several(columns, &data.obs.names());
    let columns = columns
        .iter()
        .map(|column| Ok((column, cleaned(data.obs.labels(column)?))))
        .collect::<Result<Vec<_>, ReadError>>()?;
    for (column, labels) in &columns {
        let missing = cells.iter().filter(|&&cell| labels[cell].is_none()).count();
        if missing > 0 {
            return Err(ReadError::NoBatch {
                input: inputs.to_string(),
                column: (*column).clone(),
                missing,
                n_cells: cells.len(),
            });
        }
    }
    let mut crossed = vec![None; data.cell_names.len()];
    for &cell in cells {
        let values = columns
            .iter()
            .filter_map(|(_, labels)| labels[cell].as_deref());
        crossed[cell] = Some(joined(&values.collect::<Vec<_>>()));
    }
    Ok(crossed)
}

/// Columns whose names were told apart by commas; the one of the whole name, where there is such a column and not each of these.
fn one_or_several(columns: &[String], names: &[String]) -> Vec<String> {
    let whole = columns.join(",");
    if names.contains(&whole) && !columns.iter().all(|column| names.contains(column)) {
        vec![whole]
    } else {
        columns.to_vec()
    }
}

/// `d1/plate 2`; `"2020/01/03"/d1` where a value among several has a `/` itself, so that no others give the same text.
fn joined(values: &[&str]) -> String {
    let quoted = |&value: &&str| {
        if values.len() > 1 && value.contains(['/', '"']) {
            format!("{value:?}")
        } else {
            value.to_owned()
        }
    };
    values.iter().map(quoted).collect::<Vec<_>>().join("/")
}

fn is_unknown(label: &str) -> bool {
    let letters = label.chars().filter(|c| c.is_alphabetic());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    UNKNOWN.contains(&plain.as_str()) || matches!(label, "?" | "-" | "." | "--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &[&str]) -> Vec<Option<String>> {
        cleaned(of.iter().map(|label| Some((*label).to_owned())).collect())
    }

    #[test]
    fn what_says_that_there_is_none_is_missing() {
        let cleaned = labels(&["nan", "NaN", "None", "NA", "", "  ", "<NA>", "N/A"]);
        assert!(cleaned.iter().all(Option::is_none), "{cleaned:?}");
        let cleaned = labels(&["T cell ", "T cell", "NK"]);
        assert_eq!(cleaned[0], cleaned[1]);
        assert_eq!(cleaned[2].as_deref(), Some("NK"));
    }

    #[test]
    fn a_name_with_a_comma_is_one_columns_where_there_is_such_a_column() {
        let texts =
            |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        let typed = texts(&["day", "plate"]);
        for (names, expected) in [
            (&["day,plate", "day"][..], &["day,plate"][..]),
            (&["day,plate", "day", "plate"], &["day", "plate"]),
            (&["day"], &["day", "plate"]),
        ] {
            assert_eq!(one_or_several(&typed, &texts(names)), texts(expected));
        }
    }

    #[test]
    fn cells_that_are_scored_are_counted_and_unknown_ones_named() {
        let labels = labels(&["a", "a", "Unknown", "", "a", "b", "b"]);
        assert_eq!(
            note_on_labels(&labels, &[0, 1, 2, 3, 4, 5]),
            [
                "ARI and NMI are computed on 5 of 6 cells, those with a label",
                "each of these labels is scored as a type of its own: 'Unknown' (1 cells); to leave such cells out, make their label missing",
            ]
            .map(str::to_owned)
        );
        assert!(note_on_labels(&labels, &[3])[0].starts_with("none of the 1 cells"));
    }

    #[test]
    fn values_with_slashes_in_them_stay_apart() {
        let cases: [(&[&str], &str); 5] = [
            (&["d1", "plate 2"], "d1/plate 2"),
            (&["2020/01/03"], "2020/01/03"),
            (&["x/y", "z"], "\"x/y\"/z"),
            (&["x", "y/z"], "x/\"y/z\""),
            (&["\"x", "y\"", "z"], "\"\\\"x\"/\"y\\\"\"/z"),
        ];
        for (values, text) in cases {
            assert_eq!(joined(values), text);
        }
    }

    #[test]
    fn names_of_cells_are_noted_as_labels() {
        let names: Vec<String> = (0..30).map(|cell| format!("cell {cell}")).collect();
        let labels = labels(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let cells: Vec<usize> = (0..30).collect();
        let notes = note_on_labels(&labels, &cells);
        assert!(
            notes[1].starts_with("30 different labels on 30 cells"),
            "{notes:?}"
        );
    }
}
