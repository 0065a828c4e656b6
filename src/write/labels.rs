//! Each cell's cluster as a table.

use std::path::Path;

use super::{Findings, WriteError, write_file};
use crate::{
    h5ad::{CellColumn, CellValues},
    names::make_unique,
    output_table::{Column, TableFormat, Values},
    progress::Progress,
};

/// The names of some cells (rows of the input), made unique over all its cells, as anndata numbers them.
pub(crate) fn unique_names(all: &[String], cells: &[usize], progress: &Progress) -> Vec<String> {
    let mut all = all.to_vec();
    let renamed = make_unique(&mut all);
    if renamed > 0 {
        progress.note(&format!(
            "{renamed} cell names occur more than once; outputs number them"
        ));
    }
    cells.iter().map(|&cell| all[cell].clone()).collect()
}

/// What is written of every cell, in the order of the columns.
pub(super) fn cell_columns<'a>(found: &'a Findings<'_>) -> Vec<CellColumn<'a>> {
    let mut columns = vec![CellColumn {
        name: "label",
        values: CellValues::Clusters(&found.labels, None),
    }];
    if let Some(types) = &found.types {
        columns.push(CellColumn {
            name: "fine",
            values: CellValues::Clusters(&types.fine, None),
        });
        columns.push(CellColumn {
            name: "confidence",
            values: CellValues::Numbers(&types.confidence),
        });
    }
    columns
}

/// Writes `cell,label,…`, one row per cell: `pandas.read_csv(path, index_col=0)` gives a frame that joins `adata.obs` by cell
/// name. `names` are those of the cells with results, in the file's order, and unique.
pub fn write_labels(
    path: &Path,
    format: TableFormat,
    names: &[String],
    found: &Findings<'_>,
) -> Result<(), WriteError> {
    write_columns(path, format, names, &cell_columns(found))
}

fn write_columns(
    path: &Path,
    format: TableFormat,
    names: &[String],
    columns: &[CellColumn<'_>],
) -> Result<(), WriteError> {
    let columns = columns.iter().map(|column| {
        let values = match column.values {
            CellValues::Clusters(labels, None) => {
                Values::Whole(Box::new(|cell| labels[cell] as i64))
            }
            CellValues::Clusters(labels, Some(names)) => {
                Values::Text(Box::new(|cell| Some(&names[labels[cell]])))
            }
            CellValues::Numbers(numbers) => Values::ThreeDecimals(Box::new(|cell| numbers[cell])),
        };
        Column::new(column.name, values)
    });
    let columns: Vec<_> = [cell_names(names)].into_iter().chain(columns).collect();
    write_file(path, |path| format.write(path, &columns, names.len()))
}

/// The first column of a table of cells.
pub(crate) fn cell_names(names: &[String]) -> Column<'_> {
    Column::new("cell", Values::Text(Box::new(|cell| Some(&names[cell]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_a_cell_and_its_label() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pred_label/x.csv");
        let names = ["AAAC-1", "two, \"quoted\""].map(String::from);
        let label = CellColumn {
            name: "label",
            values: CellValues::Clusters(&[0, 11], None),
        };
        let confidence = CellColumn {
            name: "confidence",
            values: CellValues::Numbers(&[0.5, 1.0]),
        };
        let columns = [label, confidence];
        write_columns(&path, TableFormat::Csv, &names, &columns).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let expected = "cell,label,confidence\nAAAC-1,0,0.500\n\"two, \"\"quoted\"\"\",11,1.000\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_failure_names_the_file_and_keeps_the_old_one() {
        for format in [TableFormat::Csv, TableFormat::Parquet] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("x");
            std::fs::create_dir(&path).expect("a folder");
            let failure = write_columns(&path, format, &[], &[]);
            let failure = failure.expect_err("a folder is in the way").to_string();
            assert!(
                failure.starts_with(&path.display().to_string()),
                "{failure}"
            );
            assert!(path.is_dir());
            let left = std::fs::read_dir(folder.path()).expect("a folder").count();
            assert_eq!(left, 1);
        }
    }
}
