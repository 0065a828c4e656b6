//! A run's outputs: where they go, and how each is written.

mod annotated;
mod claim;
mod earlier;
mod embedding;
mod figures;
mod findings;
mod labels;
mod left;
mod markers;
mod paths;
mod results;
mod tree;

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub(crate) use self::{
    annotated::write_copy,
    claim::Claim,
    earlier::input_of_results,
    figures::drawn_names,
    labels::{cell_names, unique_names},
    paths::check_files,
    tree::newick,
};
pub use self::{
    annotated::{check_annotatable, write_annotated},
    earlier::{Begun, Replacement, Writer},
    embedding::write_embedding,
    figures::write_figures,
    findings::Findings,
    labels::write_labels,
    markers::write_markers,
    paths::{OutputPaths, check_writable},
    results::{ClusterSize, Results, write_results},
    tree::{TreeSummary, split_lines, write_newick, write_tree},
};
use crate::atomic::write_atomically;

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file stands where a folder is needed.
    #[error("{path}: this is a file, but outputs need a folder; choose another folder")]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// A folder stands where a file is to be written.
    #[error(
        "{path}: this is a folder, but an output is to be a file of this name; choose another folder"
    )]
    NotAFile {
        /// The folder.
        path: PathBuf,
    },
    /// The folder does not take files.
    #[error("{path}: this folder cannot be written to ({source}); choose another")]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The input holds what is to be added to its copy.
    #[error("{path}: this file already holds {} of an earlier run; -overwrite True replaces these in the copy", elements.join(", "))]
    HasResults {
        /// The input.
        path: PathBuf,
        /// What it holds.
        elements: Vec<String>,
    },
    /// Results of another input, or of another command, lie under the run's name.
    #[error(
        "{}: this file holds {other}, which {by} would replace; {keeps_both} keeps both, -overwrite True replaces them", path.display()
    )]
    OtherResults {
        /// The results.
        path: PathBuf,
        /// What they are of.
        other: String,
        /// What would replace them.
        by: String,
        /// What gives the new outputs another name.
        keeps_both: String,
    },
    /// Another process writes outputs of the run's name.
    #[error(
        "{}: another run is writing its outputs under this name right now; run this one again when that is done, or under another name",
        path.display()
    )]
    IsWritten {
        /// The results that come last.
        path: PathBuf,
    },
    /// The copy would take the place of the input.
    #[error(
        "{path}: this is the input itself, and -save_h5ad would replace it; -output_dir names another folder"
    )]
    ReplacesInput {
        /// The input.
        path: PathBuf,
    },
    /// Writing failed on the way.
    #[error("{path}: the file cannot be written")]
    File {
        /// The output that is missing now; an older one is as it was.
        path: PathBuf,
        /// What failed.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Creates the file's folder, then writes the file whole or not at all.
pub(crate) fn write_file<E>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), WriteError>
where
    E: Error + Send + Sync + 'static,
{
    write_atomically(path, write).map_err(|source| WriteError::File {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Writes a value as JSON, indented, with a newline at the end; whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), io::Error> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        fs::write(path, text)
    })
}
