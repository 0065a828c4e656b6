//! Each cell's cluster as a table.

use std::path::Path;

use super::{WriteError, write_file};

/// Writes `cell,label`, one line per cell: `pandas.read_csv(path, index_col=0)` gives a frame that
/// joins `adata.obs` by cell name.
///
/// `names` and `labels` are in the file's order of cells and of one length; names should be unique.
pub fn write_labels(path: &Path, names: &[String], labels: &[String]) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), csv::Error> {
        let mut table = csv::Writer::from_path(path)?;
        table.write_record(["cell", "label"])?;
        for (name, label) in names.iter().zip(labels) {
            table.write_record([name, label])?;
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
        let labels = ["0", "11"].map(String::from);
        write_labels(&path, &names, &labels).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, "cell,label\nAAAC-1,0\n\"two, \"\"quoted\"\"\",11\n");
    }

    #[test]
    fn a_failure_names_the_file_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        std::fs::create_dir(&path).expect("a folder");
        let failure = write_labels(&path, &[], &[]).expect_err("a folder is in the way");
        assert!(failure.to_string().starts_with(&path.display().to_string()));
        assert!(path.is_dir());
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
    }
}
