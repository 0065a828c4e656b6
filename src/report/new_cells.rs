//! New cells that a model labelled, as a page that opens in any browser.

use std::path::Path;

use ndarray::ArrayView2;
use serde::Serialize;

use super::{
    MOST_BYTES, ReportError,
    cells::{Cells, Drawn, Labels, labels_of_input},
    clusters::mostly,
    facts::{LONGEST_PATH, stages},
    page::{NEW_CELLS, render_with},
    text,
    truth::Agreement,
};
use crate::{
    config::LabelBy,
    grouping::sizes,
    memory::StageLog,
    metrics::{Scores, Truth},
    plot::{hex_colors, sampled_order},
    preprocess::normalize::upper_median,
    progress::Said,
    read::Input,
    write::{WriteError, write_file},
};

/// Most new cells, and training cells, that the map draws.
const MOST_NEW: usize = 40_000;
const MOST_OLD: usize = 10_000;

/// Rows of the table of labels.
const MOST_ROWS: usize = 200;

/// Distances that the map does not tell apart.
const MOST_DISTANCE: f32 = 2.0;

/// Colours of the training cells and of cells that are unassigned.
const OLD: &str = "#b9bfc7";
const UNASSIGNED: &str = "#101010";

/// New cells with their labels, and the training cells that these are from.
#[derive(Debug, Clone, Copy)]
pub struct ReportedCells<'a> {
    /// What the data set is called.
    pub name: &'a str,
    /// What labels are.
    pub label_by: LabelBy,
    /// What was run: terms with what is to be said of them.
    pub facts: &'a [(&'static str, String)],
    /// What was read.
    pub input: &'a Input,
    /// The column of the true labels.
    pub truth_column: &'a str,
    /// The rows of the file that are labelled.
    pub cells: &'a [usize],
    /// Their names, unique.
    pub names: &'a [String],
    /// Their total counts.
    pub totals: &'a [f32],
    /// The label of each, a position in `label_names`.
    pub labels: &'a [usize],
    /// What labels are called; the last one means that a cell is unassigned.
    pub label_names: &'a [String],
    /// The label that each had before it became unassigned.
    pub nearest: &'a [usize],
    /// How sure that is, from 0 to 1: a share of a vote, or the probability of a cell type.
    pub confidence: &'a [f32],
    /// How far each is from what the model knows.
    pub distance: &'a [f32],
    /// The labels of the training cells, `None` of one that has none.
    pub old_labels: &'a [Option<usize>],
    /// Places of the training cells, and after them the new ones, n × 2.
    pub layout: ArrayView2<'a, f32>,
    /// True types, where known.
    pub truth: Option<&'a Truth>,
    /// Scores of the labels.
    pub scores: Scores,
    /// What was said meanwhile.
    pub said: &'a Said,
    /// What the stages took.
    pub log: &'a StageLog,
}

/// What the template shows as text.
#[derive(Debug, Serialize)]
struct NewCellsPage {
    name: String,
    label_by: LabelBy,
    version: &'static str,
    n_cells: String,
    n_unassigned: String,
    share_unassigned: String,
    rows: Vec<(&'static str, String)>,
    stages: Vec<[String; 3]>,
    n_drawn: Option<String>,
    table: Vec<LabelRow>,
    n_more: usize,
    has_truth: bool,
    agreement: Option<Agreement>,
    notes: Vec<String>,
}

/// A label.
#[derive(Debug, Serialize)]
struct LabelRow {
    /// Its position on the page.
    place: usize,
    name: String,
    cells: String,
    share: String,
    confidence: String,
    distance: String,
    /// Unassigned cells that are nearest to it.
    unassigned: String,
    mostly: Option<(String, String)>,
}

/// What the script draws.
#[derive(Debug, Serialize)]
struct Data {
    cells: Cells,
    label_by: LabelBy,
    /// Cells of every label, and of the training data.
    clusters: Vec<usize>,
    names: Vec<String>,
    colors: Vec<String>,
    /// The positions of training cells and of cells that are unassigned, and both: they are not named on the map.
    background: usize,
    unassigned: Option<usize>,
    unnamed: Vec<usize>,
    most_distance: f32,
    genes: [(); 0],
}

/// Writes the report of new cells, of at most 5 MB whatever their number.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_new_cells(path: &Path, found: &ReportedCells<'_>) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), ReportError> {
        let shown = ShownLabels::of(found);
        let (page, data) = page_of(found, &shown);
        let page = render_with(&NEW_CELLS, &data, &page)?;
        debug_assert!(page.len() <= MOST_BYTES);
        Ok(std::fs::write(path, page)?)
    })
}

