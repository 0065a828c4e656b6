//! The cells that the map draws: places, names, depth, and the labels that they can be coloured by.

use std::collections::{BTreeMap, HashMap};

use ndarray::ArrayView2;
use serde::Serialize;

use super::{ReportedRun, packed, text};
use crate::read::Input;

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
    /// How far each cell is from what a model knows, where that is known.
    distance: Option<String>,
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

/// The drawn cells as they are to be packed, each list in drawing order.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// Tips of the page's tree, clusters or labels.
    pub tips: Vec<usize>,
    pub depth: Vec<f32>,
    pub confidence: Option<Vec<f32>>,
    /// Shares of the largest distance that is told apart.
    pub distance: Option<Vec<f32>>,
    pub names: Vec<String>,
    /// Rows of the file.
    pub rows: Vec<usize>,
    /// Labels that cells can be coloured by.
    pub labels: Vec<Labels>,
}

/// Labels of the drawn cells under one title.
#[derive(Debug)]
pub(super) struct Labels {
    pub title: String,
    pub of_cell: Vec<Option<String>>,
    /// Whether they are shown whatever their number.
    pub is_needed: bool,
}

impl Cells {
    pub(super) fn of(run: &ReportedRun<'_>, drawn: &[usize], tips: &[usize]) -> Self {
        let found = run.found;
        let rows: Vec<usize> = drawn
            .iter()
            .map(|&cell| found.prepared.cells[cell])
            .collect();
        let types = found.types.as_ref();
        let of_drawn = Drawn {
            tips: drawn.iter().map(|&cell| tips[cell]).collect(),
            depth: drawn
                .iter()
                .map(|&cell| found.prepared.totals[cell])
                .collect(),
            confidence: types.map(|types| drawn.iter().map(|&c| types.confidence[c]).collect()),
            distance: None,
            names: drawn.iter().map(|&cell| run.names[cell].clone()).collect(),
            labels: labels_of_input(
                found.input,
                found.config.celltype.column(),
                &rows.iter().map(|&row| Some(row)).collect::<Vec<_>>(),
            ),
            rows,
        };
        Self::pack(run.layout, drawn, of_drawn)
    }

    /// Packs cells (rows of `layout`, n × 2) for the page.
    pub(super) fn pack(layout: ArrayView2<'_, f32>, cells: &[usize], drawn: Drawn) -> Self {
        let axes = [0, 1].map(|axis| layout.column(axis));
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
                cells,
                f32::midpoint(low, high) - extent / 2.0,
                extent,
            )
        });
        let names: Vec<String> = drawn.names.iter().map(|name| one_line(name)).collect();
        let names = packed::bytes(names.join("\n").as_bytes());
        Self {
            n: cells.len(),
            x,
            y,
            tips: packed::shorts(drawn.tips),
            depth: packed::words(drawn.depth.into_iter().map(|depth| depth as u32)),
            confidence: drawn.confidence.map(packed::shares),
            distance: drawn.distance.map(packed::shares),
            names: (names.len() <= MOST_NAME_BYTES).then_some(names),
            rows: packed::words(drawn.rows.into_iter().map(|row| row as u32)),
            columns: columns(&drawn.labels),
        }
    }
}

fn one_line(name: &str) -> String {
    text::name(name).replace(char::is_control, " ")
}

/// The true labels, then the columns of `obs`, of some rows of an input; `None` of cells that are not in it.
pub(super) fn labels_of_input(
    input: &Input,
    truth_column: &str,
    rows: &[Option<usize>],
) -> Vec<Labels> {
    let of_rows = |labels: &[Option<String>]| {
        let of_row = |row: &Option<usize>| row.and_then(|row| labels[row].clone());
        rows.iter().map(of_row).collect()
    };
    let mut found = Vec::new();
    if let Some(truth) = &input.truth {
        found.push(Labels {
            title: "True label".to_owned(),
            of_cell: of_rows(truth),
            is_needed: true,
        });
    }
    let obs = &input.data.obs;
    for name in obs.names() {
        if name == truth_column && input.truth.is_some() {
            continue;
        }
        // One column after the other is read whole; those that cannot be read are not offered.
        let Ok(labels) = obs.labels(&name) else {
            continue;
        };
        found.push(Labels {
            title: name,
            of_cell: of_rows(&labels),
            is_needed: false,
        });
    }
    found
}

/// Those of few different labels, while they fit.
fn columns(labelled: &[Labels]) -> Vec<LabelColumn> {
    let mut columns: Vec<LabelColumn> = Vec::new();
    let mut n_bytes = 0;
    for labels in labelled {
        let Some(column) = coded(&labels.title, &labels.of_cell, labels.is_needed) else {
            continue;
        };
        n_bytes += column.codes.len();
        if columns.len() < MOST_COLUMNS && n_bytes <= MOST_COLUMN_BYTES {
            columns.push(column);
        }
    }
    columns
}

/// Labels as codes by decreasing size. `None` where there is one label or too many; of labels that are needed the rare ones
/// then become one.
fn coded(title: &str, labels: &[Option<String>], is_needed: bool) -> Option<LabelColumn> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for label in labels.iter().flatten() {
        *sizes.entry(label).or_default() += 1;
    }
    if (sizes.len() < 2 || sizes.len() > MOST_LEVELS) && !is_needed {
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
