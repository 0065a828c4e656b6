//! The stages of a run, in order.

use anyhow::Context;
use ndarray::{Array2, Axis};
use tch::Device;

mod batches;
mod clusters;
mod model;
mod training;
mod views;

use self::{
    clusters::check_finite,
    model::{Network, trained_model},
    training::TrainingData,
    views::Seen,
};
use crate::{
    cluster::labelling::label_cells,
    config::{CellTypes, Cuda, RunConfig},
    counts::CountSource,
    graph::{BatchGraphs, CellGraph, Features, Projection},
    markers::{Marker, find_markers},
    memory::StageLog,
    metrics::{Scores, Truth},
    model::{
        autoencoder::Autoencoder,
        device::{DeviceError, gpu},
        every_cell::{Reference, embed_cells, inputs},
        graph_conv::GraphOperator,
    },
    model_file::LandmarkCells,
    out_of_memory::check_room,
    preprocess::{
        Batches, N_COMPONENTS, Passed, Prepared, PreprocessError, Transformation, control,
        notes_on_totals, prepare_in_batches, sample_cells,
    },
    progress::Progress,
    read::{Input, listed_columns, note_on_labels, read},
    threads,
    write::{
        Findings, OutputPaths, check_annotatable, check_replaceable, split_lines, write_outputs,
    },
};

pub(crate) use self::batches::crossed_labels;
pub use self::{batches::Mixing, views::Apartness};

/// Bytes for each gene of a training cell: its values in three views, and one copy while components are found.
const BYTES_PER_VALUE: f64 = 16.0;
/// Memory above this is said before it is taken.
const LARGE_GIB: f64 = 2.0;

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
        neighbors_recall: 1.0,
    };
    let device = run.set_up()?;
    let input = run.read()?;
    run.stage(
        "preprocess",
        &format!(
            "Preparing {} cells, {} genes",
            input.n_cells(),
            input.n_genes()
        ),
    );
    let passed = run.control_quality(&input)?;
    let batches = run.batches(&input)?;
    let prepared = run.prepare(&passed, batches.as_ref())?;
    run.say_what_was_dropped(&input, &passed, &prepared);

    let cells = sample_cells(prepared.n_cells(), config.max_num_cell, config.seed);
    run.say_what_is_trained_on(&prepared, &cells);
    run.say_what_memory_it_takes(&prepared, cells.len());
    let mut seen = run.see(&prepared, &cells)?;
    let trained = run.train(&prepared, &cells, seen.as_ref(), device)?;
    let (labels, types) = match &trained.labels {
        Some(labels) => (labels.clone(), None),
        None => run.label(&prepared, &cells, seen.as_mut(), &trained.z)?,
    };

    run.stage("score", "Scoring");
    let apartness = Apartness::of(seen.as_ref(), &trained.z, &labels, &cells);
    run.progress.note(&apartness.note(types.is_some()));
    let truth = input
        .truth
        .as_ref()
        .map(|labels| Truth::of_cells(labels, &prepared.cells));
    let mixing = run.mixing(&prepared, seen.as_ref(), &trained.z, truth.as_ref());
    run.say_if_clusters_follow_samples(&input, &prepared.cells, &labels);
    let scores = Scores::of(trained.z.view(), &labels, truth.as_ref());
    let markers = run.markers(&passed, &prepared, &labels)?;
    let findings = Findings {
        config,
        device,
        scores,
        markers,
        types,
        input: &input,
        prepared: &prepared,
        training_cells: &cells,
        apartness,
        mixing,
        neighbors_recall: run.neighbors_recall,
        z: trained.z,
        labels,
        truth,
    };
    let network = Network {
        weights: trained.model,
        landmarks: trained.landmarks,
        projection: trained.projection,
    };
    let mut model = config
        .save
        .model_para
        .then(|| trained_model(&findings, network, seen.as_ref()))
        .transpose()?;
    run.say_what_the_tree_is(&findings);
    run.stage(
        "write",
        &format!("Writing to {}", config.output_dir.display()),
    );
    write_outputs(&findings, model.as_mut(), run.log, progress)?;
    progress.finish();
    Ok(Summary {
        scores: findings.scores,
    })
}

