//! A figure of all cells in the plane, coloured by label.

use std::path::Path;

use ndarray::{ArrayView2, Axis};
use plotters::{prelude::*, style::RGBColor};
use rand::seq::SliceRandom;

use super::{
    PlotError,
    canvas::{Area, Canvas, OVERSAMPLING},
    legend::{Entry, Legend},
    palette::{UNLABELLED, palette},
    text::{Flow, Line, draw, has_letters_of, shortened, width},
};
use crate::seed::{Stream, stream};

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

/// Writes a figure as PNG to exactly this path, which need not end in `.png`.
///
/// A square of cells, about 1,100 pixels high, with axes named but without ticks, for the places mean nothing by
/// themselves; a legend to its right, as wide as it needs. Points are smaller the more cells there are. Same figure, same bytes.
///
/// Errors: labels or coordinates of the wrong shape, a file that cannot be written.
pub fn write_png(path: &Path, figure: &Figure) -> Result<(), PlotError> {
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
    let mut canvas = Canvas::new(width.ceil() as u32, (TOP + PANEL + BOTTOM) as u32);
    let area = canvas.area();
    draw_cells(&area, figure, &colors)?;
    draw_frame(&area)?;
    draw_title(&area, figure.title, width - LEFT - RIGHT)?;
    legend.draw(&area, LEFT + PANEL + GAP, TOP)?;
    drop(area);
    canvas.write(path)
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

/// Draws cells in random order, so that no label hides another by coming later in the file.
fn draw_cells(area: &Area, figure: &Figure, colors: &[RGBColor]) -> Result<(), PlotError> {
    let is_placed = |&cell: &usize| {
        figure
            .coords
            .row(cell)
            .iter()
            .all(|value| value.is_finite())
    };
    let mut cells: Vec<usize> = (0..figure.labels.len()).filter(is_placed).collect();
    cells.shuffle(&mut stream(0, Stream::Layout));
    cells.sort_by_key(|&cell| figure.labels[cell] < colors.len());
    let to_x = Scale::new(figure.coords, 0, &cells);
    let to_y = Scale::new(figure.coords, 1, &cells);
    let radius = drawn(radius(cells.len()));
    for &cell in &cells {
        let x = LEFT + to_x.place(figure.coords[(cell, 0)]);
        let y = TOP + PANEL - to_y.place(figure.coords[(cell, 1)]);
        let color = colors.get(figure.labels[cell]).unwrap_or(&UNLABELLED);
        area.draw(&Circle::new((drawn(x), drawn(y)), radius, color.filled()))
            .map_err(PlotError::draw)?;
    }
    Ok(())
}

/// Radius of a cell's point in written pixels: points cover about the same area however many there are.
fn radius(n_cells: usize) -> f64 {
    (250.0 / (n_cells.max(1) as f64).sqrt()).clamp(1.0, 9.0)
}

fn drawn(value: f64) -> i32 {
    (value * f64::from(OVERSAMPLING)).round() as i32
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

fn draw_frame(area: &Area) -> Result<(), PlotError> {
    let corners = [
        (drawn(LEFT), drawn(TOP)),
        (drawn(LEFT + PANEL), drawn(TOP + PANEL)),
    ];
    let style = FRAME.stroke_width(OVERSAMPLING);
    area.draw(&Rectangle::new(corners, style))
        .map_err(PlotError::draw)?;
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
        let line = Line {
            text,
            size: AXIS,
            place: (x, y),
            flow,
        };
        draw(area, &line)?;
    }
    Ok(())
}

/// Draws the title over the panel, smaller where it is long, shortened where it is longer than the figure is wide.
fn draw_title(area: &Area, title: &str, room: f64) -> Result<(), PlotError> {
    let needed = width(title, TITLE)?;
    let size = (TITLE * room / needed.max(1.0)).clamp(LEAST_TITLE, TITLE);
    let line = Line {
        text: &shortened(title, size, room)?,
        size,
        place: (LEFT, TOP / 2.0),
        flow: Flow::FromLeft,
    };
    draw(area, &line)
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
