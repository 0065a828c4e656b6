//! A figure of all cells in the plane, coloured by label.

use std::path::Path;

use ndarray::{ArrayView2, Axis};
use plotters::style::RGBColor;

use super::{
    FigureFormat, PlotError,
    drawing::Drawing,
    legend::{Entry, Legend},
    order::drawing_order,
    palette::{UNLABELLED, palette},
    text::{Flow, Line, has_letters_of, shortened, width},
};

/// Side of the square that holds the cells, in written pixels.
const PANEL: f64 = 960.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 58.0;
const RIGHT: f64 = 32.0;
/// Between the panel and the legend.
const GAP: f64 = 36.0;

/// Free border inside the panel, as a share of its side.
const PADDING: f64 = 0.04;

/// Lengths of an em, in written pixels.
const TITLE: f64 = 31.0;
const LEAST_TITLE: f64 = 21.0;
const AXIS: f64 = 22.0;

const FRAME: RGBColor = RGBColor(90, 90, 90);

/// Cells in the plane, coloured by label.
#[derive(Debug, Clone, Copy)]
pub struct Figure<'a> {
    /// What stands above the cells, such as [`title`] makes it.
    pub title: &'a str,
    /// n × 2 places, such as [`umap_layout`](super::umap_layout) finds them. Cells at places that are not finite are
    /// left out.
    pub coords: ArrayView2<'a, f32>,
    /// n positions in `names`. A position beyond its end marks a cell without label, which is drawn grey and
    /// below the others.
    pub labels: &'a [usize],
    /// The names of the labels, in the order of the legend.
    pub names: &'a [String],
}

/// The title of a figure: `zeisel: predicted clusters, ASW 0.81`, without the score where it is undefined.
#[must_use]
pub fn title(name: &str, what: &str, asw: Option<f64>) -> String {
    let score = asw.map_or_else(String::new, |asw| format!(", ASW {asw:.2}"));
    format!("{name}: {what}{score}")
}

/// Names as they can be drawn: those whose letters the font lacks are drawn as `#1`, `#2` …; and what each of these stands
/// for, `#1 is 'T细胞'`.
#[must_use]
pub fn drawable(names: &[String]) -> (Vec<String>, Vec<String>) {
    let mut stand_ins = Vec::new();
    let drawn = names.iter().map(|name| {
        if has_letters_of(name) {
            return name.clone();
        }
        let code = format!("#{}", stand_ins.len() + 1);
        stand_ins.push(format!("{code} is '{name}'"));
        code
    });
    let drawn = drawn.collect();
    (drawn, stand_ins)
}

/// Writes a figure to exactly this path, whatever its ending.
///
/// A square of cells, about 1,100 pixels high, with axes named but without ticks, for the places mean nothing by
/// themselves; a legend to its right, as wide as it needs. Points are smaller the more cells there are, and no label's
/// cells all lie below those of others. In SVG and PDF, text is text. Same figure, same bytes.
///
/// Errors: labels or coordinates of the wrong shape, a file that cannot be written.
pub fn write_figure(path: &Path, figure: &Figure, format: FigureFormat) -> Result<(), PlotError> {
    let (n_cells, n_dims) = figure.coords.dim();
    if n_dims != 2 {
        return Err(PlotError::Dimensions { found: n_dims });
    }
    if figure.labels.len() != n_cells {
        return Err(PlotError::Lengths {
            cells: n_cells,
            labels: figure.labels.len(),
        });
    }
    let colors = palette(figure.names.len());
    let legend = Legend::new(entries(figure, &colors), PANEL)?;
    let beside = if legend.width() > 0.0 {
        GAP + legend.width()
    } else {
        0.0
    };
    let width = LEFT + PANEL + beside + RIGHT;
    let mut drawing = Drawing::new(width, TOP + PANEL + BOTTOM);
    draw_cells(&mut drawing, figure, &colors);
    draw_frame(&mut drawing);
    draw_title(&mut drawing, figure.title, width - LEFT - RIGHT)?;
    legend.draw(&mut drawing, LEFT + PANEL + GAP, TOP);
    format.write(path, &drawing)
}

