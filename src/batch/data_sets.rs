//! Which data sets a batch runs.

use std::{collections::HashMap, path::Path};

use super::BatchError;
use crate::{
    cli::find_data_set,
    config::{BatchConfig, DataSets, NamedDataSet, RunConfig},
};

/// The ending of the files that are taken where all are asked for.
const ENDING: &str = ".h5ad";
/// The names of the batch's own results, and of the page of its reports.
const RESERVED: &str = "batch";
const INDEX: &str = "index";

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
        if set.name == INDEX && config.options.save.report {
            return Err(BatchError::IndexName {
                input: set.inputs.clone(),
            });
        }
        if set.name == RESERVED {
            return Err(BatchError::ReservedName {
                input: set.inputs.clone(),
            });
        }
        if let Some(first) = earlier.insert(set.name.clone(), set.inputs.clone()) {
            return Err(BatchError::SameName {
                name: set.name.clone(),
                first,
                second: set.inputs.clone(),
            });
        }
    }
    let run_of = |set: NamedDataSet| DataSet {
        typed: set.typed,
        run: RunConfig {
            name: set.name,
            inputs: set.inputs,
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
    let mut names = Vec::new();
    for entry in folder.read_dir().map_err(unlisted)? {
        names.extend(entry.map_err(unlisted)?.file_name().into_string());
    }
    names.retain(|name| name.ends_with(ENDING) && !name.starts_with('.'));
    names.sort();
    let sets = names.iter().filter_map(|name| named(name, folder));
    let sets: Vec<_> = sets.collect();
    if sets.is_empty() {
        return Err(BatchError::NoDataSets {
            folder: folder.to_owned(),
        });
    }
    Ok(sets)
}

/// A file of a folder under what `-name` has to be for it: the name, or where that is another input's the path.
fn named(file_name: &str, folder: &Path) -> Option<NamedDataSet> {
    let path = folder.join(file_name);
    let name = file_name.strip_suffix(ENDING)?;
    let typed = [name.to_owned(), path.display().to_string()];
    typed.into_iter().find_map(|typed| {
        let found = find_data_set(&typed, folder).ok()?;
        found
            .inputs
            .paths()
            .eq([path.as_path()])
            .then_some(NamedDataSet {
                typed,
                name: found.name,
                inputs: found.inputs,
            })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_found_also_where_its_name_is_that_of_another_input() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.csv.h5ad", "a.h5ad", "a.csv", ".c.h5ad"] {
            fs::write(folder.path().join(name), "").expect("a file");
        }
        let sets = all_of(folder.path()).expect("a listing");
        let found: Vec<_> = sets
            .iter()
            .map(|set| (set.name.as_str(), set.inputs.to_string()))
            .collect();
        let path = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(found, [("a", path("a.h5ad")), ("b", path("b.csv.h5ad"))]);
        let typed: Vec<_> = sets.iter().map(|set| set.typed.clone()).collect();
        assert_eq!(typed, ["a".to_owned(), path("b.csv.h5ad")]);
    }
}
