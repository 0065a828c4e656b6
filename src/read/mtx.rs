//! The Matrix Market coordinate format, as a stream.
//!
//! Format: <https://math.nist.gov/MatrixMarket/formats.html>.

use std::{
    collections::BTreeMap,
    io::{BufRead, ErrorKind},
    path::Path,
};

use super::{ReadError, lines::MTX_BANNER, packing, selected::NONE, triplets::Triplets};
use crate::{
    counts::{CountRules, Csr},
    h5ad::Seems,
};

/// What values are called; SciPy calls those of its unsigned types by a name of its own.
const VALUES: [&str; 3] = ["integer", "real", "unsigned-integer"];
/// Entries that are looked at to tell what the values are.
const TOLD: usize = 1 << 16;

/// What a matrix's sides are.
pub(super) struct Axes<'a> {
    pub(super) n_cells: usize,
    /// Where the counts of each gene of the file go; [`NONE`] where they are left out.
    pub(super) positions: &'a [u32],
    /// Genes to which they go.
    pub(super) n_selected: usize,
    pub(super) rules: CountRules,
}

/// The counts of a file, cells × selected genes; those of a cell that go to the same gene are summed.
///
/// The file is genes × cells, or cells × genes where only that fits the axes.
pub(super) fn read(path: &Path, axes: &Axes<'_>) -> Result<Csr, ReadError> {
    let mut lines = Lines::open(path)?;
    let has_values = parse_banner(&mut lines)?;
    let size = parse_size(&mut lines)?;
    let is_by_genes = orientation(&lines, &size, axes)?;
    let mut triplets = Triplets::default();
    let mut told = Told::default();
    for n_entries in 0.. {
        if !lines.advance()? {
            check_entries(&lines, &size, n_entries)?;
            break;
        }
        let (row, column, value) = parse_entry(&lines, &size, has_values)?;
        let (gene, cell) = if is_by_genes {
            (row, column)
        } else {
            (column, row)
        };
        told.push(cell, value);
        let Some(value) = axes.rules.count(value) else {
            return Err(not_count(lines, &size, is_by_genes, told));
        };
        let position = axes.positions[gene as usize];
        if position != NONE && value > 0.0 {
            triplets.push(cell, position, value);
        }
    }
    let seems = told.seem();
    if axes.rules.round && !seems.may_be_rounded() {
        return Err(ReadError::Text {
            file: lines.file,
            reason: format!(
                "-round True is for counts that were corrected or estimated{seems}: raw counts are needed"
            ),
        });
    }
    let rows = triplets.into_rows(axes.n_cells);
    let counts = rows.into_counts(axes.n_selected, axes.rules);
    counts.map_err(|found| lines.wrong(format!("{} is not a count", found.0)))
}

/// The values of the first cells, to tell what they seem to be.
#[derive(Default)]
struct Told {
    n: usize,
    cells: BTreeMap<u32, Vec<f32>>,
}

impl Told {
    fn push(&mut self, cell: u32, value: f32) {
        if self.n < TOLD {
            self.n += 1;
            self.cells.entry(cell).or_default().push(value);
        }
    }

    fn seem(self) -> Seems {
        let rows: Vec<Vec<f32>> = self.cells.into_values().collect();
        Seems::of(&rows.concat(), &rows)
    }
}

/// The error for the entry in `lines` that is not a count; some of those that follow tell what they all are.
fn not_count(mut lines: Lines, size: &Size, is_by_genes: bool, mut told: Told) -> ReadError {
    let number = lines.number;
    let field = lines.fields().nth(2).unwrap_or_default();
    let found = String::from_utf8_lossy(field).into_owned();
    while told.n < TOLD && lines.advance().is_ok_and(|is_there| is_there) {
        let Ok((row, column, value)) = parse_entry(&lines, size, true) else {
            break;
        };
        told.push(if is_by_genes { column } else { row }, value);
    }
    let seems = told.seem();
    ReadError::NotCount {
        file: lines.file,
        line: number,
        column: "the third field".to_owned(),
        seems: found.parse().map_or(seems, |value| seems.with(value)),
        found,
    }
}

/// Fails where the file has not as many entries as it promises.
fn check_entries(lines: &Lines, size: &Size, n_entries: usize) -> Result<(), ReadError> {
    if n_entries == size.entries {
        return Ok(());
    }
    let promised = size.entries;
    Err(lines.wrong(if n_entries < promised {
        format!("the file ends after {n_entries} entries, but its size line promises {promised}: it may be cut short")
    } else {
        format!(
            "the file ends after {n_entries} entries, more than the {promised} that its size line promises: two files may \
             have been joined, or the size line is wrong; write the matrix anew"
        )
    }))
}

