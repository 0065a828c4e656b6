//! What the first lines of a table tell about its columns.

use csv::ByteRecord;

use super::other_columns::{is_other, plain};

/// Words of which one makes a title that of names.
const TITLE_WORDS: [&str; 29] = [
    "accession",
    "barcode",
    "barcodes",
    "cb",
    "cell",
    "cellid",
    "cells",
    "ensembl",
    "entrez",
    "feature",
    "features",
    "gene",
    "geneid",
    "genes",
    "genename",
    "id",
    "identifier",
    "ids",
    "index",
    "name",
    "names",
    "probe",
    "rowid",
    "rowname",
    "rownames",
    "symbol",
    "symbols",
    "ensg",
    "entrezgene",
];
/// More text columns than this share are no columns beside the counts: the table holds no counts.
const MOST_TEXTS: usize = 4;

/// What a column of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The names of the rows.
    Names,
    /// Numbers under a title that says nothing: names if they differ like names, else counts.
    NamesOrCounts,
    /// Counts of a cell or a gene.
    Counts,
    /// Something else that is known of the rows.
    Other,
    /// Without title and entries, as a separator at the end of every line leaves it.
    Empty,
}

/// What the columns of a table are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) titles: Vec<String>,
    pub(super) roles: Vec<Role>,
}

impl Header {
    /// Reads the first line in the light of those that follow it.
    ///
    /// The first column is that of names, unless its entries are numbers and its title is not that of names. R's
    /// tables have no title for it: their first line is one shorter than the others. So is that of a table whose other lines
    /// end with a separator.
    pub(super) fn of(first: &[String], next: &[ByteRecord]) -> Self {
        let n_fields = next.first().map_or(first.len(), ByteRecord::len);
        let mut titles = first.to_vec();
        if titles.len() + 1 == n_fields {
            let untitled = if end_empty(next) { titles.len() } else { 0 };
            titles.insert(untitled, String::new());
        }
        if titles.len() == n_fields + 1 && titles.last().is_some_and(String::is_empty) {
            titles.pop();
        }
        let mut roles: Vec<Role> = (0..titles.len())
            .map(|column| match column {
                0 => first_role(&titles[0], next),
                _ => role(&titles[column], column, next),
            })
            .collect();
        let n = |role: Role| roles.iter().filter(|&&found| found == role).count();
        let n_texts = (1..titles.len())
            .filter(|&column| is_text(column, next))
            .count();
        let has_no_counts = n(Role::Counts) + n(Role::NamesOrCounts) == 0;
        if has_no_counts || n_texts * MOST_TEXTS > titles.len() {
            // What is wrong with such entries is said where they are read.
            for (column, role) in roles.iter_mut().enumerate().skip(1) {
                if *role == Role::Other && (has_no_counts || !is_other(&titles[column])) {
                    *role = Role::Counts;
                }
            }
        }
        Self { titles, roles }
    }

    /// Fields of every line but the first.
    pub(super) fn n_fields(&self) -> usize {
        self.titles.len()
    }
}

/// Whether the last field of all lines is empty.
fn end_empty(lines: &[ByteRecord]) -> bool {
    let is_empty = |line: &ByteRecord| line.iter().next_back().is_none_or(<[u8]>::is_empty);
    lines.iter().all(is_empty)
}

/// What the first column is.
fn first_role(title: &str, next: &[ByteRecord]) -> Role {
    let are_numbers = next
        .iter()
        .filter_map(|record| record.get(0))
        .all(is_number);
    if names_rows(title) || !are_numbers {
        Role::Names
    } else {
        Role::NamesOrCounts
    }
}

/// Whether a title is one of names: none at all, or one that has a word like `cell` or `id` in it.
pub(super) fn names_rows(title: &str) -> bool {
    let lower = title.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    title.is_empty()
        || lower.starts_with("unnamed")
        || TITLE_WORDS.contains(&plain(title).as_str())
        || (lower.contains(|c: char| !c.is_alphanumeric())
            && words.any(|word| TITLE_WORDS.contains(&word)))
        || is_other(title)
}

fn role(title: &str, column: usize, next: &[ByteRecord]) -> Role {
    let mut entries = next.iter().filter_map(|record| record.get(column));
    if title.is_empty() && !next.is_empty() && entries.all(<[u8]>::is_empty) {
        Role::Empty
    } else if is_other(title) || is_text(column, next) {
        Role::Other
    } else {
        Role::Counts
    }
}

/// Whether two entries or more are there, and none is a number.
fn is_text(column: usize, next: &[ByteRecord]) -> bool {
    let entries = next.iter().filter_map(|record| record.get(column));
    let entries: Vec<&[u8]> = entries.filter(|entry| !is_missing(entry)).collect();
    entries.len() >= 2 && !entries.iter().any(|entry| is_number(entry))
}

pub(super) fn is_number(field: &[u8]) -> bool {
    str::from_utf8(field).is_ok_and(|text| text.trim().parse::<f64>().is_ok())
}

