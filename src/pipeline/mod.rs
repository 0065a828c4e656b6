//! The stages of a run, in order.

use anyhow::Context;
use ndarray::{Array2, Axis};
use tch::Device;

mod clusters;
mod training;
mod views;

use self::{clusters::check_finite, training::TrainingData, views::Seen};
use crate::{
    cluster::labelling::label_cells,
    config::{CellTypes, Cuda, RunConfig},
    graph::{BatchGraphs, CellGraph, Features},
    markers::{Marker, find_markers},
    memory::StageLog,
    metrics::{Scores, Truth},
    model::{
        autoencoder::Autoencoder,
        device::{DeviceError, gpu},
        every_cell::{Reference, embed_cells, inputs},
        graph_conv::GraphOperator,
    },
    partition::Found,
    preprocess::{N_COMPONENTS, Prepared, PreprocessError, prepare, sample_cells},
    progress::Progress,
    read::{Input, read},
    threads,
    write::{Findings, OutputPaths, check_annotatable, split_lines, write_outputs},
};

pub use self::views::Apartness;

/// What a run found.
#[derive(Debug)]
pub struct Summary {
    /// Scores of the final labels.
    pub scores: Scores,
}

/// Finds the cell types of a data set, and writes them.
///
/// # Errors
///
/// The first thing that went wrong, in words for the user; no output is half written.
pub fn run(config: &RunConfig, progress: &Progress) -> anyhow::Result<Summary> {
    let mut run = Run {
        config,
        progress,
        log: StageLog::start(),
    };
    threads::use_at_most(config.threads);
    OutputPaths::of(config).check_writable(config.save)?;
    let device = device(config, progress)?;
    // The noise of a GPU is libtorch's own; on the CPU every draw has its stream.
    tch::manual_seed(i64::try_from(config.seed).unwrap_or(i64::MAX));

    run.stage("read", &format!("Reading {}", config.input.display()));
    let input = read(&config.input, &config.read, &config.celltype)?;
    check_annotatable(config, &input)?;
    run.say_if_labels_are_missing(&input);
    run.stage(
        "preprocess",
        &format!(
            "Preparing {} cells, {} genes",
            input.n_cells(),
            input.n_genes()
        ),
    );
    let prepared = run.prepare(&input)?;
    run.say_what_was_dropped(&input, &prepared);

    let cells = sample_cells(prepared.n_cells(), config.max_num_cell, config.seed);
    run.say_what_is_trained_on(&prepared, &cells);
    let seen = run.see(&prepared, &cells)?;

    let mut found = run.train_and_cluster(&prepared, &cells, seen.as_ref(), device)?;

    run.stage("score", "Scoring");
    let of_training: Vec<usize> = cells.iter().map(|&cell| found.labels[cell]).collect();
    let before = seen.as_ref().map(|seen| &seen.scores.shared);
    let apartness = Apartness::of(before, &found.z.select(Axis(0), &cells), &of_training);
    run.progress.note(&apartness.note(found.types.is_some()));
    let truth = input
        .truth
        .as_ref()
        .map(|labels| Truth::of_cells(labels, &prepared.cells));
    let scores = Scores::of(found.z.view(), &found.labels, truth.as_ref());
    let markers = run.markers(&input, &prepared, &found.labels)?;
    let findings = Findings {
        config,
        device,
        scores,
        markers,
        types: found.types,
        input: &input,
        prepared: &prepared,
        training_cells: &cells,
        apartness,
        z: found.z,
        labels: found.labels,
        truth,
    };
    run.say_what_the_tree_is(&findings);
    run.stage(
        "write",
        &format!("Writing to {}", config.output_dir.display()),
    );
    write_outputs(&findings, &mut found.model, run.log, progress)?;
    progress.finish();
    Ok(Summary {
        scores: findings.scores,
    })
}

/// Every cell's place and cluster, and the model that gave them.
struct Labelled {
    model: Autoencoder,
    /// Embedding of all cells, n × d.
    z: Array2<f32>,
    /// Clusters of all cells, 0.. by decreasing size.
    labels: Vec<usize>,
    /// The tree that the clusters were cut from, where they were.
    types: Option<Found>,
}

