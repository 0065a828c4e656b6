//! The stages of a run, in order.

use anyhow::Context;
use ndarray::{Array2, Axis};
use tch::Device;

mod batches;
mod clusters;
mod model;
mod outputs;
mod training;
mod views;

use self::{
    clusters::{Labelled, check_finite},
    model::{Network, trained_model},
    outputs::write_outputs,
    training::TrainingData,
    views::Seen,
};
use crate::{
    config::RunConfig,
    counts::CountSource,
    graph::{CellGraph, Projection, Representation, SubsetGraphs},
    kernels::device::{Cuda, DeviceError, gpu},
    markers::{Marker, find_markers},
    memory::StageLog,
    metrics::{Apartness, Scores, Truth},
    model::{
        autoencoder::Autoencoder,
        embedding::{Reference, embed_cells, inputs},
        graph_conv::GraphOperator,
    },
    model_file::LandmarkCells,
    names::listed_columns,
    out_of_memory::check_room,
    preprocess::{
        Batches, N_COMPONENTS, Passed, Prepared, PreprocessError, Transformation, control,
        notes_on_totals, prepare_in_batches, sample_cells, scores_together,
    },
    progress::Progress,
    read::{CellTypes, Input, note_on_labels, read},
    seed::Stream,
    threads,
    train::labels::label_cells,
    write::{Findings, OutputPaths, check_annotatable, check_replaceable, split_lines},
};

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

    let cells = training_cells(config, prepared.n_cells());
    run.say_what_is_trained_on(&prepared, &cells);
    run.say_what_memory_it_takes(&prepared, cells.len());
    let mut seen = run.see(&prepared, &cells)?;
    let mut trained = run.train(&prepared, &cells, seen.as_ref(), device)?;
    let Labelled {
        labels,
        types,
        graph,
    } = match trained.labels.take() {
        Some(labels) => Labelled::by_model(labels),
        None => run.label(&prepared, &cells, seen.as_mut(), &trained.z)?,
    };
    let layout = run.lay_out(graph, &trained.z)?;

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
        layout,
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
        check_replaceable(
            &results,
            &config.name,
            &config.inputs,
            config.within.as_ref(),
            config.overwrite,
        )?;
        let device = device(config, self.progress)?;
        // The noise of a GPU is libtorch's own; on the CPU every draw has its stream.
        tch::manual_seed(i64::try_from(config.seed).unwrap_or(i64::MAX));
        Ok(device)
    }

    /// The input, and what is to be said of it.
    fn read(&mut self) -> anyhow::Result<Input> {
        let config = self.config;
        self.stage("read", &format!("Reading {}", config.inputs));
        let input = read(&config.inputs, &config.read, &config.celltype)?;
        if config.save.h5ad {
            let output = OutputPaths::of(config).h5ad();
            check_annotatable(&output, &config.inputs, &input, config.overwrite)?;
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
        let representation = self.representation(prepared, cells, seen, landmarks.len())?;
        let graph = CellGraph::build(
            representation.of(prepared, &landmarks).view(),
            &self.config.graph,
        )
        .with_context(|| self.config.inputs.to_string())?;
        self.say_if_disconnected(&graph);
        let graphs = self.config.train.batch_size.map(|_| {
            SubsetGraphs::new(
                &self.config.graph,
                &graph,
                &landmarks,
                cells,
                prepared,
                &representation,
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
            representation: &representation,
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
                features: representation.of(prepared, &landmarks),
                states: embedded.states,
            },
            projection: representation.projection(),
            model: training.model,
            z,
        })
    }

    /// The counts without cells and genes that fail quality control.
    fn control_quality<'a>(&self, input: &'a Input) -> anyhow::Result<Passed<'a>> {
        let symbols = input.data.symbols_or_names();
        let within = self.within(input)?;
        let passed = control(&*input.data.counts, &self.config.quality, &symbols, within);
        let passed = passed.map_err(|error| self.in_the_input(error))?;
        passed
            .note()
            .iter()
            .for_each(|note| self.progress.note(note));
        Ok(passed)
    }

    /// Which cells the run is restricted to.
    fn within(&self, input: &Input) -> anyhow::Result<Option<Vec<bool>>> {
        let Some(within) = &self.config.within else {
            return Ok(None);
        };
        let cells = within.cells(&input.data, &self.config.inputs.to_string())?;
        self.progress.note(&format!(
            "{within}: {} of {} cells, everything is computed from them alone",
            cells.iter().filter(|&&inside| inside).count(),
            cells.len()
        ));
        Ok(Some(cells))
    }

    /// What cannot be read says itself in which file.
    fn in_the_input(&self, error: PreprocessError) -> anyhow::Error {
        match error {
            PreprocessError::Read(error) => error.into(),
            error => anyhow::Error::new(error).context(self.config.inputs.to_string()),
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
        sample_cells(n_cells, most, self.config.seed, Stream::Landmarks)
    }

    /// What cell graphs of `n_cells` of the training cells (positions in `prepared`) are built from: in batches, of
    /// components in which these are brought together.
    fn representation(
        &self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        n_cells: usize,
    ) -> Result<Representation, PreprocessError> {
        match (seen, self.config.n_pcs) {
            (Some(seen), Some(N_COMPONENTS)) => Ok(Representation::Components(
                seen.scores.each[Transformation::LogNormalized as usize].to_shared(),
                Projection::View,
            )),
            (Some(_), Some(n_pcs)) if prepared.batches.is_some() => {
                let seed = self.config.seed;
                let (scores, components) = scores_together(prepared, cells, n_pcs, seed)?;
                let projection = Projection::Components(components);
                Ok(Representation::Components(scores.into_shared(), projection))
            }
            (_, n_pcs) => Representation::choose(prepared, n_cells, n_pcs),
        }
    }

    fn say_what_is_trained_on(&self, prepared: &Prepared, cells: &[usize]) {
        if cells.len() < prepared.n_cells() {
            self.progress.note(&format!(
                "the network is trained on {} of the {} cells; -max_num_cell sets how many",
                cells.len(),
                prepared.n_cells()
            ));
        }
    }

    /// A note where the genes alone take gigabytes.
    fn say_what_memory_it_takes(&self, prepared: &Prepared, n_cells: usize) {
        if let Some(note) = note_on_memory(n_cells, prepared.n_genes()) {
            self.progress.note(&note);
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
        } else if prepared.batches.is_some() {
            self.say_what_has_no_markers(&markers);
        }
        Ok(Some(markers))
    }

    /// Tells which clusters no batch shares with others.
    fn say_what_has_no_markers(&self, markers: &[Vec<Marker>]) {
        let alone = markers.iter().enumerate();
        let alone = alone.filter(|(_, markers)| markers.is_empty());
        let alone: Vec<String> = alone.map(|(cluster, _)| cluster.to_string()).collect();
        if !alone.is_empty() {
            self.progress.note(&format!(
                "no marker genes of cluster {}: markers are found within batches, and no batch holds cells of it and \
                 of another cluster; a run without -batch_key compares it over all cells",
                alone.join(", ")
            ));
        }
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
            "the tree of {} fine clusters was cut into {clusters}{weakest}",
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
                "there is no obs['celltype'], so that ARI and NMI are not computed{other}"
            ));
        }
    }

    fn say_what_was_dropped(&self, input: &Input, passed: &Passed<'_>, prepared: &Prepared) {
        let dropped = input.n_cells() - passed.n_cells_left_out() - prepared.n_cells();
        if dropped > 0 {
            self.progress
                .note(&format!("{dropped} cells without counts are left out"));
        }
        let n_cells = input.n_cells() - passed.n_cells_left_out();
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

/// What the views of some cells take, where that is much.
fn note_on_memory(n_cells: usize, n_genes: usize) -> Option<String> {
    let gib = BYTES_PER_VALUE * n_cells as f64 * n_genes as f64 / f64::from(1 << 30);
    (gib > LARGE_GIB).then(|| {
        format!("{n_genes} genes of {n_cells} cells take about {gib:.1} GiB of memory; a lower -n_hvg takes less")
    })
}

/// Places of the cells to train on.
fn training_cells(config: &RunConfig, n_cells: usize) -> Vec<usize> {
    sample_cells(n_cells, config.max_num_cell, config.seed, Stream::Training)
}

/// The device that the run asks for, or the best there is.
fn device(config: &RunConfig, progress: &Progress) -> anyhow::Result<Device> {
    match config.cuda {
        Cuda::Never => Ok(Device::Cpu),
        Cuda::Always => gpu().context("-cuda True needs a GPU, and none can be used"),
        Cuda::Auto => Ok(gpu().unwrap_or_else(|reason| {
            if !matches!(reason, DeviceError::NoDriver) {
                progress.note(&format!("the network is trained on the CPU: {reason}"));
            }
            Device::Cpu
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_of_where_genes_and_cells_are_many() {
        assert_eq!(note_on_memory(20_000, 2500), None);
        assert_eq!(note_on_memory(6000, 20_000), None);
        assert_eq!(
            note_on_memory(20_000, 20_000).as_deref(),
            Some(
                "20000 genes of 20000 cells take about 6.0 GiB of memory; a lower -n_hvg takes less"
            )
        );
    }
}
