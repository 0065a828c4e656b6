//! The stages of a run, in order.

use crate::{config::RunConfig, progress::Progress, write::Scores};

/// What a run found.
#[derive(Debug)]
pub struct Summary {
    /// Scores of the final labels.
    pub scores: Scores,
}

/// Finds the cell types of a data set.
pub fn run(config: &RunConfig, _progress: &Progress) -> anyhow::Result<Summary> {
    anyhow::bail!("{}: the pipeline is not merged", config.input.display())
}