/// The lines of a file, less comments and empty ones, in one buffer.
struct Lines {
    reader: Box<dyn BufRead>,
    file: String,
    path: std::path::PathBuf,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self {
            reader: Box::new(packing::open_text(path)?),
            file: path.display().to_string(),
            path: path.to_owned(),
            number: 0,
            line: Vec::new(),
        })
    }

    /// Reads the next line, whatever it is; false at the end.
    fn read(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_until(b'\n', &mut self.line);
        match read {
            Ok(n_bytes) => Ok(n_bytes > 0),
            Err(e) if e.kind() == ErrorKind::InvalidData => Err(self.wrong(e.to_string())),
            Err(source) => Err(packing::unreadable(&self.path, source)),
        }
    }

    /// Reads the next line that is neither empty nor a comment; false at the end.
    fn advance(&mut self) -> Result<bool, ReadError> {
        while self.read()? {
            if !self.line.starts_with(b"%") && !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let fields = self.line.split(u8::is_ascii_whitespace);
        fields.filter(|field| !field.is_empty())
    }

    fn wrong(&self, reason: String) -> ReadError {
        ReadError::Line {
            file: self.file.clone(),
            line: self.number,
            reason,
        }
    }
}

/// What the size line promises.
struct Size {
    rows: usize,
    columns: usize,
    entries: usize,
}

/// Whether entries have values; those of a pattern are 1.
fn parse_banner(lines: &mut Lines) -> Result<bool, ReadError> {
    lines.read()?;
    let banner = String::from_utf8_lossy(&lines.line).into_owned();
    let lower = banner.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let is_banner = lines.line.starts_with(MTX_BANNER);
    match &words[..] {
        [_, "matrix", "coordinate", field, "general"] if is_banner && VALUES.contains(field) => {
            Ok(true)
        }
        [_, "matrix", "coordinate", "pattern", "general"] if is_banner => Ok(false),
        _ => Err(lines.wrong(format!(
            "'{}' is not understood; expected '%%MatrixMarket matrix coordinate integer general'",
            banner.trim().chars().take(80).collect::<String>()
        ))),
    }
}

fn parse_size(lines: &mut Lines) -> Result<Size, ReadError> {
    lines.advance()?;
    let numbers: Option<Vec<usize>> = lines.fields().map(number).collect();
    match numbers.as_deref() {
        Some(&[rows, columns, entries]) => Ok(Size {
            rows,
            columns,
            entries,
        }),
        _ => Err(lines.wrong("expected the numbers of rows, columns and entries".to_owned())),
    }
}

/// Whether rows are genes and columns cells.
fn orientation(lines: &Lines, size: &Size, axes: &Axes<'_>) -> Result<bool, ReadError> {
    let sides = (size.rows, size.columns);
    let n_genes = axes.positions.len();
    if axes.n_cells == 0 || n_genes == 0 {
        Err(ReadError::Empty {
            file: lines.file.clone(),
            n_cells: axes.n_cells,
            n_genes,
        })
    } else if sides == (n_genes, axes.n_cells) {
        Ok(true)
    } else if sides == (axes.n_cells, n_genes) {
        Ok(false)
    } else {
        Err(ReadError::NamesDiffer {
            file: lines.file.clone(),
            n_rows: size.rows,
            n_columns: size.columns,
            n_genes,
            n_cells: axes.n_cells,
        })
    }
}

/// Row and column from 0, and the value.
fn parse_entry(lines: &Lines, size: &Size, has_values: bool) -> Result<(u32, u32, f32), ReadError> {
    let mut fields = lines.fields();
    let mut index = |n: usize| {
        let index = fields.next().and_then(number)?.checked_sub(1)?;
        (index < n).then_some(index as u32)
    };
    let (row, column) = (index(size.rows), index(size.columns));
    let (Some(row), Some(column)) = (row, column) else {
        let line = String::from_utf8_lossy(&lines.line);
        return Err(lines.wrong(format!(
            "'{}' does not start with a row from 1 to {} and a column from 1 to {}",
            line.trim().chars().take(40).collect::<String>(),
            size.rows,
            size.columns
        )));
    };
    if !has_values {
        return Ok((row, column, 1.0));
    }
    let field = str::from_utf8(fields.next().unwrap_or_default()).unwrap_or_default();
    match field.parse::<f32>() {
        Ok(value) => Ok((row, column, value)),
        Err(_) => Err(ReadError::NotCount {
            file: lines.file.clone(),
            line: lines.number,
            column: "the third field".to_owned(),
            found: field.to_owned(),
            seems: Seems::Counts,
        }),
    }
}

fn number(field: &[u8]) -> Option<usize> {
    str::from_utf8(field).ok()?.parse().ok()
}
