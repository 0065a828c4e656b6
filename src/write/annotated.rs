//! The input with a run's results in it, as an `.h5ad` file.

use std::{fs, path::Path};

use ndarray::ArrayView2;
use serde_json::{Map, Value, json};

use super::{Findings, WriteError, split_lines, tree};
use crate::{
    atomic::{AtomicError, write_atomically},
    convert::new_h5ad,
    h5ad::{Annotations, H5adError, annotate, write_unfinished},
    read::{DataSet, Format, Input, ReadError, copy_hdf5},
};

/// Whether results can be added to a copy at `output` of an input that lies at `path`.
///
/// # Errors
/// Where the input holds results already that are not to be overwritten, or would itself be replaced.
pub fn check_annotatable(
    output: &Path,
    path: &Path,
    input: &Input,
    overwrite: bool,
) -> Result<(), WriteError> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    if real(output).is_some_and(|output| Some(output) == real(path)) {
        return Err(WriteError::ReplacesInput {
            path: output.to_owned(),
        });
    }
    if !overwrite && !input.earlier_results.is_empty() {
        return Err(WriteError::HasResults {
            path: path.to_owned(),
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
        names: None,
        fine: found.types.as_ref().map(|types| &types.fine[..]),
        confidence: found.types.as_ref().map(|types| &types.confidence[..]),
        embedding: found.z.view(),
        layout,
        uns: uns(found),
    };
    write_copy(path, &found.config.input, &found.input.data, &results)
}

/// Writes the whole input, a data set that lies at `input`, and into that copy results.
pub(crate) fn write_copy(
    path: &Path,
    input: &Path,
    data: &DataSet,
    results: &Annotations<'_>,
) -> Result<(), WriteError> {
    let written = write_atomically(path, |unfinished| -> Result<(), ReadError> {
        write_input(input, data, unfinished)?;
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

/// The input as an `.h5ad` file at `path`: a copy of what is one, whichever of its matrices was read; any other
/// as it is converted.
fn write_input(input: &Path, data: &DataSet, path: &Path) -> Result<(), ReadError> {
    match data.format {
        Format::H5ad => copy_hdf5(input, path),
        Format::H5mu
        | Format::Loom
        | Format::TenxH5
        | Format::XyH5
        | Format::Mtx
        | Format::Table => Ok(write_unfinished(path, &new_h5ad(data, &[input])?)?),
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