/// The labels that new cells have, and their positions on the page.
struct ShownLabels {
    /// Positions in the names of labels, the largest label first; cells that are unassigned are the last.
    labels: Vec<usize>,
    /// The position on the page of every label, where it has cells.
    place: Vec<Option<usize>>,
    sizes: Vec<usize>,
    unassigned: usize,
}

impl ShownLabels {
    fn of(found: &ReportedCells<'_>) -> Self {
        let unassigned = found.label_names.len() - 1;
        let mut sizes = sizes(found.labels);
        sizes.resize(found.label_names.len(), 0);
        let mut labels: Vec<usize> = (0..sizes.len()).filter(|&label| sizes[label] > 0).collect();
        labels.sort_by_key(|&label| (label == unassigned, std::cmp::Reverse(sizes[label])));
        let mut place = vec![None; sizes.len()];
        for (position, &label) in labels.iter().enumerate() {
            place[label] = Some(position);
        }
        Self {
            labels,
            place,
            sizes,
            unassigned,
        }
    }

    /// The position of the training cells: beyond all labels.
    fn background(&self) -> usize {
        self.labels.len()
    }
}

fn page_of(found: &ReportedCells<'_>, shown: &ShownLabels) -> (NewCellsPage, Data) {
    let n_cells = found.labels.len();
    let n_unassigned = shown.sizes[shown.unassigned];
    let n_old = found.old_labels.len();
    let old = sampled_order(&vec![0; n_old], MOST_OLD, 0);
    let new = sampled_order(found.labels, MOST_NEW, 0);
    let n_drawn = old.len() + new.len();
    let page = NewCellsPage {
        name: text::name(found.name),
        label_by: found.label_by,
        version: env!("CARGO_PKG_VERSION"),
        n_cells: text::whole(n_cells),
        n_unassigned: text::whole(n_unassigned),
        share_unassigned: text::percent(n_unassigned as f64 / n_cells as f64),
        rows: found.facts.iter().map(fact).collect(),
        stages: stages(found.log),
        n_drawn: (n_drawn < n_old + n_cells).then(|| text::whole(n_drawn)),
        table: table(found, shown),
        n_more: shown.labels.len().saturating_sub(MOST_ROWS),
        has_truth: found.truth.is_some(),
        agreement: found
            .truth
            .map(|truth| Agreement::of(truth, found.labels, found.label_names, found.scores)),
        notes: text::clipped_all(&found.said.notes),
    };
    let is_unassigned = shown.place[shown.unassigned];
    let background = shown.background();
    let mut colors = hex_colors(background.max(1));
    colors.truncate(background);
    if let Some(place) = is_unassigned {
        UNASSIGNED.clone_into(&mut colors[place]);
    }
    colors.push(OLD.to_owned());
    let names = shown.labels.iter().map(|&label| &found.label_names[label]);
    let mut names: Vec<String> = names.map(|name| text::name(name)).collect();
    names.push("training cells".to_owned());
    let mut sizes: Vec<usize> = shown
        .labels
        .iter()
        .map(|&label| shown.sizes[label])
        .collect();
    sizes.push(n_old);
    let data = Data {
        cells: cells(found, shown, &old, &new),
        label_by: found.label_by,
        clusters: sizes,
        names,
        colors,
        background,
        unassigned: is_unassigned,
        unnamed: is_unassigned.into_iter().chain([background]).collect(),
        most_distance: MOST_DISTANCE,
        genes: [],
    };
    (page, data)
}

