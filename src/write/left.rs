//! Outputs of an earlier run that stay beside those of this one.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::OutputPaths;

/// The outputs that were there before those of a run were written.
#[derive(Debug)]
pub(super) struct EarlierOutputs(Vec<EarlierOutput>);

#[derive(Debug)]
struct EarlierOutput {
    path: PathBuf,
    /// The path below the output folder.
    shown: String,
    file: FileId,
}

/// What tells a file from another one at the same path: outputs are never written into, but replaced.
#[derive(Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl EarlierOutputs {
    /// What any run may have written there under this name.
    pub(super) fn of(paths: &OutputPaths) -> Self {
        let found = paths.any().into_iter().filter_map(|path| {
            Some(EarlierOutput {
                file: FileId::of(&path)?,
                shown: paths.below_folder(&path),
                path,
            })
        });
        Self(found.collect())
    }

    /// Names those that were not replaced meanwhile, if there are any.
    pub(super) fn note(&self) -> Option<String> {
        let is_left =
            |output: &&EarlierOutput| FileId::of(&output.path).as_ref() == Some(&output.file);
        let left = self.0.iter().filter(is_left);
        let left: Vec<&str> = left.map(|output| output.shown.as_str()).collect();
        let named = || format!("of an earlier run, and not replaced: {}", left.join(", "));
        (!left.is_empty()).then(named)
    }
}

impl FileId {
    /// `None` where there is no file.
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{output_table::TableFormat, write::write_file};

    #[test]
    fn outputs_that_were_not_replaced_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = OutputPaths::new(folder.path(), "x");
        let [csv, parquet] = [TableFormat::Csv, TableFormat::Parquet].map(|f| paths.labels(f));
        let write = |path: &Path| write_file(path, |path| fs::write(path, "")).expect("written");
        assert_eq!(EarlierOutputs::of(&paths).note(), None);
        for path in [&csv, &paths.tree(), &paths.newick()] {
            write(path);
        }
        write(&OutputPaths::new(folder.path(), "y").model());
        let earlier = EarlierOutputs::of(&paths);
        write(&parquet);
        write(&paths.tree());
        let named = "of an earlier run, and not replaced: pred_label/x.csv, tree/x.nwk";
        assert_eq!(earlier.note().as_deref(), Some(named));
        write(&csv);
        write(&paths.newick());
        assert_eq!(earlier.note(), None);
    }
}
