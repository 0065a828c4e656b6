//! Outputs of labelled cells.

use std::path::Path;

use ndarray::{ArrayView2, Axis, concatenate, s};
use serde_json::{Value, json};

use super::{Annotated, facts::facts};
use crate::{
    config::AnnotateConfig,
    graph::near_graph,
    h5ad::{Annotations, CellColumn, CellValues},
    memory::StageLog,
    model_file::TrainedModel,
    output_table::{Column, TableFormat, Values},
    plot::{Figure, drawable, title, umap_layout, write_figure},
    progress::Progress,
    read::{Input, NamedInputs},
    report::{ReportedCells, write_new_cells},
    write::{
        Begun, OutputPaths, Replacement, WriteError, Writer, cell_names, check_annotatable,
        check_files, drawn_names, unique_names, write_copy, write_embedding, write_file,
    },
};

pub(super) fn paths(config: &AnnotateConfig, data_set: &NamedInputs) -> OutputPaths {
    OutputPaths::new(&config.output_dir, &data_set.name)
}

fn replacement<'a>(config: &AnnotateConfig, data_set: &'a NamedInputs) -> Replacement<'a> {
    Replacement {
        paths: paths(config, data_set),
        by: Writer::Annotate,
        inputs: &data_set.inputs,
        within: None,
        overwrite: config.overwrite,
    }
}

/// Whether all outputs can be written, and replace none of another input or of a run.
pub(super) fn check_outputs(
    config: &AnnotateConfig,
    data_set: &NamedInputs,
) -> Result<(), WriteError> {
    let paths = paths(config, data_set);
    let save = config.save;
    let mut files = vec![paths.results()];
    files.extend(save.pred_label.then(|| paths.labels(save.table_format)));
    files.extend(save.embedding.then(|| paths.embedding(save.table_format)));
    if save.umap {
        files.extend([
            paths.predicted_figure(save.figure_format),
            paths.new_cells_figure(save.figure_format),
            paths.true_figure(save.figure_format),
        ]);
    }
    files.extend(save.report.then(|| paths.report()));
    files.extend(save.h5ad.then(|| paths.h5ad()));
    check_files(&files)?;
    replacement(config, data_set).check()
}

/// Whether results can be added to a copy of the input, where that is asked for.
pub(super) fn check_copy(
    config: &AnnotateConfig,
    data_set: &NamedInputs,
    input: &Input,
) -> Result<(), WriteError> {
    if !config.save.h5ad {
        return Ok(());
    }
    let output = paths(config, data_set).h5ad();
    check_annotatable(&output, &data_set.inputs, input, config.overwrite)
}

/// Writes what was asked for, but for the results: those of an earlier run are removed. What is returned is to be kept until the new
/// ones are written.
pub(super) fn write_outputs(
    found: &Annotated<'_>,
    (model, old_labels): (&TrainedModel, &[Option<usize>]),
    log: &StageLog,
    progress: &Progress,
) -> anyhow::Result<Begun> {
    let paths = paths(found.config, found.data_set);
    let save = found.config.save;
    let names = unique_names(&found.input.data.cell_names, &found.cells.cells, progress);
    let layout = (save.umap || save.report)
        .then(|| {
            progress.stage("Laying out the cells in the plane");
            let old = model.reference.embedding.view();
            let both = concatenate(Axis(0), &[old, found.cells.z.view()])
                .unwrap_or_else(|_| found.cells.z.clone());
            umap_layout(both.view(), &near_graph(&both.view(), 1)?, 1)
        })
        .transpose()?;
    let layout = layout.as_ref().map(|places| places.view());
    let folder = found.config.output_dir.display();
    progress.stage(&format!("Writing to {folder}"));
    let begun = replacement(found.config, found.data_set).begin()?;
    write_tables(found, &paths, &names)?;
    if let Some(places) = layout.filter(|_| save.umap) {
        write_figures(found, model, places, progress)?;
    }
    if let Some(layout) = layout.filter(|_| save.report) {
        progress.stage("Writing the report");
        let reported = ReportedCells {
            name: &found.data_set.name,
            label_by: found.config.label_by,
            facts: &facts(found, model, log),
            input: found.input,
            truth_column: found.config.celltype.column(),
            cells: &found.cells.cells,
            names: &names,
            totals: &found.cells.totals,
            labels: &found.labels,
            label_names: found.names,
            nearest: &found.cells.nearest,
            confidence: &found.cells.confidence,
            distance: &found.cells.distance,
            old_labels,
            layout,
            truth: found.truth.as_ref(),
            scores: found.scores,
            said: &progress.said(),
            log,
        };
        write_new_cells(&paths.report(), &reported)?;
    }
    if save.h5ad {
        progress.stage("Adding the results to a copy of the input");
        let n_old = model.reference.embedding.nrows();
        let places = layout.as_ref().map(|places| places.slice(s![n_old.., ..]));
        write_annotated(&paths.h5ad(), found, model, places)?;
    }
    Ok(begun)
}

