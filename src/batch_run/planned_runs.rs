//! The runs of a batch run: one for each data set.

use std::{collections::HashMap, path::Path};

use super::BatchRunError;
use crate::{
    cli::find_inputs,
    config::{BatchRunConfig, DataSetSelection, RunConfig, TypedInputs},
};

/// The ending of the files that are taken where all are asked for.
const ENDING: &str = ".h5ad";
/// The names of the batch's own results, and of the page of its reports.
const RESERVED: &str = "batch";
const INDEX: &str = "index";

/// The run of one data set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlannedRun {
    /// What the run's `-name` is to be.
    pub typed: String,
    /// The run's parameters.
    pub run: RunConfig,
}

/// The runs, whose names differ.
pub(super) fn planned_runs(config: &BatchRunConfig) -> Result<Vec<PlannedRun>, BatchRunError> {
    let named = match &config.data_sets {
        DataSetSelection::Named(named) => named.clone(),
        DataSetSelection::All => all_of(&config.options.data_dir)?,
    };
    let mut earlier = HashMap::new();
    for set in named.iter().map(|set| &set.found) {
        if set.name == INDEX && config.options.save.report {
            return Err(BatchRunError::IndexName {
                input: set.inputs.clone(),
            });
        }
        if set.name == RESERVED {
            return Err(BatchRunError::ReservedName {
                input: set.inputs.clone(),
            });
        }
        if let Some(first) = earlier.insert(set.name.clone(), set.inputs.clone()) {
            return Err(BatchRunError::SameName {
                name: set.name.clone(),
                first,
                second: set.inputs.clone(),
            });
        }
    }
    let run_of = |set: TypedInputs| PlannedRun {
        typed: set.typed,
        run: RunConfig {
            name: set.found.name,
            inputs: set.found.inputs,
            ..config.options.clone()
        },
    };
    Ok(named.into_iter().map(run_of).collect())
}

/// The `.h5ad` files of a folder, with the ending in any case and hidden ones apart, in the order of their names.
fn all_of(folder: &Path) -> Result<Vec<TypedInputs>, BatchRunError> {
    let unlisted = |source| BatchRunError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in folder.read_dir().map_err(unlisted)? {
        names.extend(entry.map_err(unlisted)?.file_name().into_string());
    }
    names.retain(|name| name.to_lowercase().ends_with(ENDING) && !name.starts_with('.'));
    names.sort();
    let sets = names.iter().filter_map(|name| named(name, folder));
    let sets: Vec<_> = sets.collect();
    if sets.is_empty() {
        return Err(BatchRunError::NoDataSets {
            folder: folder.to_owned(),
        });
    }
    Ok(sets)
}

/// A file of a folder under what `-name` has to be for it: the name, or where that is another input's the path.
fn named(file_name: &str, folder: &Path) -> Option<TypedInputs> {
    let path = folder.join(file_name);
    let name = file_name.strip_suffix(ENDING).unwrap_or(file_name);
    let typed = [name.to_owned(), path.display().to_string()];
    typed.into_iter().find_map(|typed| {
        let found = find_inputs(&typed, folder).ok()?;
        found
            .inputs
            .paths()
            .eq([path.as_path()])
            .then_some(TypedInputs { typed, found })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_found_also_where_its_name_is_that_of_another_input() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.csv.h5ad", "a.h5ad", "a.csv", ".c.h5ad", "D.H5AD"] {
            fs::write(folder.path().join(name), "").expect("a file");
        }
        let sets = all_of(folder.path()).expect("a listing");
        let found: Vec<_> = sets
            .iter()
            .map(|set| (set.found.name.as_str(), set.found.inputs.to_string()))
            .collect();
        let path = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(
            found,
            [
                ("D.H5AD", path("D.H5AD")),
                ("a", path("a.h5ad")),
                ("b", path("b.csv.h5ad"))
            ]
        );
        let typed: Vec<_> = sets.iter().map(|set| set.typed.clone()).collect();
        assert_eq!(
            typed,
            ["D.H5AD".to_owned(), "a".to_owned(), path("b.csv.h5ad")]
        );
    }
}
