//! Each cell's cluster as a table.

use std::path::Path;

use super::{WriteError, write_file};
use crate::{names::make_unique, partition::Found, progress::Progress};

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

/// Writes `cell,label`, one line per cell: `pandas.read_csv(path, index_col=0)` gives a frame that
/// joins `adata.obs` by cell name. Where clusters were cut from a tree, `fine` and `confidence` follow.
///
/// `names` and `labels` are in the file's order of cells and of one length; names should be unique.
pub fn write_labels(
    path: &Path,
    names: &[String],
    labels: &[usize],
    types: Option<&Found>,
) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), csv::Error> {
        let mut table = csv::Writer::from_path(path)?;
        let finer: &[&str] = match types {
            Some(_) => &["fine", "confidence"],
            None => &[],
        };
        table.write_record(["cell", "label"].iter().chain(finer))?;
        for (cell, (name, label)) in names.iter().zip(labels).enumerate() {
            table.write_field(name)?;
            table.write_field(label.to_string())?;
            if let Some(types) = types {
                table.write_field(types.fine[cell].to_string())?;
                table.write_field(format!("{:.3}", types.confidence[cell]))?;
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
        write_labels(&path, &names, &[0, 11], None).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, "cell,label\nAAAC-1,0\n\"two, \"\"quoted\"\"\",11\n");
    }

    #[test]
    fn a_failure_names_the_file_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        std::fs::create_dir(&path).expect("a folder");
        let failure = write_labels(&path, &[], &[], None).expect_err("a folder is in the way");
        assert!(failure.to_string().starts_with(&path.display().to_string()));
        assert!(path.is_dir());
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
    }
}