fn entries(figure: &Figure, colors: &[RGBColor]) -> Vec<Entry> {
    let names = figure.names.iter().cloned().zip(colors.iter().copied());
    let mut entries: Vec<Entry> = names.map(|(name, color)| Entry { name, color }).collect();
    if figure.labels.iter().any(|&label| label >= colors.len()) {
        entries.push(Entry {
            name: "no label".to_owned(),
            color: UNLABELLED,
        });
    }
    entries
}

/// Draws cells without label first, the others in an order that hides no small label.
fn draw_cells(drawing: &mut Drawing, figure: &Figure, colors: &[RGBColor]) {
    let is_placed = |&cell: &usize| {
        figure
            .coords
            .row(cell)
            .iter()
            .all(|value| value.is_finite())
    };
    let codes: Vec<usize> = figure
        .labels
        .iter()
        .map(|&label| label.min(colors.len()))
        .collect();
    let mut cells: Vec<usize> = drawing_order(&codes, 0)
        .into_iter()
        .filter(is_placed)
        .collect();
    cells.sort_by_key(|&cell| figure.labels[cell] < colors.len());
    let to_x = Scale::new(figure.coords, 0, &cells);
    let to_y = Scale::new(figure.coords, 1, &cells);
    let radius = radius(cells.len());
    for &cell in &cells {
        let x = LEFT + to_x.place(figure.coords[(cell, 0)]);
        let y = TOP + PANEL - to_y.place(figure.coords[(cell, 1)]);
        let color = colors.get(figure.labels[cell]).unwrap_or(&UNLABELLED);
        drawing.disc((x, y), radius, *color);
    }
}

/// Radius of a cell's point in written pixels: points cover about the same area however many there are.
fn radius(n_cells: usize) -> f64 {
    (250.0 / (n_cells.max(1) as f64).sqrt()).clamp(1.0, 9.0)
}

/// From a coordinate to pixels along one side of the panel.
struct Scale {
    lowest: f64,
    extent: f64,
}

impl Scale {
    fn new(coords: ArrayView2<f32>, axis: usize, cells: &[usize]) -> Self {
        let column = coords.index_axis(Axis(1), axis);
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        for &cell in cells {
            lowest = lowest.min(f64::from(column[cell]));
            highest = highest.max(f64::from(column[cell]));
        }
        Self {
            lowest,
            extent: highest - lowest,
        }
    }

    fn place(&self, value: f32) -> f64 {
        let share = if self.extent > 0.0 {
            (f64::from(value) - self.lowest) / self.extent
        } else {
            0.5
        };
        PANEL * (PADDING + (1.0 - 2.0 * PADDING) * share)
    }
}

fn draw_frame(drawing: &mut Drawing) {
    let (left, top, right, bottom) = (LEFT, TOP, LEFT + PANEL, TOP + PANEL);
    let corners = vec![
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    drawing.path(corners, 1.0, FRAME);
    let middle = PANEL / 2.0;
    for (text, x, y, flow) in [
        (
            "UMAP1",
            LEFT + middle,
            TOP + PANEL + BOTTOM / 2.0,
            Flow::Centered,
        ),
        ("UMAP2", LEFT / 2.0, TOP + middle, Flow::Upwards),
    ] {
        drawing.text(Line {
            text: text.to_owned(),
            size: AXIS,
            place: (x, y),
            flow,
        });
    }
}

/// Draws the title over the panel, smaller where it is long, shortened where it is longer than the figure is wide.
pub(super) fn draw_title(drawing: &mut Drawing, title: &str, room: f64) -> Result<(), PlotError> {
    let needed = width(title, TITLE)?;
    let size = (TITLE * room / needed.max(1.0)).clamp(LEAST_TITLE, TITLE);
    drawing.text(Line {
        text: shortened(title, size, room)?,
        size,
        place: (LEFT, TOP / 2.0),
        flow: Flow::FromLeft,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_font_lacks_have_codes() {
        let names = ["naïve β cell", "T细胞", "NK", "B細胞"].map(str::to_owned);
        let (drawn, stand_ins) = drawable(&names);
        assert_eq!(drawn, ["naïve β cell", "#1", "NK", "#2"]);
        assert_eq!(stand_ins, ["#1 is 'T细胞'", "#2 is 'B細胞'"]);
    }
}
