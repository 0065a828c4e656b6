//! The cells that the map draws: places, names, depth, and the labels that they can be coloured by.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{ReportedRun, packed, text};

/// Most bytes of the cells' names, and of the columns' codes.
const MOST_NAME_BYTES: usize = 1_200_000;
const MOST_COLUMN_BYTES: usize = 500_000;

/// Most columns of `obs`, and most labels of one.
const MOST_COLUMNS: usize = 12;
const MOST_LEVELS: usize = 60;

/// The drawn cells, arrays packed (see [`packed`]), in drawing order.
#[derive(Debug, Serialize)]
pub(super) struct Cells {
    n: usize,
    x: String,
    y: String,
    /// Tips of the page's tree, or clusters where there is none.
    tips: String,
    /// Total counts.
    depth: String,
    /// How sure each cell's cluster is, where that is known.
    confidence: Option<String>,
    /// Names with line breaks between; `None` where they are too long for the page.
    names: Option<String>,
    /// Their numbers in the file, from 0.
    rows: String,
    columns: Vec<LabelColumn>,
}

/// Labels of the cells.
#[derive(Debug, Serialize)]
struct LabelColumn {
    title: String,
    levels: Vec<String>,
    /// Positions in `levels`; 255 marks a cell without label.
    codes: String,
}

impl Cells {
    pub(super) fn of(run: &ReportedRun<'_>, drawn: &[usize], tips: &[usize]) -> Self {
        let found = run.found;
        let axes = [0, 1].map(|axis| run.layout.column(axis));
        let ranges = axes.map(|axis| {
            let finite = axis.iter().copied().filter(|value| value.is_finite());
            finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        });
        let extent = ranges
            .iter()
            .map(|(low, high)| high - low)
            .fold(f32::MIN_POSITIVE, f32::max);
        let [x, y] = [0, 1].map(|axis| {
            let (low, high) = ranges[axis];
            // Both axes in the same unit, the shorter one in the middle.
            packed::places(
                axes[axis],
                drawn,
                f32::midpoint(low, high) - extent / 2.0,
                extent,
            )
        });
        let names: Vec<String> = drawn
            .iter()
            .map(|&cell| one_line(&run.names[cell]))
            .collect();
        let names = packed::bytes(names.join("\n").as_bytes());
        let types = found.types.as_ref();
        Self {
            n: drawn.len(),
            x,
            y,
            tips: packed::shorts(drawn.iter().map(|&cell| tips[cell])),
            depth: packed::words(drawn.iter().map(|&cell| found.prepared.totals[cell] as u32)),
            confidence: types
                .map(|types| packed::shares(drawn.iter().map(|&cell| types.confidence[cell]))),
            names: (names.len() <= MOST_NAME_BYTES).then_some(names),
            rows: packed::words(drawn.iter().map(|&cell| found.prepared.cells[cell] as u32)),
            columns: columns(run, drawn),
        }
    }
}

fn one_line(name: &str) -> String {
    text::name(name).replace(char::is_control, " ")
}

/// The true labels, then columns of `obs` with few different values, while they fit.
fn columns(run: &ReportedRun<'_>, drawn: &[usize]) -> Vec<LabelColumn> {
    let found = run.found;
    let file_rows: Vec<usize> = drawn
        .iter()
        .map(|&cell| found.prepared.cells[cell])
        .collect();
    let mut labelled: Vec<(String, Vec<Option<String>>)> = Vec::new();
    if let Some(truth) = &found.input.truth {
        let of_drawn = file_rows.iter().map(|&row| truth[row].clone());
        labelled.push(("True label".to_owned(), of_drawn.collect()));
    }
    let truth_column = found.config.celltype.column();
    for (name, column) in found.input.data.obs.columns().unwrap_or_default() {
        if name != truth_column || found.input.truth.is_none() {
            let texts = column.texts();
            labelled.push((
                name,
                file_rows.iter().map(|&row| texts[row].clone()).collect(),
            ));
        }
    }
    let mut columns: Vec<LabelColumn> = Vec::new();
    let mut n_bytes = 0;
    for (place, (title, labels)) in labelled.into_iter().enumerate() {
        let is_truth = place == 0 && found.input.truth.is_some();
        let Some(column) = coded(&title, &labels, is_truth) else {
            continue;
        };
        n_bytes += column.codes.len();
        if columns.len() < MOST_COLUMNS && n_bytes <= MOST_COLUMN_BYTES {
            columns.push(column);
        }
    }
    columns
}

/// Labels as codes by decreasing size. `None` where there is one label or too many; of true labels the rare ones then
/// become one.
fn coded(title: &str, labels: &[Option<String>], is_truth: bool) -> Option<LabelColumn> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for label in labels.iter().flatten() {
        *sizes.entry(label).or_default() += 1;
    }
    if (sizes.len() < 2 || sizes.len() > MOST_LEVELS) && !is_truth {
        return None;
    }
    let mut levels: Vec<(&str, usize)> = sizes.into_iter().collect();
    levels.sort_by_key(|&(_, size)| std::cmp::Reverse(size));
    let n_shown = levels.len().min(MOST_LEVELS);
    let code: HashMap<&str, usize> = levels
        .iter()
        .enumerate()
        .map(|(code, &(level, _))| (level, code.min(n_shown)))
        .collect();
    let of_cell = |label: &Option<String>| label.as_deref().map_or(255, |label| code[label] as u8);
    let codes: Vec<u8> = labels.iter().map(of_cell).collect();
    let mut levels: Vec<String> = levels
        .iter()
        .take(n_shown)
        .map(|(level, _)| text::name(level))
        .collect();
    if code.len() > n_shown {
        levels.push(format!("{} others", code.len() - n_shown));
    }
    Some(LabelColumn {
        title: text::name(title),
        levels,
        codes: packed::bytes(&codes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_coded_by_size_and_only_few_are_offered() {
        let labels = ["b", "a", "b", ""].map(|label| (!label.is_empty()).then(|| label.to_owned()));
        let column = coded("batch", &labels, false).expect("two labels");
        assert_eq!(column.levels, ["b", "a"]);
        assert_eq!(column.codes, packed::bytes(&[0, 1, 0, 255]));
        let single = vec![Some("x".to_owned()); 3];
        assert!(coded("batch", &single, false).is_none());
        let different: Vec<_> = (0..100).map(|i| Some(i.to_string())).collect();
        assert!(coded("batch", &different, false).is_none());
        let types = coded("True label", &different, true).expect("true labels are always shown");
        assert_eq!(
            (types.levels.len(), types.levels[60].as_str()),
            (61, "40 others")
        );
    }
}
