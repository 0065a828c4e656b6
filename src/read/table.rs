//! A table of counts as a stream, by its own rows.

use std::{collections::BTreeSet, io::Read};

use csv::{ByteRecord, ReaderBuilder};

use super::{
    ReadError,
    other_columns::is_other,
    table_header::{Header, Role, is_missing},
    table_lines::Lines,
    text_start::{self, Text},
};
use crate::{
    counts::CountRules,
    h5ad::{Seems, SparseRows},
};

/// Lines that are looked at before the first of them is believed.
const LOOKED_AT: usize = 64;
/// The most bytes of such lines.
const LOOKED_AT_BYTES: usize = 32 << 20;
/// Rows that are read on after an entry that is not a count, to say what the entries are.
const ROWS_TO_TELL: usize = 16;
/// Numbers in the first column are names only of as many rows.
const NUMBERED_ROWS: usize = 10;
/// As many columns may hold something else than counts, for a message to name them.
const MOST_WITHOUT_COUNTS: usize = 2;
/// Columns that have to hold counts beside them.
const FEWEST_WITH_COUNTS: usize = 10;

/// A table in memory, by its own rows.
#[derive(Debug)]
pub(super) struct Table {
    /// One name per row.
    pub(super) rows: Vec<String>,
    /// One name per column of counts.
    pub(super) columns: Vec<String>,
    /// Counts, rows × columns.
    pub(super) counts: SparseRows,
    /// Columns that are not counts, one entry per row.
    pub(super) beside: Vec<(String, Vec<String>)>,
    /// Rows that are not counts, one entry per column.
    pub(super) below: Vec<(String, Vec<String>)>,
    /// The title of the first column, where its numbers were taken for the names of the rows.
    pub(super) numbers_as_names: Option<String>,
    /// How many entries are missing, all read as 0, and where the first is.
    pub(super) missing: Option<Missing>,
}

/// Missing entries.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    pub(super) n: usize,
    pub(super) line: u64,
    pub(super) column: String,
}

/// Reads a table, separated by tabs, commas, semicolons or blanks: lines of comments, a line of names, then a line of
/// counts for each row.
pub(super) fn read(
    file: &str,
    reader: &mut dyn Read,
    rules: CountRules,
) -> Result<Table, ReadError> {
    let broken = |reason: String| ReadError::Text {
        file: file.to_owned(),
        reason,
    };
    let text = text_start::open(reader).map_err(|e| broken(e.to_string()))?;
    let Text {
        reader,
        separator,
        n_skipped,
    } = text;
    let mut csv = ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .has_headers(false)
        .from_reader(reader);
    let mut next = |record: &mut ByteRecord| {
        let read = csv.read_byte_record(record);
        read.map_err(|e| broken(e.to_string()))
    };
    let lines = Lines { file, n_skipped };
    let mut record = ByteRecord::new();
    next(&mut record)?;
    let first = record.iter().map(|field| lines.text(&record, field));
    let first: Vec<String> = first.collect::<Result<_, _>>()?;
    let mut looked_at: Vec<ByteRecord> = Vec::new();
    let mut n_bytes = 0;
    while looked_at.len() < LOOKED_AT && n_bytes < LOOKED_AT_BYTES && next(&mut record)? {
        n_bytes += record.as_slice().len();
        looked_at.push(record.clone());
    }
    let is_whole = looked_at.len() < LOOKED_AT && n_bytes < LOOKED_AT_BYTES;
    let header = Header::of(&first, &looked_at);
    lines.check_names(&header, &first, &looked_at)?;
    let mut table = Reading::new(lines, header, rules);
    for record in &looked_at {
        table.push(record)?;
    }
    while !is_whole && next(&mut record)? {
        table.push(&record)?;
    }
    table.finish()
}

/// A table of which some rows are read.
struct Reading<'a> {
    lines: Lines<'a>,
    header: Header,
    rules: CountRules,
    /// Titles of the columns of counts.
    columns: Vec<String>,
    rows: Vec<String>,
    counts: SparseRows,
    beside: Vec<(String, Vec<String>)>,
    below: Vec<(String, Vec<String>)>,
    missing: Option<Missing>,
    wrong: Option<Wrong>,
}

/// The first entry that is not a count.
struct Wrong {
    line: u64,
    column: String,
    found: String,
    /// The row that it is in.
    row: usize,
}

