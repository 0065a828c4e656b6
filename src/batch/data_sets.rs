//! Which data sets a batch runs.

use std::{collections::HashMap, path::Path};

use super::BatchError;
use crate::{
    cli::find_data_set,
    config::{BatchConfig, DataSets, NamedDataSet, RunConfig},
};

/// The ending of the files that are taken where all are asked for.
const ENDING: &str = ".h5ad";
/// The name of the batch's own results.
const RESERVED: &str = "batch";

/// One run of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DataSet {
    /// What the run's `-name` is to be.
    pub typed: String,
    /// The run's parameters.
    pub run: RunConfig,
}

/// The runs of a batch, whose names differ.
pub(super) fn data_sets(config: &BatchConfig) -> Result<Vec<DataSet>, BatchError> {
    let named = match &config.data_sets {
        DataSets::Named(named) => named.clone(),
        DataSets::All => all_of(&config.options.data_dir)?,
    };
    let mut earlier = HashMap::new();
    for set in &named {
        if set.name == RESERVED {
            return Err(BatchError::ReservedName {
                input: set.path.clone(),
            });
        }
        if let Some(first) = earlier.insert(set.name.clone(), set.path.clone()) {
            return Err(BatchError::SameName {
                name: set.name.clone(),
                first,
                second: set.path.clone(),
            });
        }
    }
    let run_of = |set: NamedDataSet| DataSet {
        typed: set.typed,
        run: RunConfig {
            name: set.name,
            input: set.path,
            ..config.options.clone()
        },
    };
    Ok(named.into_iter().map(run_of).collect())
}

/// The `.h5ad` files of a folder, hidden ones apart, in the order of their names.
fn all_of(folder: &Path) -> Result<Vec<NamedDataSet>, BatchError> {
    let unlisted = |source| BatchError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut stems = Vec::new();
    for entry in folder.read_dir().map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(ENDING));
        stems.extend(
            stem.filter(|stem| !stem.starts_with('.'))
                .map(str::to_owned),
        );
    }
    stems.sort();
    let sets = stems.into_iter().filter_map(|typed| {
        let found = find_data_set(&typed, folder).ok()?;
        Some(NamedDataSet {
            typed,
            name: found.name,
            path: found.path,
        })
    });
    let sets: Vec<_> = sets.collect();
    if sets.is_empty() {
        return Err(BatchError::NoDataSets {
            folder: folder.to_owned(),
        });
    }
    Ok(sets)
}
