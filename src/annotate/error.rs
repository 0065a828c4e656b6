//! Why new cells cannot be labelled.

use std::path::PathBuf;

use crate::{counts::CountsError, model_file::ModelFileError};

/// Why new cells cannot be labelled.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelFileError),
    /// Counts cannot be read.
    #[error(transparent)]
    Read(#[from] CountsError),
    /// Too few of the model's genes are there.
    #[error(
        "{input}: has {found} of the {wanted} highly variable genes that the model was trained on, and {least} are needed: {why}"
    )]
    FewGenes {
        /// The input.
        input: String,
        /// How many are there.
        found: usize,
        /// How many there are in the model.
        wanted: usize,
        /// How many are needed.
        least: usize,
        /// What may be the reason.
        why: String,
    },
    /// No cell is left to label.
    #[error("{input}: none of its {n_cells} cells has a count of the model's genes")]
    NoCounts {
        /// The input.
        input: String,
        /// Its cells.
        n_cells: usize,
    },
    /// The model holds no cell types: the column was not there, had no value, or was not to be read.
    #[error(
        "{model}: -label_by celltype needs a model that was trained with cell types, those of obs['celltype'] or of the column \
         that -celltype names, and no cell of this one has any; -label_by cluster gives clusters"
    )]
    NoCellTypes {
        /// The model.
        model: PathBuf,
    },
    /// All cells of the model are called unassigned.
    #[error(
        "{model}: all cells that this model was trained on are called unassigned, so that there is no label to give; -label_by cluster \
         without -names gives clusters"
    )]
    NoLabels {
        /// The model.
        model: PathBuf,
    },
    /// The names of clusters cannot be read.
    #[error(
        "{path}: {problem}; -names takes a table of two columns, cluster and name, with a header"
    )]
    Names {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