impl<'a> Reading<'a> {
    fn new(lines: Lines<'a>, header: Header, rules: CountRules) -> Self {
        let of_role = |wanted: Role| {
            let titles = header.titles.iter().zip(&header.roles);
            titles.filter(move |&(_, &role)| role == wanted)
        };
        Self {
            columns: of_role(Role::Counts)
                .map(|(title, _)| title.clone())
                .collect(),
            beside: of_role(Role::Other)
                .map(|(title, _)| (title.clone(), Vec::new()))
                .collect(),
            rows: Vec::new(),
            counts: SparseRows::new(),
            below: Vec::new(),
            missing: None,
            wrong: None,
            lines,
            header,
            rules,
        }
    }

    fn push(&mut self, record: &ByteRecord) -> Result<(), ReadError> {
        let (n_fields, expected) = (record.len(), self.header.n_fields());
        if n_fields != expected {
            let is_first = self.rows.is_empty() && self.below.is_empty();
            let others = if is_first {
                "the header has"
            } else {
                "other lines have"
            };
            let reason = format!("the line has {n_fields} fields, but {others} {expected}");
            return Err(self.lines.wrong(record, reason));
        }
        let first = self.lines.text(record, record.get(0).unwrap_or_default())?;
        if self.header.roles.first() == Some(&Role::Names) && is_other(&first) {
            return self.push_below(first, record);
        }
        self.rows.push(match self.header.roles.first() {
            Some(Role::Names | Role::NamesOrCounts) => first,
            _ => format!("row_{}", self.rows.len()),
        });
        let (mut column, mut beside) = (0, 0);
        for (position, field) in record.iter().enumerate() {
            match self.header.roles[position] {
                Role::Names | Role::NamesOrCounts | Role::Empty => {}
                Role::Other => {
                    let text = self.lines.text(record, field)?;
                    self.beside[beside].1.push(text);
                    beside += 1;
                }
                Role::Counts => {
                    self.push_entry(record, position, column, field);
                    column += 1;
                }
            }
        }
        self.counts.end_row();
        match &self.wrong {
            Some(wrong) if self.rows.len() >= wrong.row + ROWS_TO_TELL => Err(self.not_counts()),
            _ => Ok(()),
        }
    }

    /// A row that says something of the columns.
    fn push_below(&mut self, name: String, record: &ByteRecord) -> Result<(), ReadError> {
        let fields = record.iter().zip(&self.header.roles);
        let counts = fields.filter(|&(_, &role)| role == Role::Counts);
        let entries = counts.map(|(field, _)| self.lines.text(record, field));
        let entries = entries.collect::<Result<_, _>>()?;
        self.below.push((name, entries));
        Ok(())
    }

    fn push_entry(&mut self, record: &ByteRecord, position: usize, column: usize, field: &[u8]) {
        if field == b"0" {
            return;
        }
        let title = || format!("column '{}'", self.header.titles[position]);
        if is_missing(field) {
            let line = self.lines.line_of(record);
            let missing = self.missing.get_or_insert_with(|| Missing {
                n: 0,
                line,
                column: title(),
            });
            missing.n += 1;
            return;
        }
        let value = str::from_utf8(field).ok().map(str::trim);
        let value = value.and_then(|text| text.parse::<f32>().ok());
        let is_count = value.is_some_and(|value| self.rules.count(value).is_some());
        if !is_count && self.wrong.is_none() {
            self.wrong = Some(Wrong {
                line: self.lines.line_of(record),
                column: title(),
                found: String::from_utf8_lossy(field).chars().take(40).collect(),
                row: self.rows.len(),
            });
        }
        // Python writes zeros as 0.0.
        if let Some(value) = value.filter(|&value| value != 0.0) {
            self.counts.push(column, value);
        }
    }

    /// What the values of the first rows seem to be.
    fn seem(&self) -> Seems {
        let rows = self.counts.offsets.windows(2).take(LOOKED_AT);
        let rows: Vec<Vec<f32>> = rows
            .map(|ends| self.counts.values[ends[0]..ends[1]].to_vec())
            .collect();
        Seems::of(&rows.concat(), &rows)
    }

    /// The error for the first entry that is not a count, which the rows around it explain.
    fn not_counts(&self) -> ReadError {
        let Some(wrong) = &self.wrong else {
            return self.lines.nothing();
        };
        let (file, line) = (self.lines.file.to_owned(), wrong.line);
        let (column, found) = (wrong.column.clone(), wrong.found.clone());
        let number = found.trim().parse().ok().filter(|n: &f32| n.is_finite());
        match (number, self.columns_without_counts()) {
            (Some(_), Some(columns)) => ReadError::NoCountsInColumns {
                file,
                line,
                column,
                found,
                columns,
            },
            (number, _) => ReadError::NotCount {
                file,
                line,
                column,
                found,
                seems: number.map_or(Seems::Counts, |number| self.seem().with(number)),
            },
        }
    }

