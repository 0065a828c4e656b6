//! A table of counts, cells × genes or genes × cells, as a stream.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::{
    ReadError,
    table_header::{Header, is_number, separator},
};
use crate::h5ad::{SparseRows, is_count};

/// How much of a table is looked at to find its separator.
const HEAD: u64 = 1 << 16;

/// A table in memory, by its own rows.
#[derive(Debug)]
pub(super) struct Table {
    /// One name per row.
    pub(super) rows: Vec<String>,
    /// One name per column of counts.
    pub(super) columns: Vec<String>,
    pub(super) counts: SparseRows,
    /// Barcodes and types of the rows, in Baron's tables.
    pub(super) annotations: Option<(Vec<String>, Vec<Option<String>>)>,
}

/// Reads a table, separated by tabs, commas, semicolons or blanks: a line of names, then a line of
/// whole numbers for each row. Missing entries (empty, `NA`, `NaN`) are 0.
pub(super) fn read(file: &str, reader: &mut dyn Read) -> Result<Table, ReadError> {
    let broken = |reason: String| ReadError::Text {
        file: file.to_owned(),
        reason,
    };
    let mut head = Vec::new();
    let peeked = (&mut *reader).take(HEAD).read_to_end(&mut head);
    peeked.map_err(|e| broken(e.to_string()))?;
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut csv = ReaderBuilder::new()
        .delimiter(separator(line))
        .flexible(true)
        .has_headers(false)
        .from_reader(head.as_slice().chain(reader));
    let mut next = |record: &mut ByteRecord| {
        let read = csv.read_byte_record(record);
        read.map_err(|e| broken(e.to_string()))
    };
    let mut record = ByteRecord::new();
    next(&mut record)?;
    let lines = Lines { file };
    let first = record.iter().map(|field| lines.text(&record, field));
    let first: Vec<String> = first.collect::<Result<_, _>>()?;
    let mut has_row = next(&mut record)?;
    let header = Header::of(&first, has_row.then_some(&record));
    lines.check_names(&header, &first)?;
    let mut table = Table::new(&header);
    while has_row {
        table.push(&lines, &header, &record)?;
        has_row = next(&mut record)?;
    }
    table.columns = header.names;
    Ok(table)
}

impl Table {
    fn new(header: &Header) -> Self {
        Self {
            rows: Vec::new(),
            columns: Vec::new(),
            counts: SparseRows::new(),
            annotations: header.is_barons().then(Default::default),
        }
    }

    fn push(
        &mut self,
        lines: &Lines<'_>,
        header: &Header,
        record: &ByteRecord,
    ) -> Result<(), ReadError> {
        if record.len() != header.n_fields() {
            let reason = format!(
                "{} fields, where other lines have {}",
                record.len(),
                header.n_fields()
            );
            return Err(lines.wrong(record, reason));
        }
        let name = match header.n_annotations {
            0 => format!("row_{}", self.rows.len()),
            _ => lines.text(record, &record[0])?,
        };
        self.rows.push(name);
        if let Some((barcodes, types)) = &mut self.annotations {
            barcodes.push(lines.text(record, &record[1])?);
            let label = lines.text(record, &record[2])?;
            types.push(Some(label).filter(|label| !is_missing(label)));
        }
        for (column, field) in record.iter().skip(header.n_annotations).enumerate() {
            if field == b"0" {
                continue;
            }
            let count = parse_count(field).ok_or_else(|| ReadError::NotCount {
                file: lines.file.to_owned(),
                line: line_of(record),
                column: format!("column '{}'", header.names[column]),
                found: String::from_utf8_lossy(field).chars().take(40).collect(),
            })?;
            self.counts.push(column, count);
        }
        self.counts.end_row();
        Ok(())
    }
}

/// Where lines come from, for messages.
struct Lines<'a> {
    file: &'a str,
}

impl Lines<'_> {
    fn wrong(&self, record: &ByteRecord, reason: String) -> ReadError {
        ReadError::Line {
            file: self.file.to_owned(),
            line: line_of(record),
            reason,
        }
    }

    /// A field as text.
    fn text(&self, record: &ByteRecord, field: &[u8]) -> Result<String, ReadError> {
        match str::from_utf8(field) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(_) => Err(self.wrong(
                record,
                "this is not UTF-8 text; rewrite it in that encoding".to_owned(),
            )),
        }
    }

    /// Fails where the first line holds numbers only, as a table without names has.
    fn check_names(&self, header: &Header, first: &[String]) -> Result<(), ReadError> {
        if !first.is_empty()
            && first.iter().all(|name| is_number(name.as_bytes()))
            && header.names == first
        {
            return Err(ReadError::Line {
                file: self.file.to_owned(),
                line: 1,
                reason: "only numbers; expected the names of the columns".to_owned(),
            });
        }
        Ok(())
    }
}

fn line_of(record: &ByteRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// A count; a missing one is 0. `None` where it is no whole number, or negative.
fn parse_count(field: &[u8]) -> Option<f32> {
    let text = str::from_utf8(field).ok()?.trim();
    if is_missing(text) {
        return Some(0.0);
    }
    text.parse().ok().filter(|&count| is_count(count))
}

fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "NaN" | "nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_not_negative() {
        let cases = [("7", Some(7.)), (" 2.0 ", Some(2.)), ("1e3", Some(1000.))];
        for (field, count) in cases.into_iter().chain([("NA", Some(0.)), ("", Some(0.))]) {
            assert_eq!(parse_count(field.as_bytes()), count, "{field}");
        }
        for field in ["-1", "0.5", "inf", "x", "1,5"] {
            assert_eq!(parse_count(field.as_bytes()), None, "{field}");
        }
    }
}