/// What every stage of one run shares.
struct Run<'a> {
    config: &'a RunConfig,
    progress: &'a Progress,
    log: StageLog,
}

impl Run<'_> {
    fn stage(&mut self, name: &str, what: &str) {
        self.log.begin(name);
        self.progress.stage(what);
    }

    /// Trains on the training cells (positions in `prepared`), clusters them, and embeds and labels every cell.
    fn train_and_cluster(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        device: Device,
    ) -> anyhow::Result<Labelled> {
        let landmark_rows = self.landmarks(cells.len());
        let landmarks: Vec<usize> = landmark_rows.iter().map(|&row| cells[row]).collect();
        self.stage("graph", &format!("Cell graph of {} cells", landmarks.len()));
        let features = self.features(prepared, cells, seen, landmarks.len())?;
        let graph = CellGraph::build(features.of(prepared, &landmarks).view(), &self.config.graph)
            .with_context(|| self.config.input.display().to_string())?;
        self.say_if_disconnected(&graph);
        let graphs = self.config.train.batch_size.map(|_| {
            BatchGraphs::new(
                &self.config.graph,
                &graph,
                &landmarks,
                cells,
                prepared,
                &features,
            )
        });
        let residual = seen.filter(|_| self.config.model.parts.residual);
        let base = residual.map(|seen| seen.scores.shared.select(Axis(0), &landmark_rows));
        let reference = Reference {
            cells: &landmarks,
            inputs: &inputs(prepared, base.as_ref(), &landmarks, device),
            operator: &GraphOperator::of(&graph, device).aggregating(
                self.config.graph.aggregation,
                landmarks.len(),
                device,
            ),
            graph: &graph,
            features: &features,
            components: residual.map(|seen| &seen.components),
        };

        let mut training = self.pretrain(&TrainingData {
            prepared,
            cells,
            seen,
            reference: &reference,
            graphs: graphs.as_ref(),
        })?;
        let z = embed_cells(&training.model, prepared, &reference, cells);
        check_finite(&z, "pretraining")?;
        let clusters = self.clusters(prepared, cells, seen, &z)?;
        let centers = if self.config.train.clustering_epoch > 0 {
            Some(self.self_train(&mut training, &clusters, &z)?)
        } else {
            None
        };
        self.stage("embed", &format!("Embedding {} cells", prepared.n_cells()));
        let is_other = |cell: &usize| centers.is_some() || cells.binary_search(cell).is_err();
        let others: Vec<usize> = (0..prepared.n_cells()).filter(is_other).collect();
        let z = if others.is_empty() {
            z
        } else {
            let of_others = embed_cells(&training.model, prepared, &reference, &others);
            // Where the model has learnt on, all cells are others, and overwrite what they were.
            let mut all = Array2::zeros((prepared.n_cells(), z.ncols()));
            for (places, z) in [(cells, &z), (&others, &of_others)] {
                for (&cell, z) in places.iter().zip(z.rows()) {
                    all.row_mut(cell).assign(&z);
                }
            }
            all
        };
        check_finite(&z, "training")?;
        let (labels, types) = match &centers {
            Some(centers) => (label_cells(z.view(), centers), None),
            None => clusters.of_all(&z, cells),
        };
        Ok(Labelled {
            model: training.model,
            z,
            labels,
            types,
        })
    }

    /// The counts prepared. What cannot be read says itself in which file.
    fn prepare(&self, input: &Input) -> anyhow::Result<Prepared> {
        let prepared = prepare(&*input.data.counts, self.config.n_hvg);
        let mut prepared = prepared.map_err(|error| match error {
            PreprocessError::Read(error) => error.into(),
            error => anyhow::Error::new(error).context(self.config.input.display().to_string()),
        })?;
        if let Some(max_value) = self.config.max_value {
            prepared.scaling.max_value = max_value as f32;
        }
        Ok(prepared)
    }

    /// The cells that any cell is embedded against (places among the `n_cells` training cells, ascending): all of these, or
    /// some of them where they are learnt from in mini-batches.
    fn landmarks(&self, n_cells: usize) -> Vec<usize> {
        let most = match self.config.train.batch_size {
            Some(_) => self.config.landmarks,
            None => n_cells,
        };
        sample_cells(n_cells, most, self.config.seed)
    }

    /// What cell graphs of `n_cells` of the training cells (`cells`, as they are `seen`) are built from.
    fn features(
        &self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        n_cells: usize,
    ) -> Result<Features, PreprocessError> {
        match (seen, self.config.n_pcs) {
            (Some(seen), Some(N_COMPONENTS)) => Ok(Features::Components(
                (seen.components).lognormalized(prepared, cells, &seen.scores),
            )),
            (_, n_pcs) => Features::choose(prepared, n_cells, n_pcs),
        }
    }

    fn say_what_is_trained_on(&self, prepared: &Prepared, cells: &[usize]) {
        if cells.len() < prepared.n_cells() {
            self.progress.note(&format!(
                "trained on and clustered are {} of the {} cells; -max_num_cell says how many",
                cells.len(),
                prepared.n_cells()
            ));
        }
    }

    /// Each cluster's marker genes, where they are asked for.
    fn markers(
        &mut self,
        input: &Input,
        prepared: &Prepared,
        labels: &[usize],
    ) -> anyhow::Result<Option<Vec<Vec<Marker>>>> {
        if !self.config.save.markers && !self.config.save.report {
            return Ok(None);
        }
        self.stage("markers", "Finding marker genes");
        let markers = find_markers(&*input.data.counts, prepared, labels, self.config.n_markers)?;
        if markers.len() < 2 {
            self.progress
                .note("a single cluster has no marker genes: there is nothing to compare it with");
        }
        Ok(Some(markers))
    }

    fn say_what_the_tree_is(&self, found: &Findings) {
        let Some(types) = &found.types else { return };
        let splits = split_lines(found);
        let clusters = match splits.len() {
            0 => "one cluster".to_owned(),
            n => format!("{} clusters", n + 1),
        };
        let weakest = match splits.last() {
            Some(line) => format!("; the weakest split is {line}"),
            None => String::new(),
        };
        self.progress.note(&format!(
            "{clusters} cut from a tree of {} fine ones{weakest}",
            types.tree.n_leaves()
        ));
    }

    fn say_if_labels_are_missing(&self, input: &Input) {
        if input.truth.is_none() && self.config.celltype == CellTypes::Auto {
            let other = match &input.obs_columns[..] {
                [] => String::new(),
                columns => format!(
                    "; -celltype names another column of obs [{}]",
                    columns.join(", ")
                ),
            };
            self.progress.note(&format!(
                "no obs['celltype']: scored without ARI and NMI{other}"
            ));
        }
    }

    fn say_what_was_dropped(&self, input: &Input, prepared: &Prepared) {
        let dropped = input.n_cells() - prepared.n_cells();
        if dropped > 0 {
            self.progress
                .note(&format!("{dropped} cells without counts are left out"));
        }
    }

    fn say_if_disconnected(&self, graph: &CellGraph) {
        let sizes = graph.components();
        if sizes.len() > 1 {
            let largest: Vec<String> = sizes.iter().take(8).map(ToString::to_string).collect();
            let more = if sizes.len() > largest.len() {
                ", …"
            } else {
                ""
            };
            self.progress.note(&format!(
                "the cell graph falls into {} parts of {}{more} cells; a higher -n_neighbors joins them",
                sizes.len(),
                largest.join(", "),
            ));
        }
    }
}

/// The device that the run asks for, or the best there is.
fn device(config: &RunConfig, progress: &Progress) -> anyhow::Result<Device> {
    match config.cuda {
        Cuda::Never => Ok(Device::Cpu),
        Cuda::Always => gpu().context("-cuda True cannot be had"),
        Cuda::Auto => Ok(gpu().unwrap_or_else(|reason| {
            if !matches!(reason, DeviceError::NoDriver) {
                progress.note(&format!("training on the CPU: {reason}"));
            }
            Device::Cpu
        })),
    }
}
