//! Lines of a table: their texts, and where they are for messages.

use std::collections::BTreeSet;

use csv::ByteRecord;

use super::{
    ReadError,
    names_seem::NamesSeem,
    table_header::{Header, Role, is_number, names_rows},
};

/// Of as many fields all but one have to be numbers for the line to be one of counts.
const NEARLY_ALL: usize = 10;
/// Of as many names that are numbers one may occur again.
const MOST_AGAIN: usize = 10;

/// Where lines come from, for messages.
pub(super) struct Lines<'a> {
    pub(super) file: &'a str,
    /// Lines before the first that is a record.
    pub(super) n_skipped: u64,
}

impl Lines<'_> {
    pub(super) fn wrong(&self, record: &ByteRecord, reason: String) -> ReadError {
        ReadError::Line {
            file: self.file.to_owned(),
            line: self.line_of(record),
            reason,
        }
    }

    pub(super) fn nothing(&self) -> ReadError {
        ReadError::Empty {
            file: self.file.to_owned(),
            n_cells: 0,
            n_genes: 0,
        }
    }

    pub(super) fn line_of(&self, record: &ByteRecord) -> u64 {
        self.n_skipped + record.position().map_or(0, csv::Position::line)
    }

    /// A field as text.
    pub(super) fn text(&self, record: &ByteRecord, field: &[u8]) -> Result<String, ReadError> {
        match str::from_utf8(field) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(_) => Err(self.wrong(
                record,
                "this is not UTF-8 text; rewrite it in that encoding".to_owned(),
            )),
        }
    }

    /// Fails where the first line holds numbers only, or a name and counts, as a table without a header has.
    pub(super) fn check_names(
        &self,
        header: &Header,
        first: &[String],
        next: &[ByteRecord],
    ) -> Result<(), ReadError> {
        let has_names = header.roles.first() == Some(&Role::Names);
        let is_untitled = header.titles.first() != first.first();
        let wrong = |reason: String| ReadError::Line {
            file: self.file.to_owned(),
            line: self.n_skipped + 1,
            reason,
        };
        if !first.is_empty()
            && first.iter().all(|name| is_number(name.as_bytes()))
            && (!has_names || !is_untitled && !first[0].is_empty())
        {
            let reason = "only numbers; expected the names of the columns";
            return Err(wrong(reason.to_owned()));
        }
        if let [name, fields @ ..] = first
            && !is_untitled
            && are_counts_of(name, fields, next)
        {
            return Err(wrong(format!(
                "'{name}' and counts; expected the names of the columns: add a line of them at the top. If these numbers \
                 are names, call the first column 'cell' or 'gene'"
            )));
        }
        Ok(())
    }
}

/// Whether fields of the first line are the counts of a cell or a gene: nearly all are numbers, and many of them occur
/// more than once, or what stands before them is a name like those of the `next` lines. Numbers under a title of names
/// are names.
fn are_counts_of(name: &str, fields: &[String], next: &[ByteRecord]) -> bool {
    let is_title = names_rows(name) && !name.contains(|c: char| c.is_ascii_digit());
    let numbers: Vec<&String> = fields
        .iter()
        .filter(|field| is_number(field.as_bytes()))
        .collect();
    if name.is_empty()
        || is_title
        || numbers.is_empty()
        || numbers.len() * NEARLY_ALL < fields.len() * (NEARLY_ALL - 1)
    {
        return false;
    }
    let distinct: BTreeSet<&String> = numbers.iter().copied().collect();
    let n_again = numbers.len() - distinct.len();
    n_again * MOST_AGAIN > numbers.len() || is_like_names(name, next)
}

/// Whether a name is one of a cell or a gene as those of lines are, or differs from the first of them in its number only.
fn is_like_names(name: &str, next: &[ByteRecord]) -> bool {
    let names = next.iter().filter_map(|line| line.get(0));
    let names: Vec<String> = names
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    let (one, others) = (NamesSeem::of(&[name.to_owned()]), NamesSeem::of(&names));
    let without_digits = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let is_numbered = without_digits(name) != name;
    let is_next = |next: &String| next != name && without_digits(next) == without_digits(name);
    (one.are_cells() && others.are_cells())
        || (one.are_genes() && others.are_genes())
        || (is_numbered && names.first().is_some_and(is_next))
}
