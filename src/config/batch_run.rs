//! What the command `batch` runs.

use std::ffi::OsString;

use super::RunConfig;
use crate::read::NamedInputs;

/// Several data sets to run with the same options.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRunConfig {
    /// The data sets.
    pub data_sets: DataSetSelection,
    /// The parameters of each run, whose name and input are yet to be filled in. `threads` are those of all
    /// runs together.
    pub options: RunConfig,
    /// The options of a run that were typed, as `--lr=0.01`, for other processes of this program. Without
    /// `threads` and `quiet`.
    pub typed: Vec<OsString>,
    /// Data sets that an earlier batch run finished are not run again, unless input or options have changed.
    pub resume: bool,
    /// Most data sets to run at once, at least 1.
    pub jobs: usize,
}

/// Which data sets a batch run takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSetSelection {
    /// These, at least one.
    Named(Vec<TypedInputs>),
    /// Every `.h5ad` file of the folder of data sets.
    All,
}

/// A data set as it was typed, by name or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedInputs {
    /// As it was typed.
    pub typed: String,
    /// The data set that this means.
    pub found: NamedInputs,
}