    /// The one or two columns that hold something else than counts, where enough others hold nothing but counts.
    fn columns_without_counts(&self) -> Option<Vec<String>> {
        let (mut with, mut without) = (BTreeSet::new(), BTreeSet::new());
        for (&column, &value) in self.counts.columns.iter().zip(&self.counts.values) {
            if self.rules.count(value).is_none() {
                without.insert(column);
            } else if value > 0.0 {
                with.insert(column);
            }
        }
        let title = |column: &u32| self.columns[*column as usize].clone();
        (without.len() <= MOST_WITHOUT_COUNTS
            && with.difference(&without).count() >= FEWEST_WITH_COUNTS)
            .then(|| without.iter().map(title).collect())
    }

    fn finish(mut self) -> Result<Table, ReadError> {
        if self.wrong.is_some() {
            return Err(self.not_counts());
        }
        if let Some(missing) = self.missing.as_ref().filter(|_| !self.rules.nan_as_zero) {
            return Err(ReadError::MissingEntries {
                file: self.lines.file.to_owned(),
                n: missing.n,
                line: missing.line,
                column: missing.column.clone(),
            });
        }
        self.check_rounding()?;
        let mut numbers_as_names = None;
        if self.header.roles.first() == Some(&Role::NamesOrCounts) {
            if name_rows(&self.rows) {
                numbers_as_names = self.header.titles.first().cloned();
            } else {
                self.first_column_is_counted()?;
            }
        }
        Ok(Table {
            numbers_as_names,
            rows: self.rows,
            columns: self.columns,
            counts: self.counts,
            beside: self.beside,
            below: self.below,
            missing: self.missing,
        })
    }

    /// Fails where fractions are to be rounded that are no corrected counts.
    fn check_rounding(&self) -> Result<(), ReadError> {
        let seems = self.rules.round.then(|| self.seem());
        let Some(seems) = seems.filter(|seems| !seems.may_be_rounded()) else {
            return Ok(());
        };
        Err(ReadError::Text {
            file: self.lines.file.to_owned(),
            reason: format!(
                "-round True is for counts that were corrected or estimated{seems}: raw counts are needed"
            ),
        })
    }

    /// Moves the numbers of the first column from the names to the counts.
    fn first_column_is_counted(&mut self) -> Result<(), ReadError> {
        let old = std::mem::replace(&mut self.counts, SparseRows::new());
        for (row, ends) in old.offsets.windows(2).enumerate() {
            let value = self.rows[row].parse().unwrap_or(f32::NAN);
            let count = self.rules.count(value).ok_or_else(|| ReadError::Text {
                file: self.lines.file.to_owned(),
                reason: format!(
                    "the first column, '{}', has {}, which is not a count",
                    self.header.titles[0], self.rows[row]
                ),
            })?;
            if count > 0.0 {
                self.counts.push(0, count);
            }
            for entry in ends[0]..ends[1] {
                self.counts
                    .push(old.columns[entry] as usize + 1, old.values[entry]);
            }
            self.counts.end_row();
            self.rows[row] = format!("row_{row}");
        }
        self.columns.insert(0, self.header.titles[0].clone());
        Ok(())
    }
}

