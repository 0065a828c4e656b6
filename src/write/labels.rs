//! Each cell's cluster as a table.

use std::path::Path;

use super::{Findings, WriteError, write_file};
use crate::{
    h5ad::{CellColumn, CellValues},
    names::make_unique,
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

/// Writes `cell,label,…`, one line per cell: `pandas.read_csv(path, index_col=0)` gives a frame that joins `adata.obs` by cell
/// name. `names` are those of the cells with results, in the file's order, and unique.
pub fn write_labels(path: &Path, names: &[String], found: &Findings<'_>) -> Result<(), WriteError> {
    write_columns(path, names, &cell_columns(found))
}

fn write_columns(
    path: &Path,
    names: &[String],
    columns: &[CellColumn<'_>],
) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), csv::Error> {
        let mut table = csv::Writer::from_path(path)?;
        let titles = columns.iter().map(|column| column.name);
        table.write_record(std::iter::once("cell").chain(titles))?;
        for (cell, name) in names.iter().enumerate() {
            table.write_field(name)?;
            for column in columns {
                table.write_field(match column.values {
                    CellValues::Clusters(labels, None) => labels[cell].to_string(),
                    CellValues::Clusters(labels, Some(names)) => names[labels[cell]].clone(),
                    CellValues::Numbers(numbers) => format!("{:.3}", numbers[cell]),
                })?;
            }
            table.write_record(None::<&[u8]>)?;
        }
        Ok(table.flush()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_a_cell_and_its_label() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pred_label/x.csv");
        let names = ["AAAC-1", "two, \"quoted\""].map(String::from);
        let labels = CellColumn {
            name: "label",
            values: CellValues::Clusters(&[0, 11], None),
        };
        let confidence = CellColumn {
            name: "confidence",
            values: CellValues::Numbers(&[0.5, 1.0]),
        };
        write_columns(&path, &names, &[labels, confidence]).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let expected = "cell,label,confidence\nAAAC-1,0,0.500\n\"two, \"\"quoted\"\"\",11,1.000\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_failure_names_the_file_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        std::fs::create_dir(&path).expect("a folder");
        let failure = write_columns(&path, &[], &[]).expect_err("a folder is in the way");
        assert!(failure.to_string().starts_with(&path.display().to_string()));
        assert!(path.is_dir());
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
    }
}