/// Whether an entry says that there is none.
pub(super) fn is_missing(field: &[u8]) -> bool {
    matches!(
        field.trim_ascii(),
        b"" | b"NA" | b"NaN" | b"nan" | b"NAN" | b"N/A" | b"<NA>" | b"null" | b"NULL" | b"None"
    )
}

/// What separates fields: of tab, comma, semicolon and blank the first that cuts the first two lines into as many fields,
/// or one more in the second; else the first that there is.
pub(crate) fn separator(first: &[u8], second: &[u8]) -> u8 {
    let count = |line: &[u8], separator: u8| {
        let mut is_quoted = false;
        let separates = |&&byte: &&u8| {
            is_quoted ^= byte == b'"';
            byte == separator && !is_quoted
        };
        line.iter().filter(separates).count()
    };
    let there: Vec<u8> = [b'\t', b',', b';', b' ']
        .into_iter()
        .filter(|&separator| count(first, separator) > 0)
        .collect();
    let agrees = |&&separator: &&u8| {
        let (first, second) = (count(first, separator), count(second, separator));
        second == first || second == first + 1
    };
    let found = there.iter().find(agrees).or(there.first());
    found.copied().unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(first: &[&str], next: &[&[&str]]) -> Vec<Role> {
        let first: Vec<String> = first.iter().map(ToString::to_string).collect();
        let next = next.iter().map(|fields| ByteRecord::from(fields.to_vec()));
        Header::of(&first, &next.collect::<Vec<_>>()).roles
    }

    #[test]
    fn the_column_of_names_is_found() {
        use Role::{Counts, Names, NamesOrCounts};
        let cases: [(&[&str], &[&str], Role); 8] = [
            (&["", "Gad1", "Mbp"], &["0", "1", "2"], Names),
            (&["Gad1", "Mbp"], &["cell1", "1", "2"], Names),
            (&["Barcode", "Gad1", "Mbp"], &["1001", "1", "2"], Names),
            (&["Cell_Index", "Gad1", "Mbp"], &["1001", "1", "2"], Names),
            (&["whatever", "Gad1", "Mbp"], &["AAAC-1", "1", "2"], Names),
            (
                &["whatever", "Gad1", "Mbp"],
                &["17", "1", "2"],
                NamesOrCounts,
            ),
            (&["Unnamed: 0", "Gad1", "Mbp"], &["3", "1", "2"], Names),
            (&["Aif1", "Gad1", "Mbp"], &["0", "1", "2"], NamesOrCounts),
        ];
        for (first, next, role) in cases {
            assert_eq!(roles(first, &[next]), [role, Counts, Counts], "{first:?}");
        }
    }

    #[test]
    fn columns_beside_the_counts_are_found_by_title_or_by_their_texts() {
        use Role::{Counts, Empty, Names, Other};
        let found = roles(
            &["Geneid", "Length", "c0", "c1", "kind of", ""],
            &[
                &["Gad1", "512", "1", "2", "a", ""],
                &["Mbp", "77", "0", "2", "b", ""],
            ],
        );
        assert_eq!(found, [Names, Other, Counts, Counts, Other, Empty]);
    }

    #[test]
    fn a_separator_at_the_end_of_the_header_or_of_the_lines_shifts_nothing() {
        use Role::{Counts, Empty, Names};
        let titles = ["cell", "Gad1", "Mbp"];
        let lines: [&[&str]; 2] = [&["c1", "1", "2", ""], &["c2", "4", "5", ""]];
        assert_eq!(roles(&titles, &lines), [Names, Counts, Counts, Empty]);
        let titles = ["cell", "Gad1", "Mbp", ""];
        let lines: [&[&str]; 2] = [&["c1", "1", "2"], &["c2", "4", "5"]];
        assert_eq!(roles(&titles, &lines), [Names, Counts, Counts]);
        // One empty entry is a missing one.
        let lines: [&[&str]; 2] = [&["c1", "1", "2", ""], &["c2", "4", "5", "6"]];
        let found = roles(&["Gad1", "Mbp", "Aif1"], &lines);
        assert_eq!(found, [Names, Counts, Counts, Counts]);
    }

    #[test]
    fn a_table_of_texts_has_no_columns_beside_counts() {
        let found = roles(&["", "a", "b"], &[&["c0", "x", "y"], &["c1", "x", "y"]]);
        assert_eq!(found, [Role::Names, Role::Counts, Role::Counts]);
    }

    #[test]
    fn separators_in_quotes_do_not_count() {
        assert_eq!(separator(b"gene\ta,b\tc", b"x\t1\t2"), b'\t');
        assert_eq!(separator(b"\"a b\";\"c, d\"", b"1;2"), b';');
        assert_eq!(separator(b",\"a;b\"", b"c,1"), b',');
        assert_eq!(separator(b"a b c", b"d 1 2 3"), b' ');
        assert_eq!(separator(b"my gene,c 1,c 2", b"Gad1,1,2"), b',');
        assert_eq!(separator(b"alone", b""), b',');
    }
}