/// A model, and every cell as it sees it.
struct Trained {
    model: Autoencoder,
    /// The cells that every cell is embedded against, and what their cell graph is built from.
    landmarks: LandmarkCells,
    projection: Projection,
    /// Embedding of all cells, n × d.
    z: Array2<f32>,
    /// Clusters of all cells, 0.. by decreasing size, where the model learnt them.
    labels: Option<Vec<usize>>,
}

/// What every stage of one run shares.
struct Run<'a> {
    config: &'a RunConfig,
    progress: &'a Progress,
    log: StageLog,
    /// Share of the nearest neighbours that the graph which was clustered holds.
    neighbors_recall: f64,
}

impl Run<'_> {
    fn stage(&mut self, name: &str, what: &str) {
        self.log.begin(name);
        self.progress.stage(what);
    }

    /// Threads, seed and device, once outputs are known to have a place.
    fn set_up(&self) -> anyhow::Result<Device> {
        let config = self.config;
        let (n_threads, note) = threads::within_cores(config.threads);
        if let Some(note) = note {
            self.progress.note(&note);
        }
        threads::use_at_most(n_threads);
        OutputPaths::of(config).check_writable(config.save)?;
        let results = OutputPaths::of(config).results();
        check_replaceable(&results, &config.name, &config.input, config.overwrite)?;
        let device = device(config, self.progress)?;
        // The noise of a GPU is libtorch's own; on the CPU every draw has its stream.
        tch::manual_seed(i64::try_from(config.seed).unwrap_or(i64::MAX));
        Ok(device)
    }

    /// The input, and what is to be said of it.
    fn read(&mut self) -> anyhow::Result<Input> {
        let config = self.config;
        self.stage("read", &format!("Reading {}", config.input.display()));
        let input = read(&config.input, &config.read, &config.celltype)?;
        if config.save.h5ad {
            let output = OutputPaths::of(config).h5ad();
            check_annotatable(&output, &config.input, &input, config.overwrite)?;
        }
        for note in &input.data.notes {
            self.progress.note(note);
        }
        self.say_if_labels_are_missing(&input);
        Ok(input)
    }

    /// Trains on the training cells (positions in `prepared`), and embeds every cell.
    fn train(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        device: Device,
    ) -> anyhow::Result<Trained> {
        let landmark_rows = self.landmarks(cells.len());
        let landmarks: Vec<usize> = landmark_rows.iter().map(|&row| cells[row]).collect();
        check_room(landmarks.len())?;
        self.stage("graph", &format!("Cell graph of {} cells", landmarks.len()));
        let features = self.features(prepared, seen, landmarks.len())?;
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
        let base = residual.map(|seen| seen.scores.shared.select(Axis(0), &landmarks));
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
            base: residual.map(|seen| &seen.scores.shared),
        };

        let mut training = self.pretrain(&TrainingData {
            prepared,
            cells,
            seen,
            reference: &reference,
            graphs: graphs.as_ref(),
        })?;
        let labels = if self.config.train.clustering_epoch > 0 {
            let (z, _) = embed_cells(&training.model, prepared, &reference, cells);
            check_finite(&z, "pretraining")?;
            self.say_what_is_clustered();
            let expression = seen.filter(|_| self.config.leiden_graph.holds_expression());
            let expression = expression.map(|seen| seen.joint.clone());
            let clusters = self.clusters(prepared, cells, expression.unwrap_or_default(), &z)?;
            Some(self.self_train(&mut training, &clusters, &z)?)
        } else {
            None
        };
        self.stage("embed", &format!("Embedding {} cells", prepared.n_cells()));
        let all: Vec<usize> = (0..prepared.n_cells()).collect();
        let (z, embedded) = embed_cells(&training.model, prepared, &reference, &all);
        check_finite(&z, "training")?;
        Ok(Trained {
            labels: labels.map(|centers| label_cells(z.view(), &centers)),
            landmarks: LandmarkCells {
                features: features.of(prepared, &landmarks),
                states: embedded.states,
            },
            projection: features.projection(),
            model: training.model,
            z,
        })
    }

    /// The counts without cells and genes that fail quality control.
    fn control_quality<'a>(&self, input: &'a Input) -> anyhow::Result<Passed<'a>> {
        let symbols = input.data.symbols().map(|(_, symbols)| symbols);
        let symbols = symbols.as_ref().unwrap_or(&input.data.gene_names);
        let passed = control(&*input.data.counts, &self.config.quality, symbols);
        let passed = passed.map_err(|error| self.in_the_input(error))?;
        passed
            .note()
            .iter()
            .for_each(|note| self.progress.note(note));
        Ok(passed)
    }

    /// What cannot be read says itself in which file.
    fn in_the_input(&self, error: PreprocessError) -> anyhow::Error {
        match error {
            PreprocessError::Read(error) => error.into(),
            error => anyhow::Error::new(error).context(self.config.input.display().to_string()),
        }
    }

    /// The counts prepared.
    fn prepare(
        &self,
        counts: &dyn CountSource,
        batches: Option<&Batches>,
    ) -> anyhow::Result<Prepared> {
        let prepared = prepare_in_batches(counts, self.config.n_hvg, batches);
        let mut prepared = prepared.map_err(|error| self.in_the_input(error))?;
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

    /// What cell graphs of `n_cells` of the training cells are built from.
    fn features(
        &self,
        prepared: &Prepared,
        seen: Option<&Seen>,
        n_cells: usize,
    ) -> Result<Features, PreprocessError> {
        match (seen, self.config.n_pcs) {
            (Some(seen), Some(N_COMPONENTS)) => Ok(Features::Components(
                seen.scores.each[Transformation::LogNormalized as usize].to_shared(),
                Projection::View,
            )),
            (_, n_pcs) => Features::choose(prepared, n_cells, n_pcs),
        }
    }

    fn say_what_is_trained_on(&self, prepared: &Prepared, cells: &[usize]) {
        if cells.len() < prepared.n_cells() {
            self.progress.note(&format!(
                "trained on are {} of the {} cells; -max_num_cell says how many",
                cells.len(),
                prepared.n_cells()
            ));
        }
    }

    /// A note where the genes alone take gigabytes.
    fn say_what_memory_it_takes(&self, prepared: &Prepared, n_cells: usize) {
        let gib = BYTES_PER_VALUE * n_cells as f64 * prepared.n_genes() as f64 / f64::from(1 << 30);
        if gib > LARGE_GIB {
            self.progress.note(&format!(
                "{} genes of {n_cells} cells take about {gib:.1} GiB of memory; a lower -n_hvg takes less",
                prepared.n_genes()
            ));
        }
    }

    /// Each cluster's marker genes, where they are asked for.
    fn markers(
        &mut self,
        counts: &dyn CountSource,
        prepared: &Prepared,
        labels: &[usize],
    ) -> anyhow::Result<Option<Vec<Vec<Marker>>>> {
        if !self.config.save.markers && !self.config.save.report {
            return Ok(None);
        }
        self.stage("markers", "Finding marker genes");
        let markers = find_markers(counts, prepared, labels, self.config.n_markers)?;
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
                    listed_columns(columns)
                ),
            };
            self.progress.note(&format!(
                "no obs['celltype']: scored without ARI and NMI{other}"
            ));
        }
    }

    fn say_what_was_dropped(&self, input: &Input, passed: &Passed<'_>, prepared: &Prepared) {
        let dropped = input.n_cells() - passed.n_failed_cells() - prepared.n_cells();
        if dropped > 0 {
            self.progress
                .note(&format!("{dropped} cells without counts are left out"));
        }
        let n_cells = input.n_cells() - passed.n_failed_cells();
        let of_totals = notes_on_totals(&prepared.totals, n_cells);
        let of_labels = input.truth.as_ref();
        let of_labels = of_labels.map(|labels| note_on_labels(labels, &prepared.cells));
        for note in of_totals.iter().chain(of_labels.iter().flatten()) {
            self.progress.note(note);
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