/// Labels and embedding.
fn write_tables(
    found: &Annotated<'_>,
    paths: &OutputPaths,
    names: &[String],
) -> Result<(), WriteError> {
    let save = found.config.save;
    let format = save.table_format;
    if save.pred_label {
        write_labels(&paths.labels(format), format, names, found)?;
    }
    if save.embedding {
        let z = found.cells.z.view();
        write_embedding(&paths.embedding(format), format, names, z)?;
    }
    Ok(())
}

/// Writes `cell,label,confidence,nearest,distance`, one row per cell.
fn write_labels(
    path: &Path,
    format: TableFormat,
    names: &[String],
    found: &Annotated<'_>,
) -> Result<(), WriteError> {
    let cells = &found.cells;
    let label = |cell: usize| Some(found.names[found.labels[cell]].as_str());
    let nearest = |cell: usize| found.names.get(cells.nearest[cell]).map(String::as_str);
    let columns = [
        cell_names(names),
        Column::new("label", Values::Text(Box::new(label))),
        Column::new(
            "confidence",
            Values::ThreeDecimals(Box::new(|cell| cells.confidence[cell])),
        ),
        Column::new("nearest", Values::Text(Box::new(nearest))),
        Column::new(
            "distance",
            Values::ThreeDecimals(Box::new(|cell| cells.distance[cell])),
        ),
    ];
    write_file(path, |path| format.write(path, &columns, names.len()))
}

/// Figures of the training cells and the new cells together: by label, by which of the two a cell is, and where they are
/// known by true type.
fn write_figures(
    found: &Annotated<'_>,
    model: &TrainedModel,
    coords: ArrayView2<'_, f32>,
    progress: &Progress,
) -> Result<(), WriteError> {
    let paths = paths(found.config, found.data_set);
    let format = found.config.save.figure_format;
    let reference = &model.reference;
    let name = &drawable(std::slice::from_ref(&found.data_set.name)).0[0];
    let figure = |path: &Path, what: &str, labels: &[usize], names: &[String]| {
        let title = title(name, what, None);
        let names = drawn_names(names, path, progress);
        let figure = Figure {
            title: &title,
            coords,
            labels,
            names: &names,
        };
        write_file(path, |path| write_figure(path, &figure, format))
    };
    let unknown = found.names.len();
    let old = reference.clusters.iter().map(|_| unknown);
    let labels: Vec<usize> = old.chain(found.labels.iter().copied()).collect();
    let path = paths.predicted_figure(format);
    figure(&path, "labels, grey: training cells", &labels, found.names)?;
    let n_old = reference.clusters.len();
    let kinds: Vec<usize> = (0..labels.len())
        .map(|cell| usize::from(cell >= n_old))
        .collect();
    let kinds_are = ["training cells", "new cells"].map(str::to_owned);
    let path = paths.new_cells_figure(format);
    figure(&path, "training and new cells", &kinds, &kinds_are)?;
    if let Some(truth) = &found.truth {
        let unknown = truth.names.len();
        let old = reference.clusters.iter().map(|_| unknown);
        let new = truth.codes.iter().map(|code| code.unwrap_or(unknown));
        let labels: Vec<usize> = old.chain(new).collect();
        let path = paths.true_figure(format);
        figure(
            &path,
            "true labels, grey: training cells",
            &labels,
            &truth.names,
        )?;
    }
    Ok(())
}

/// The input with the results in it.
fn write_annotated(
    path: &Path,
    found: &Annotated<'_>,
    model: &TrainedModel,
    layout: Option<ArrayView2<'_, f32>>,
) -> Result<(), WriteError> {
    let about: serde_json::Map<String, Value> = model
        .about
        .iter()
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .collect();
    let uns = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": found.config.model.display().to_string(),
        "trained": about,
        "label_by": found.config.label_by,
        "scores": found.scores,
    });
    let results = Annotations {
        n_cells: found.input.n_cells(),
        cells: &found.cells.cells,
        columns: &[
            CellColumn {
                name: "label",
                values: CellValues::Clusters(&found.labels, Some(found.names)),
            },
            CellColumn {
                name: "confidence",
                values: CellValues::Numbers(&found.cells.confidence),
            },
        ],
        embedding: found.cells.z.view(),
        layout,
        uns: uns.as_object().cloned().unwrap_or_default(),
    };
    write_copy(path, &found.data_set.inputs, &found.input.data, &results)
}
