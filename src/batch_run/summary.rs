//! The records of a batch as a table for a terminal.

use super::{Record, Status};
use crate::metrics::decimals;

const HEADER: [&str; 9] = [
    "name", "cells", "clusters", "ASW", "DB", "ARI", "NMI", "seconds", "",
];

/// One line per data set, columns aligned, without a newline at the end.
#[must_use]
pub fn summary(records: &[Record]) -> String {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(records.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; HEADER.len()] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let line = |row: &[String; HEADER.len()]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (text, width))| match column {
            0 => format!("{text:width$}"),
            _ => format!("{text:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(record: &Record) -> [String; HEADER.len()] {
    let whole = |number: Option<usize>| number.map_or("-".to_owned(), |n| n.to_string());
    let score = |score: Option<f64>| score.map_or("-".to_owned(), |s| decimals(s, 3));
    let status = match record.status {
        Status::Done => "",
        Status::Unchanged => "unchanged",
        Status::Failed => "failed",
    };
    [
        record.name.clone(),
        whole(record.cells),
        whole(record.clusters),
        score(record.asw),
        score(record.db),
        score(record.ari),
        score(record.nmi),
        format!("{:.1}", record.seconds),
        status.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_what_is_not_known_is_a_dash() {
        let done = Record {
            name: "zeisel".to_owned(),
            cells: Some(3005),
            clusters: Some(9),
            asw: Some(0.7761),
            db: Some(0.6),
            seconds: 64.25,
            status: Status::Done,
            ..Record::default()
        };
        let failed = Record {
            name: "x".to_owned(),
            seconds: 0.5,
            ..Record::default()
        };
        let expected = "\
name    cells  clusters    ASW     DB  ARI  NMI  seconds
zeisel   3005         9  0.776  0.600    -    -     64.2
x           -         -      -      -    -    -      0.5  failed";
        assert_eq!(summary(&[done, failed]), expected);
    }
}
