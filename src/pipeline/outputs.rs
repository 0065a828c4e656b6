//! All outputs of a run, those that it asks for.

use std::fs;

use tch::Device;

use crate::{
    grouping::sizes,
    libtorch,
    memory::StageLog,
    model_file::TrainedModel,
    processor,
    progress::Progress,
    report::{ReportedRun, write_multiqc, write_report},
    write::{
        ClusterSize, Findings, OutputPaths, Replacement, Results, TreeSummary, WriteError, Writer,
        unique_names, write_annotated, write_embedding, write_figures, write_labels, write_markers,
        write_newick, write_results, write_tree,
    },
};

/// Writes what the run asked for below its output folder; `results/NAME.json` always, and last. That of an earlier run is removed
/// first: where it is missing, outputs are not complete. A note names other outputs of an earlier run that stay.
///
/// # Errors
///
/// When another run has written results of another input meanwhile or is writing just now, or a file cannot be written. Files
/// written before stay, each of them whole.
pub(super) fn write_outputs(
    found: &Findings<'_>,
    model: Option<&mut TrainedModel>,
    mut log: StageLog,
    progress: &Progress,
) -> Result<(), WriteError> {
    let paths = OutputPaths::of(found.config);
    let names = unique_names(
        &found.input.data.cell_names,
        &found.prepared.cells,
        progress,
    );
    let begun = Replacement::of_run(found.config, Writer::Run).begin()?;
    write_tables(found, &paths, &names)?;
    if let Some(model) = model {
        let path = paths.model();
        model.save(&path)?;
        let mb = fs::metadata(&path).map_or(0.0, |file| file.len() as f64 / 1e6);
        progress.note(&format!(
            "the model is in {}, {mb:.1} MB: attentionae-sc annotate -model {0} -name NEW labels new cells with it",
            path.display()
        ));
    }
    write_pictures(found, &paths, &mut log, progress)?;
    log.end();
    if let Some(layout) = found.layout.as_ref().filter(|_| found.config.save.report) {
        progress.stage("Writing the report");
        let run = ReportedRun {
            found,
            names: &names,
            layout: layout.view(),
            said: &progress.said(),
            log: &log,
        };
        write_report(&paths.report(), &run)?;
        let [bars, statistics] = paths.multiqc();
        write_multiqc(&bars, &statistics, found)?;
    }
    write_results(&paths.results(), &results(found, &log))?;
    if let Some(note) = begun.note() {
        progress.note(&note);
    }
    Ok(())
}

/// Labels, embedding, markers and the tree.
fn write_tables(
    found: &Findings<'_>,
    paths: &OutputPaths,
    names: &[String],
) -> Result<(), WriteError> {
    let save = found.config.outputs();
    let format = save.table_format;
    if save.pred_label {
        write_labels(&paths.labels(format), format, names, found)?;
    }
    if save.embedding {
        write_embedding(&paths.embedding(format), format, names, found.z.view())?;
    }
    if let Some(markers) = found.markers.as_ref().filter(|_| save.markers) {
        let data = &found.input.data;
        let symbols = data.symbols();
        let symbols = symbols
            .as_ref()
            .map(|(column, symbols)| (*column, &symbols[..]));
        write_markers(
            &paths.markers(format),
            format,
            markers,
            &data.gene_names,
            symbols,
        )?;
    }
    if save.tree {
        write_tree(&paths.tree(), found)?;
        write_newick(&paths.newick(), found)?;
    }
    Ok(())
}

/// Figures, and the copy of the input that holds the layout too.
fn write_pictures(
    found: &Findings<'_>,
    paths: &OutputPaths,
    log: &mut StageLog,
    progress: &Progress,
) -> Result<(), WriteError> {
    let layout = found.layout.as_ref().map(|places| places.view());
    if let Some(places) = layout.filter(|_| found.config.save.umap) {
        log.begin("figures");
        progress.stage("Drawing the embedding");
        write_figures(found, paths, places, progress)?;
    }
    if found.config.save.h5ad {
        log.begin("h5ad");
        progress.stage("Adding the results to a copy of the input");
        write_annotated(&paths.h5ad(), found, layout)?;
    }
    Ok(())
}

fn results<'a>(found: &'a Findings<'_>, log: &StageLog) -> Results<'a> {
    let sizes = sizes(&found.labels);
    Results {
        version: env!("CARGO_PKG_VERSION"),
        libtorch: libtorch::loaded_from().and_then(|folder| libtorch::version(&folder)),
        instruction_set: processor::instruction_set(),
        device: match found.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_owned(),
        },
        threads: rayon::current_num_threads(),
        seed: found.config.seed,
        parameters: found.config,
        data_set: found.config.inputs.to_string(),
        input: found.config.inputs.places(),
        n_cells: found.prepared.n_cells(),
        n_cells_dropped: found.input.n_cells() - found.prepared.n_cells(),
        training_cells: (found.training_cells.len() < found.prepared.n_cells())
            .then_some(found.training_cells),
        n_genes: found.input.n_genes(),
        n_hvg: found.prepared.n_genes(),
        n_clusters: sizes.len(),
        clusters: sizes
            .into_iter()
            .enumerate()
            .map(|(cluster, cells)| ClusterSize {
                label: cluster.to_string(),
                cells,
            })
            .collect(),
        tree: TreeSummary::of(found),
        silhouette: found.apartness,
        mixing: found.mixing.clone(),
        neighbors_recall: found.neighbors_recall,
        n_cells_scored: found
            .truth
            .as_ref()
            .map(|truth| truth.codes.iter().flatten().count()),
        scores: found.scores,
        stages: log.stages().to_vec(),
        seconds: log.seconds(),
        peak_rss_mb: log.peak_rss_mb(),
    }
}
