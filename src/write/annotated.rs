//! The input with a run's results in it, as an `.h5ad` file.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use ndarray::ArrayView2;
use serde_json::{Map, Value, json};

use super::{Findings, OutputPaths, WriteError, write_file};
use crate::{
    config::RunConfig,
    h5ad::{Annotations, H5adError, annotate},
    read::Input,
};

/// Whether a run that saves its results in a copy of the input will be able to.
///
/// # Errors
/// Where the input holds results already that are not to be overwritten, or would itself be replaced.
pub fn check_annotatable(config: &RunConfig, input: &Input) -> Result<(), WriteError> {
    if !config.save.h5ad {
        return Ok(());
    }
    let output = OutputPaths::of(config).h5ad();
    let real = |path: &Path| fs::canonicalize(path).ok();
    if real(&output).is_some_and(|output| Some(output) == real(&config.input)) {
        return Err(WriteError::ReplacesInput { path: output });
    }
    if !config.overwrite && !input.earlier_results.is_empty() {
        return Err(WriteError::HasResults {
            path: config.input.clone(),
            elements: input.earlier_results.clone(),
        });
    }
    Ok(())
}

/// Writes the whole input, and into that copy each cell's cluster, embedding and, where it was drawn, its place in
/// the figure.
pub(super) fn write_annotated(
    path: &Path,
    found: &Findings<'_>,
    layout: Option<ArrayView2<'_, f32>>,
) -> Result<(), WriteError> {
    let results = Annotations {
        n_cells: found.input.n_cells(),
        cells: &found.prepared.cells,
        labels: &found.labels,
        embedding: found.z.view(),
        layout,
        uns: uns(found),
    };
    write_file(path, |unfinished| {
        write_input(&found.config.input, unfinished)?;
        annotate(unfinished, &results)
    })
}

/// The input as an `.h5ad` file at `path`. Content only: the permissions of a new file, also where the input is
/// read-only.
fn write_input(input: &Path, path: &Path) -> Result<(), H5adError> {
    let copy = || io::copy(&mut File::open(input)?, &mut File::create(path)?);
    copy().map(drop).map_err(|e| H5adError::Write {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

fn uns(found: &Findings<'_>) -> Map<String, Value> {
    let entries = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "seed": found.config.seed,
        "parameters": found.config,
        "scores": found.scores,
    });
    match entries {
        Value::Object(entries) => entries,
        _ => Map::new(),
    }
}