fn fact((term, said): &(&'static str, String)) -> (&'static str, String) {
    (term, text::clipped(said, LONGEST_PATH))
}

/// The drawn training cells (their positions), and above them the drawn new ones.
fn cells(found: &ReportedCells<'_>, shown: &ShownLabels, old: &[usize], new: &[usize]) -> Cells {
    let n_old = found.old_labels.len();
    let name = |label: usize| found.label_names.get(label).cloned();
    let name_of_old = |&cell: &usize| match found.old_labels[cell].and_then(name) {
        Some(label) => format!("Training cell: {label}"),
        None => "Training cell".to_owned(),
    };
    let both = |of_old: f32, of_new: &dyn Fn(usize) -> f32| -> Vec<f32> {
        let of_new = new.iter().map(|&cell| of_new(cell));
        std::iter::repeat_n(of_old, old.len())
            .chain(of_new)
            .collect()
    };
    let rows = new.iter().map(|&cell| Some(found.cells[cell]));
    let rows: Vec<Option<usize>> = old.iter().map(|_| None).chain(rows).collect();
    let nearest = new.iter().map(|&cell| name(found.nearest[cell]));
    let mut labels = vec![Labels {
        title: "Nearest label".to_owned(),
        of_cell: old.iter().map(|_| None).chain(nearest).collect(),
        is_needed: true,
    }];
    labels.extend(labels_of_input(found.input, found.truth_column, &rows));
    let tips = new
        .iter()
        .map(|&cell| shown.place[found.labels[cell]].unwrap_or(0));
    let drawn = Drawn {
        tips: old.iter().map(|_| shown.background()).chain(tips).collect(),
        depth: both(0.0, &|cell| found.totals[cell]),
        confidence: Some(both(1.0, &|cell| found.confidence[cell])),
        distance: Some(both(0.0, &|cell| found.distance[cell] / MOST_DISTANCE)),
        names: {
            let new = new.iter().map(|&cell| found.names[cell].clone());
            old.iter().map(name_of_old).chain(new).collect()
        },
        rows: rows.iter().map(|row| row.unwrap_or(0)).collect(),
        labels,
    };
    let places = new.iter().map(|&cell| n_old + cell);
    let places: Vec<usize> = old.iter().copied().chain(places).collect();
    Cells::pack(found.layout, &places, drawn)
}

fn table(found: &ReportedCells<'_>, shown: &ShownLabels) -> Vec<LabelRow> {
    let mostly = mostly(found.truth, found.labels);
    let n_cells = found.labels.len();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); found.label_names.len()];
    let mut unassigned = vec![0; found.label_names.len() + 1];
    for (cell, &label) in found.labels.iter().enumerate() {
        members[label].push(cell);
        if label == shown.unassigned {
            unassigned[found.nearest[cell].min(label)] += 1;
        }
    }
    let row = |(place, &label): (usize, &usize)| LabelRow {
        place,
        name: text::name(&found.label_names[label]),
        cells: text::whole(shown.sizes[label]),
        share: text::percent(shown.sizes[label] as f64 / n_cells as f64),
        confidence: median(&members[label], found.confidence),
        distance: median(&members[label], found.distance),
        unassigned: if label == shown.unassigned {
            "–".to_owned()
        } else {
            text::whole(unassigned[label])
        },
        mostly: mostly.get(label).cloned().flatten(),
    };
    let labels = shown.labels.iter().enumerate();
    labels.take(MOST_ROWS).map(row).collect()
}

/// The median of the values of some cells.
fn median(cells: &[usize], values: &[f32]) -> String {
    let median = upper_median(cells.iter().map(|&cell| values[cell]).collect());
    median.map_or("–".to_owned(), |median| format!("{median:.2}"))
}
