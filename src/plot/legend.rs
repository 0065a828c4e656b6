//! The legend of a figure: names beside marks, in as many columns as they need.

use plotters::style::RGBColor;

use super::{
    PlotError,
    drawing::Drawing,
    text::{Flow, Line, shortened, width},
};

/// Height of a row where there is room for it, and the least.
const ROW: f64 = 34.0;
const LEAST_ROW: f64 = 18.0;

/// An em as a share of the height of a row, and its most pixels.
const TEXT_SHARE: f64 = 0.65;
const TEXT: f64 = 21.0;

/// Columns before rows become lower, and the most at all.
const COLUMNS: usize = 3;
const MOST_COLUMNS: usize = 8;

/// Widest name, in ems.
const WIDEST_NAME: f64 = 17.0;

/// Radius of a mark and gaps beside it, in ems.
const MARK: f64 = 0.42;
const GAP: f64 = 0.5;
const COLUMN_GAP: f64 = 1.4;

/// A name and its colour.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) color: RGBColor,
}

/// Entries with their places.
pub(super) struct Legend {
    columns: Vec<Column>,
    /// What is said about entries for which there is no room.
    rest: Option<String>,
    row: f64,
    text: f64,
}

struct Column {
    entries: Vec<Entry>,
    width: f64,
}

impl Legend {
    /// Arranges entries in columns of at most `height` pixels; names are shortened.
    pub(super) fn new(mut entries: Vec<Entry>, height: f64) -> Result<Self, PlotError> {
        let most = MOST_COLUMNS * (height / LEAST_ROW) as usize - 1;
        let n_left_out = entries.len().saturating_sub(most);
        entries.truncate(most);
        let rest = (n_left_out > 0).then(|| format!("… and {n_left_out} more"));
        let n_rows = n_rows(entries.len() + usize::from(rest.is_some()), height);
        let row = ROW.min(height / n_rows as f64);
        let text = TEXT.min(TEXT_SHARE * row);
        let mut columns = Vec::new();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            columns.push(Column::new(entries.by_ref().take(n_rows), text)?);
        }
        Ok(Self {
            columns,
            rest,
            row,
            text,
        })
    }

    /// Width in written pixels, 0 without entries.
    pub(super) fn width(&self) -> f64 {
        let gaps = COLUMN_GAP * self.text * self.columns.len().saturating_sub(1) as f64;
        self.columns.iter().map(|column| column.width).sum::<f64>() + gaps
    }

    /// Draws the legend with its left upper corner in written pixels.
    pub(super) fn draw(&self, drawing: &mut Drawing, left: f64, top: f64) {
        let mut x = left;
        for column in &self.columns {
            for (row, entry) in column.entries.iter().enumerate() {
                self.draw_entry(drawing, entry, x, top + (row as f64 + 0.5) * self.row);
            }
            x += column.width + COLUMN_GAP * self.text;
        }
        if let (Some(text), Some(last)) = (&self.rest, self.columns.last()) {
            drawing.text(Line {
                text: text.clone(),
                size: self.text,
                place: (
                    x - last.width - COLUMN_GAP * self.text,
                    top + (last.entries.len() as f64 + 0.5) * self.row,
                ),
                flow: Flow::FromLeft,
            });
        }
    }

    fn draw_entry(&self, drawing: &mut Drawing, entry: &Entry, x: f64, y: f64) {
        let radius = MARK * self.text;
        drawing.disc((x + radius, y), radius, entry.color);
        drawing.text(Line {
            text: entry.name.clone(),
            size: self.text,
            place: (x + 2.0 * radius + GAP * self.text, y),
            flow: Flow::FromLeft,
        });
    }
}

impl Column {
    fn new(entries: impl Iterator<Item = Entry>, text: f64) -> Result<Self, PlotError> {
        let mut widest = 0.0_f64;
        let mut shown = Vec::new();
        for Entry { name, color } in entries {
            let name = shortened(&name, text, WIDEST_NAME * text)?;
            widest = widest.max(width(&name, text)?);
            shown.push(Entry { name, color });
        }
        Ok(Self {
            entries: shown,
            width: widest + (2.0 * MARK + GAP) * text,
        })
    }
}

/// Rows of a column, balanced between columns: tall rows in a few columns, then lower rows, then more columns.
fn n_rows(n_entries: usize, height: f64) -> usize {
    let tallest = (height / LEAST_ROW) as usize;
    let n_columns = n_entries
        .div_ceil((height / ROW) as usize)
        .min(COLUMNS)
        .max(n_entries.div_ceil(tallest))
        .max(1);
    n_entries.div_ceil(n_columns).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legend(n: usize, name: &str) -> Legend {
        let entries = (0..n).map(|i| Entry {
            name: format!("{name}{i}"),
            color: RGBColor(0, 0, 0),
        });
        Legend::new(entries.collect(), 960.0).expect("names that can be measured")
    }

    #[test]
    fn columns_are_balanced_and_fit_the_height() {
        for (n, n_columns, n_rows) in [
            (1, 1, 1),
            (28, 1, 28),
            (29, 2, 15),
            (40, 2, 20),
            (120, 3, 40),
            (200, 4, 50),
        ] {
            let legend = legend(n, "cluster ");
            assert_eq!(legend.columns.len(), n_columns, "{n}");
            assert_eq!(legend.columns[0].entries.len(), n_rows, "{n}");
            assert!(n_rows as f64 * legend.row <= 960.0 + 1e-9);
        }
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let legend = legend(1000, "");
        let n_shown: usize = legend.columns.iter().map(|c| c.entries.len()).sum();
        assert_eq!(legend.columns.len(), MOST_COLUMNS);
        assert_eq!(legend.rest, Some(format!("… and {} more", 1000 - n_shown)));
        let last = legend.columns.last().expect("columns");
        assert!((last.entries.len() + 1) as f64 * legend.row <= 960.0 + 1e-9);
    }

    #[test]
    fn long_names_do_not_widen_a_column_beyond_its_bound() {
        let legend = legend(3, &"very long ".repeat(30));
        assert!(legend.width() <= (WIDEST_NAME + 2.0 * MARK + GAP) * TEXT + 1.0);
        assert!(Legend::new(Vec::new(), 960.0).expect("empty").width().abs() < f64::EPSILON);
    }
}
