//! The input with a run's results in it, as an `.h5ad` file.

use std::{fs, path::Path};

use ndarray::ArrayView2;
use serde_json::{Map, Value, json};

use super::{Findings, WriteError, labels::cell_columns, split_lines, tree};
use crate::{
    atomic::{AtomicError, write_atomically},
    convert::new_h5ad,
    h5ad::{Annotations, H5adError, annotate, write_unfinished},
    read::{DataSet, Format, Input, Inputs, ReadError, copy_hdf5},
};

/// Whether results can be added to a copy at `output` of an input that was read from `inputs`.
///
/// # Errors
/// Where the input holds results already that are not to be overwritten, or would itself be replaced.
pub fn check_annotatable(
    output: &Path,
    inputs: &Inputs,
    input: &Input,
    overwrite: bool,
) -> Result<(), WriteError> {
    if inputs.paths().any(|input| output_is(output, input)) {
        return Err(WriteError::ReplacesInput {
            path: output.to_owned(),
        });
    }
    if !overwrite && !input.earlier_results.is_empty() {
        return Err(WriteError::HasResults {
            path: inputs.to_string().into(),
            elements: input.earlier_results.clone(),
        });
    }
    Ok(())
}

/// Whether two paths lead to one file that is there.
fn output_is(output: &Path, input: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    real(output).is_some_and(|output| Some(output) == real(input))
}

/// Writes the whole input, and into that copy each cell's cluster, embedding and, where it was drawn, its place in
/// the figure.
pub fn write_annotated(
    path: &Path,
    found: &Findings<'_>,
    layout: Option<ArrayView2<'_, f32>>,
) -> Result<(), WriteError> {
    let results = Annotations {
        n_cells: found.input.n_cells(),
        cells: &found.prepared.cells,
        columns: &cell_columns(found),
        embedding: found.z.view(),
        layout,
        uns: uns(found),
    };
    write_copy(path, &found.config.inputs, &found.input.data, &results)
}

/// Writes the whole input, a data set that was read from `inputs`, and into that copy results.
pub(crate) fn write_copy(
    path: &Path,
    inputs: &Inputs,
    data: &DataSet,
    results: &Annotations<'_>,
) -> Result<(), WriteError> {
    let written = write_atomically(path, |unfinished| -> Result<(), ReadError> {
        write_input(inputs, data, unfinished)?;
        Ok(annotate(unfinished, results)?)
    });
    written.map_err(|error| WriteError::File {
        path: path.to_owned(),
        source: match error {
            // Without its path, that of the unfinished file.
            AtomicError::Write(ReadError::H5ad(H5adError::Write { reason, .. })) => reason.into(),
            error => error.into(),
        },
    })
}

/// The input as an `.h5ad` file at `path`: a copy of what is one, whichever of its matrices was read; any other, and
/// several that are joined, as they are converted.
fn write_input(inputs: &Inputs, data: &DataSet, path: &Path) -> Result<(), ReadError> {
    match (data.format, inputs.files()) {
        (Format::H5ad, [input]) => copy_hdf5(&input.path, path),
        _ => Ok(write_unfinished(path, &new_h5ad(data, inputs)?)?),
    }
}

fn uns(found: &Findings<'_>) -> Map<String, Value> {
    let entries = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "seed": found.config.seed,
        "parameters": found.config,
        "scores": found.scores,
    });
    let Value::Object(mut entries) = entries else {
        return Map::new();
    };
    if let Some(tree) = tree::newick(found) {
        let splits = split_lines(found);
        entries.insert("tree".to_owned(), json!({"newick": tree, "splits": splits}));
    }
    entries
}
