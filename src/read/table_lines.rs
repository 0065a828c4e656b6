//! Lines of a table: their texts, and where they are for messages.

use csv::ByteRecord;

use super::{
    ReadError,
    table_header::{Header, Role, is_number},
};

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

    /// Fails where the first line holds numbers only, as a table without names has.
    pub(super) fn check_names(&self, header: &Header, first: &[String]) -> Result<(), ReadError> {
        let has_names = header.roles.first() == Some(&Role::Names);
        let is_untitled = header.titles.len() != first.len();
        if !first.is_empty()
            && first.iter().all(|name| is_number(name.as_bytes()))
            && (!has_names || !is_untitled && !first[0].is_empty())
        {
            return Err(ReadError::Line {
                file: self.file.to_owned(),
                line: self.n_skipped + 1,
                reason: "only numbers; expected the names of the columns".to_owned(),
            });
        }
        Ok(())
    }
}
