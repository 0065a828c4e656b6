//! What the first lines of a table tell about its columns.

use csv::ByteRecord;

/// The columns that precede the genes in tables as Baron et al. published theirs.
const BARON: [&str; 3] = ["", "barcode", "assigned_cluster"];
/// Titles of a column of names, in small letters.
const TITLES: [&str; 17] = [
    "barcode",
    "barcodes",
    "cell",
    "cell_id",
    "cell_name",
    "cellid",
    "cells",
    "gene",
    "gene_id",
    "gene_name",
    "gene_symbol",
    "genes",
    "id",
    "index",
    "name",
    "names",
    "symbol",
];

/// What the columns of a table are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Columns before the counts: 3 in Baron's tables, 1 for names, 0 where rows have none.
    pub(super) n_annotations: usize,
    /// The names of the columns of counts.
    pub(super) names: Vec<String>,
}

impl Header {
    /// Reads the first line in the light of the second.
    ///
    /// The first column is that of names, unless its title is that of a gene and its first entry is a
    /// number. R's tables have no title for it: their first line is one shorter than the others.
    pub(super) fn of(first: &[String], second: Option<&ByteRecord>) -> Self {
        let n_fields = second.map_or(first.len(), ByteRecord::len);
        if first.len() + 1 == n_fields {
            return Self::after(1, first.to_vec());
        }
        let starts = |words: &[&str]| first.iter().zip(words).all(|(a, b)| a == b);
        if first.len() >= BARON.len() && starts(&BARON) {
            return Self::after(BARON.len(), first[BARON.len()..].to_vec());
        }
        let title = first.first().map_or("", String::as_str).to_lowercase();
        let is_title =
            title.is_empty() || title.starts_with("unnamed") || TITLES.contains(&title.as_str());
        let entry = second.and_then(|record| record.get(0)).unwrap_or_default();
        if is_title || !is_number(entry) {
            Self::after(1, first.get(1..).unwrap_or_default().to_vec())
        } else {
            Self::after(0, first.to_vec())
        }
    }

    fn after(n_annotations: usize, names: Vec<String>) -> Self {
        Self {
            n_annotations,
            names,
        }
    }

    /// Whether the counts follow a cell's name, barcode and type.
    pub(super) fn is_barons(&self) -> bool {
        self.n_annotations == BARON.len()
    }

    /// Fields of every line but the first.
    pub(super) fn n_fields(&self) -> usize {
        self.n_annotations + self.names.len()
    }
}

pub(super) fn is_number(field: &[u8]) -> bool {
    str::from_utf8(field).is_ok_and(|text| text.trim().parse::<f64>().is_ok())
}

/// The separator that most of a line's fields have between them: tab, comma, semicolon or blank.
pub(super) fn separator(line: &[u8]) -> u8 {
    let count = |separator: u8| {
        let mut is_quoted = false;
        let separates = |&&byte: &&u8| {
            is_quoted ^= byte == b'"';
            byte == separator && !is_quoted
        };
        line.iter().filter(separates).count()
    };
    let found = [b'\t', b',', b';', b' ']
        .into_iter()
        .find(|&s| count(s) > 0);
    found.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(first: &[&str], second: &[&str]) -> (usize, Vec<String>) {
        let first: Vec<String> = first.iter().map(ToString::to_string).collect();
        let header = Header::of(&first, Some(&ByteRecord::from(second.to_vec())));
        (header.n_annotations, header.names)
    }

    #[test]
    fn the_column_of_names_is_found() {
        let genes = vec!["Gad1".to_owned(), "Mbp".to_owned()];
        let cases: [(&[&str], &[&str], usize); 7] = [
            (&["", "Gad1", "Mbp"], &["0", "1", "2"], 1),
            (&["Gad1", "Mbp"], &["cell1", "1", "2"], 1),
            (&["Barcode", "Gad1", "Mbp"], &["1001", "1", "2"], 1),
            (&["whatever", "Gad1", "Mbp"], &["AAAC-1", "1", "2"], 1),
            (&["Unnamed: 0", "Gad1", "Mbp"], &["3", "1", "2"], 1),
            (&["Gad1", "Mbp"], &["1", "2"], 0),
            (
                &["", "barcode", "assigned_cluster", "Gad1", "Mbp"],
                &["a", "b", "c", "1", "2"],
                3,
            ),
        ];
        for (first, second, n_annotations) in cases {
            assert_eq!(
                header(first, second),
                (n_annotations, genes.clone()),
                "{first:?}"
            );
        }
    }

    #[test]
    fn separators_in_quotes_do_not_count() {
        assert_eq!(separator(b"gene\ta,b\tc"), b'\t');
        assert_eq!(separator(b"\"a b\";\"c, d\""), b';');
        assert_eq!(separator(b",\"a;b\""), b',');
        assert_eq!(separator(b"a b c"), b' ');
        assert_eq!(separator(b"alone"), b',');
    }
}
