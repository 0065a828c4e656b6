//! Why a file cannot be used as a model.

use std::{io, path::PathBuf};

/// Why a file cannot be used as a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no safetensors file.
    #[error(
        "{path}: is not a model: {reason}; -model takes the file that a run writes with -save_model_para True"
    )]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What the reader of the format says.
        reason: String,
    },
    /// Another program wrote the file.
    #[error(
        "{path}: is a safetensors file, but not a model of attentionae-sc; -model takes the file that a run writes with \
         -save_model_para True"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A version of this program wrote the file whose models hold weights only.
    #[error(
        "{path}: was written by attentionae-sc {version}, whose models hold weights only; train again with \
         -save_model_para True"
    )]
    WeightsOnly {
        /// The file.
        path: PathBuf,
        /// The version.
        version: String,
    },
    /// The file is of another format.
    #[error(
        "{path}: was written by attentionae-sc {version} in format {found}; this version reads format {known}: use that \
         version, or train again with this one"
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// The version.
        version: String,
        /// Its format.
        found: String,
        /// The format that is read.
        known: String,
    },
    /// Something that belongs into a model is missing, or is not as it must be.
    #[error(
        "{path}: is damaged: {what} {problem}; copy it again, or train again with -save_model_para True"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The tensor or text.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}
