//! Why a batch could not be run, or not to its end.

use std::path::PathBuf;

use crate::{read::Inputs, write::WriteError};

/// Why a batch failed.
#[derive(Debug, thiserror::Error)]
pub enum BatchRunError {
    /// The folder of data sets cannot be listed.
    #[error("{}: this folder cannot be listed ({source}); -data_dir names another", folder.display())]
    Folder {
        /// The folder of `-data_dir`.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is nothing to do.
    #[error("{}: there is no .h5ad file in this folder; -data_dir names another", folder.display())]
    NoDataSets {
        /// The folder of `-data_dir`.
        folder: PathBuf,
    },
    /// Two data sets would write the same files.
    #[error(
        "{first} and {second} are both called '{name}', and one's outputs would replace the other's: give one a name of its own, as in NAME={second}"
    )]
    SameName {
        /// The name.
        name: String,
        /// The file that is earlier in the batch.
        first: Inputs,
        /// The file that is later.
        second: Inputs,
    },
    /// A data set's results would be where the batch's are.
    #[error(
        "{input}: a data set called 'batch' cannot be part of a batch, whose own results are results/batch.json: rename it"
    )]
    ReservedName {
        /// The data set's file.
        input: Inputs,
    },
    /// The results of a data set lie where the record of the batch goes.
    #[error(
        "{}: this file holds the results of {input}, which the record of this batch run would replace; -output_dir names another folder, \
         -overwrite True replaces them", path.display()
    )]
    OneDataSet {
        /// The results.
        path: PathBuf,
        /// The input that they are of.
        input: String,
    },
    /// A data set's report would be where the page of all reports is.
    #[error(
        "{input}: a data set called 'index' cannot have a report in a batch, whose own page is report/index.html: rename it"
    )]
    IndexName {
        /// The data set's file.
        input: Inputs,
    },
    /// An earlier batch's results cannot be understood.
    #[error("{}: this file does not hold the results of a batch ({reason}); without -resume, every data set is run again", path.display())]
    Earlier {
        /// The file that was to tell which data sets are finished.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The results of the batch cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Some data sets failed; all others have their outputs.
    #[error("{} of {n_data_sets} data sets failed: {}", names.len(), names.join(", "))]
    Failures {
        /// Those that failed.
        names: Vec<String>,
        /// How many there are in the batch.
        n_data_sets: usize,
    },
}
