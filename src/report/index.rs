//! The reports of a batch on one page.

use std::path::Path;

use serde::Serialize;

use super::{ReportError, page, text};
use crate::{
    metrics::decimals,
    progress::brief,
    write::{WriteError, write_file},
};

const TEMPLATE: &str = include_str!("assets/index.html");
const STYLE: &str = include_str!("assets/base.css");

/// Longest reason of a failure.
const LONGEST_REASON: usize = 300;

/// A data set of a batch. Numbers that are not known are `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexRow {
    /// Its name.
    pub name: String,
    /// Cells labelled.
    pub cells: Option<usize>,
    /// Clusters found.
    pub clusters: Option<usize>,
    /// Mean silhouette width of the embedding.
    pub asw: Option<f64>,
    /// Adjusted Rand index against the true labels.
    pub ari: Option<f64>,
    /// Normalised mutual information with the true labels.
    pub nmi: Option<f64>,
    /// Wall-clock time of its run.
    pub seconds: f64,
    /// Why it failed, where it did.
    pub error: Option<String>,
}

#[derive(Serialize)]
struct Index {
    version: &'static str,
    n_done: usize,
    n_failed: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    link: Option<String>,
    cells: String,
    clusters: String,
    asw: String,
    ari: String,
    nmi: String,
    time: String,
    state: String,
}

/// Writes a page with a line for every data set, which links to its report beside the page.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_index(path: &Path, rows: &[IndexRow]) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), ReportError> {
        let failed = rows.iter().filter(|row| row.error.is_some()).count();
        let index = Index {
            version: env!("CARGO_PKG_VERSION"),
            n_done: rows.len() - failed,
            n_failed: failed,
            rows: rows.iter().map(shown).collect(),
        };
        Ok(std::fs::write(
            path,
            page::render(TEMPLATE, STYLE, None, index)?,
        )?)
    })
}

fn shown(row: &IndexRow) -> Row {
    let whole = |number: Option<usize>| number.map_or("–".to_owned(), text::whole);
    let score = |score: Option<f64>| score.map_or("–".to_owned(), |score| decimals(score, 2));
    let failed = |reason: &String| format!("failed: {}", text::clipped(reason, LONGEST_REASON));
    Row {
        name: text::name(&row.name),
        link: row
            .error
            .is_none()
            .then(|| format!("{}.html", url_part(&row.name))),
        cells: whole(row.cells),
        clusters: whole(row.clusters),
        asw: score(row.asw),
        ari: score(row.ari),
        nmi: score(row.nmi),
        time: brief(row.seconds),
        state: row.error.as_ref().map_or("done".to_owned(), failed),
    }
}

/// A file's name as a part of an address (RFC 3986).
fn url_part(name: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_linked_and_failures_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report/index.html");
        let done = IndexRow {
            name: "javascript:a b<i>".to_owned(),
            cells: Some(3005),
            ..IndexRow::default()
        };
        let failed = IndexRow {
            name: "x".to_owned(),
            error: Some("it is <b>damaged</b>".to_owned()),
            ..IndexRow::default()
        };
        write_index(&path, &[done, failed]).expect("written");
        let page = std::fs::read_to_string(&path).expect("read");
        assert!(
            page.contains("<a href=\"javascript%3Aa%20b%3Ci%3E.html\">javascript:a b&lt;i&gt;</a>"),
            "{page}"
        );
        assert!(page.contains("<td class=\"n\">3,005</td>"));
        assert!(page.contains("failed: it is &lt;b&gt;damaged"));
        assert_eq!(page.matches("<a ").count(), 1);
        assert!(page.contains("1 has a report; 1 failed"));
    }
}
