//! All outputs of a run, those that it asks for.

use std::fs;

use ndarray::Array2;
use tch::Device;

use super::{
    ClusterSize, OutputPaths, Results, WriteError,
    annotated::write_annotated,
    earlier::place,
    figures::write_figures,
    tree::{TreeSummary, write_newick, write_tree},
    write_embedding, write_labels, write_markers, write_results,
};
use crate::{
    config::RunConfig,
    grouping::sizes,
    libtorch,
    markers::Marker,
    memory::StageLog,
    metrics::{Scores, Truth},
    model_file::TrainedModel,
    names::make_unique,
    partition::Found,
    pipeline::{Apartness, Mixing},
    plot::umap_layout,
    preprocess::Prepared,
    processor,
    progress::Progress,
    read::Input,
    report::{ReportedRun, write_multiqc, write_report},
};

/// Neighbours of a cell in the 2-D layout.
pub(crate) const LAYOUT_NEIGHBORS: usize = 15;

/// What a run found, cell by cell in the order of the prepared data.
#[derive(Debug)]
pub struct Findings<'a> {
    /// The run's parameters.
    pub config: &'a RunConfig,
    /// Where the model was trained.
    pub device: Device,
    /// What was read.
    pub input: &'a Input,
    /// What was kept of it.
    pub prepared: &'a Prepared,
    /// Cells trained on, ascending.
    pub training_cells: &'a [usize],
    /// How far apart the clusters lie.
    pub apartness: Apartness,
    /// How batches mix, where there are any.
    pub mixing: Option<Mixing>,
    /// Share of the true nearest neighbours in the graph that was clustered, measured on some cells; 1 where all are.
    pub neighbors_recall: f64,
    /// Embedding, n × d.
    pub z: Array2<f32>,
    /// Clusters, 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// True labels, where known.
    pub truth: Option<Truth>,
    /// Scores of `labels`.
    pub scores: Scores,
    /// Marker genes of every cluster, where the run asks for them.
    pub markers: Option<Vec<Vec<Marker>>>,
    /// The tree that the clusters were cut from, where they were.
    pub types: Option<Found>,
}

impl Findings<'_> {
    /// The name of a highly variable gene, a column of the prepared counts.
    #[must_use]
    pub fn gene_name(&self, column: usize) -> &str {
        &self.input.data.gene_names[self.prepared.genes[column]]
    }
}

/// Writes what the run asked for below its output folder; `results/NAME.json` always, and last.
///
/// # Errors
///
/// When a file cannot be written. Files written before stay, each of them whole.
pub fn write_outputs(
    found: &Findings<'_>,
    model: Option<&mut TrainedModel>,
    mut log: StageLog,
    progress: &Progress,
) -> Result<(), WriteError> {
    let paths = OutputPaths::of(found.config);
    // Over all cells, as anndata numbers them, and not only over those that are labelled.
    let mut all = found.input.data.cell_names.clone();
    let renamed = make_unique(&mut all);
    let cells = found.prepared.cells.iter();
    let names: Vec<String> = cells.map(|&cell| all[cell].clone()).collect();
    if renamed > 0 {
        progress.note(&format!(
            "{renamed} cell names occur more than once; outputs number them"
        ));
    }
    let save = found.config.save;
    if save.pred_label {
        write_labels(&paths.labels(), &names, &found.labels, found.types.as_ref())?;
    }
    if save.embedding {
        write_embedding(&paths.embedding(), &names, found.z.view())?;
    }
    if let Some(model) = model {
        let path = paths.model();
        model.save(&path)?;
        let mb = fs::metadata(&path).map_or(0.0, |file| file.len() as f64 / 1e6);
        progress.note(&format!(
            "the model is in {}, {mb:.1} MB: attentionae-sc annotate -model {0} -name NEW labels new cells with it",
            path.display()
        ));
    }
    if let Some(markers) = found.markers.as_ref().filter(|_| save.markers) {
        let data = &found.input.data;
        let symbols = data.symbols();
        let symbols = symbols
            .as_ref()
            .map(|(column, symbols)| (*column, &symbols[..]));
        write_markers(&paths.markers(), markers, &data.gene_names, symbols)?;
    }
    if save.tree {
        write_tree(&paths.tree(), found)?;
        write_newick(&paths.newick(), found)?;
    }
    let layout = (save.umap || save.report).then(|| {
        log.begin("layout");
        progress.stage("Laying out the cells in the plane");
        umap_layout(found.z.view(), LAYOUT_NEIGHBORS, found.config.seed)
    });
    let layout = layout.as_ref().map(|places| places.view());
    if let Some(places) = layout.filter(|_| save.umap) {
        log.begin("figures");
        progress.stage("Drawing the embedding");
        write_figures(found, &paths, places, progress)?;
    }
    if save.h5ad {
        log.begin("h5ad");
        progress.stage("Adding the results to a copy of the input");
        write_annotated(&paths.h5ad(), found, layout)?;
    }
    log.end();
    if let Some(layout) = layout.filter(|_| save.report) {
        progress.stage("Writing the report");
        let run = ReportedRun {
            found,
            names: &names,
            layout,
            said: &progress.said(),
            log: &log,
        };
        write_report(&paths.report(), &run)?;
        let [bars, statistics] = paths.multiqc();
        write_multiqc(&bars, &statistics, found)?;
    }
    write_results(&paths.results(), &results(found, &log))
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
        data_set: found.config.input.display().to_string(),
        input: place(&found.config.input),
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