/// Whether the numbers of a first column without a telling title are names: they are whole, and all differ.
fn name_rows(numbers: &[String]) -> bool {
    let whole = numbers.iter().map(|number| number.parse::<i64>());
    let Ok(whole) = whole.collect::<Result<Vec<_>, _>>() else {
        return false;
    };
    let mut sorted = whole.clone();
    sorted.sort_unstable();
    sorted.dedup();
    numbers.len() >= NUMBERED_ROWS && sorted.len() == whole.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        let mut bytes = text.as_bytes();
        read("x.csv", &mut bytes, CountRules::default()).expect("a table")
    }

    #[test]
    fn numbers_that_all_differ_are_names_and_others_are_counts() {
        let rows = |number: fn(usize) -> usize| -> String {
            let lines = (0..12).map(|row| format!("{},{row}\n", number(row)));
            format!("whatever,Gad1\n{}", lines.collect::<String>())
        };
        let named = table(&rows(|row| 1000 + row));
        assert_eq!((named.rows[1].as_str(), named.columns.len()), ("1001", 1));
        assert_eq!(named.numbers_as_names.as_deref(), Some("whatever"));
        let counted = table(&rows(|row| row % 3));
        assert_eq!(counted.columns, ["whatever", "Gad1"]);
        assert_eq!(counted.numbers_as_names, None);
        let titled = table(&rows(|row| 1000 + row).replacen("whatever", "cell", 1));
        assert_eq!(titled.numbers_as_names, None);
        let rules = CountRules::default();
        let counts = counted.counts.into_counts(2, rules).expect("counts");
        assert_eq!((counts.get(4, 0), counts.get(4, 1)), (Some(&1.), Some(&4.)));
        assert_eq!(counted.rows[1], "row_1");
    }

    #[test]
    fn what_is_neither_cell_nor_gene_is_kept_apart() {
        let text = "Geneid,Length,c0,c1\ncluster,,a,b\nGad1,7,1,2\nMbp,9,0,4\n__no_feature,,5,5\n";
        let table = table(text);
        assert_eq!((table.rows.len(), table.columns.len()), (2, 2));
        assert_eq!(
            table.beside,
            [("Length".to_owned(), vec!["7".to_owned(), "9".to_owned()])]
        );
        let names: Vec<&str> = table.below.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cluster", "__no_feature"]);
        assert_eq!(table.below[0].1, ["a", "b"]);
    }

    /// What is said of a table that is refused.
    fn says(text: &str) -> String {
        let mut bytes = text.as_bytes();
        let read = read("x.csv", &mut bytes, CountRules::default());
        read.expect_err("a table that is refused").to_string()
    }

    #[test]
    fn columns_that_alone_hold_no_counts_are_named() {
        let with = |values: [&str; 2]| -> String {
            let genes: Vec<String> = (0..12).map(|gene| format!("Gene{gene}")).collect();
            let counts = ["3"; 12].join(",");
            let lines =
                (0..4).map(|cell| format!("c{cell},{},{counts},{}\n", values[0], values[1]));
            let header = format!(",dpt,{},my score\n", genes.join(","));
            header + &lines.collect::<String>()
        };
        assert!(says(&with(["0.25", "-1.5"])).ends_with(
            "line 2: column 'dpt' has '0.25', which is not a count; all columns but 'dpt' and 'my score' hold counts: \
             take columns that are neither cells nor genes out of the table"
        ));
        assert!(says(&with(["4", "0.5"])).contains("all columns but 'my score' hold counts"));
        let fractions = with(["0.5", "1"]).replace(",3", ",2.7");
        assert!(!says(&fractions).contains("all columns but"));
    }

    #[test]
    fn a_line_of_counts_is_no_header() {
        let counts = "34,89,32,2,0,29,130,0,31,0,2";
        for (name, second) in [("cell_1", "cell_2"), ("Gad1", "Mbp"), ("x", "y")] {
            let said = says(&format!("{name},{counts}\n{second},{counts}\n"));
            let expected = format!("x.csv, line 1: '{name}' and counts; expected the names");
            assert!(said.starts_with(&expected), "{said}");
        }
        // So few that none occurs twice: the names tell.
        for (name, second) in [
            ("c1", "c2"),
            ("AAACCTGAGAAACCAT-1", "AAACCTGAGAAACCGC-1"),
            ("RPL3", "RPS4"),
        ] {
            let said = says(&format!("{name},3,0,1\n{second},1,0,0\n"));
            assert!(said.contains("and counts; expected"), "{said}");
        }
    }

    #[test]
    fn names_that_are_numbers_are_a_header() {
        for (header, second) in [
            ("gene,653635,100287102,79501", "Gad1"),
            ("gene,1,1,2,2,3,3,4", "Gad1"),
            (",0,1,2,3,4,5,6,7", "0"),
            ("x,1,2,3,4,5,6,7", "Gad1"),
            ("Cell.Barcode,653635,100287102,79501", "AAACCTGAGAAACCAT-1"),
        ] {
            let n_columns = header.split(',').count() - 1;
            let counts = vec!["1"; n_columns].join(",");
            let table = table(&format!("{header}\n{second},{counts}\n"));
            assert_eq!(table.columns.len(), n_columns, "{header}");
        }
        // As R writes it, the header is one shorter than the lines.
        assert_eq!(table("3,3,0,0\nc1,1,2,3,4\n").columns, ["3", "3", "0", "0"]);
    }

    #[test]
    fn lines_are_counted_with_the_comments_and_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = ["# a", "# b", ",Gad1", "c0,1", "c1,-2", ""];
            let said = says(&lines.join(end));
            assert!(
                said.starts_with("x.csv, line 5: column 'Gad1' has '-2'"),
                "{said}"
            );
        }
    }
}
