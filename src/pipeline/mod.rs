//! The stages of a run, in order.

use anyhow::Context;
use ndarray::Axis;
use tch::Device;

mod clusters;
mod training;
mod views;

use self::{clusters::check_finite, training::TrainingData, views::Seen};
use crate::{
    cluster::{labelling::label_cells, vote::vote},
    config::{CellTypes, Cuda, RunConfig},
    graph::{BatchGraphs, CellGraph, Features},
    markers::{Marker, find_markers},
    memory::StageLog,
    metrics::{Scores, Truth},
    model::{
        device::{DeviceError, gpu},
        every_cell::{Reference, embed_cells, inputs},
        graph_conv::GraphOperator,
    },
    preprocess::{N_COMPONENTS, Prepared, PreprocessError, prepare, sample_cells},
    progress::Progress,
    read::{Input, read},
    threads,
    write::{Findings, OutputPaths, check_annotatable, write_outputs},
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

    let landmarks = run.landmarks(&cells);
    run.stage("graph", &format!("Cell graph of {} cells", landmarks.len()));
    let features = run.features(&prepared, seen.as_ref(), landmarks.len())?;
    let graph = CellGraph::build(features.of(&prepared, &landmarks).view(), &config.graph)
        .with_context(|| config.input.display().to_string())?;
    run.say_if_disconnected(&graph);
    let graphs = config.train.batch_size.map(|_| {
        BatchGraphs::new(
            &config.graph,
            &graph,
            &landmarks,
            &cells,
            &prepared,
            &features,
        )
    });
    let components = seen
        .as_ref()
        .filter(|_| config.model.parts.residual)
        .map(|seen| &seen.components);
    let reference = Reference {
        cells: &landmarks,
        inputs: &inputs(&prepared, components, &landmarks, device),
        operator: &GraphOperator::of(&graph, device).aggregating(
            config.graph.aggregation,
            landmarks.len(),
            device,
        ),
        graph: &graph,
        features: &features,
        components,
    };

    let mut training = run.pretrain(&TrainingData {
        prepared: &prepared,
        cells: &cells,
        seen: seen.as_ref(),
        reference: &reference,
        graphs: graphs.as_ref(),
    })?;
    let z = embed_cells(&training.model, &prepared, &reference, &cells);
    check_finite(&z, "pretraining")?;
    let mut clusters = run.clusters(&prepared, &cells, seen.as_ref(), &z)?;
    let centers = if config.train.clustering_epoch > 0 {
        Some(run.self_train(&mut training, &clusters, &z)?)
    } else {
        None
    };
    run.stage("embed", &format!("Embedding {} cells", prepared.n_cells()));
    let all: Vec<usize> = (0..prepared.n_cells()).collect();
    let z = if centers.is_none() && cells.len() == all.len() {
        z
    } else {
        embed_cells(&training.model, &prepared, &reference, &all)
    };
    check_finite(&z, "training")?;
    let labels = match &centers {
        Some(centers) => label_cells(z.view(), centers),
        None => {
            let clustered: Vec<usize> = clusters.rows.iter().map(|&row| cells[row]).collect();
            vote(z.view(), &clustered, &clusters.labels)
        }
    };

    run.stage("score", "Scoring");
    let of_training: Vec<usize> = cells.iter().map(|&cell| labels[cell]).collect();
    let before = seen.as_ref().map(|seen| &seen.scores.shared);
    let apartness = Apartness::of(before, &z.select(Axis(0), &cells), &of_training);
    run.progress.note(&apartness.note());
    let truth = input
        .truth
        .as_ref()
        .map(|labels| Truth::of_cells(labels, &prepared.cells));
    let scores = Scores::of(z.view(), &labels, truth.as_ref());
    let markers = run.markers(&input, &prepared, &labels)?;
    let findings = Findings {
        config,
        device,
        scores,
        markers,
        resolution: clusters.resolution.take(),
        input: &input,
        prepared: &prepared,
        training_cells: &cells,
        apartness,
        z,
        labels,
        truth,
    };
    run.stage(
        "write",
        &format!("Writing to {}", config.output_dir.display()),
    );
    write_outputs(&findings, &mut training.model, run.log, progress)?;
    progress.finish();
    Ok(Summary {
        scores: findings.scores,
    })
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

    /// The cells that any cell is embedded against (positions in the prepared data, ascending): the training cells, or
    /// some of them where these are learnt from in mini-batches.
    fn landmarks(&self, cells: &[usize]) -> Vec<usize> {
        let most = match self.config.train.batch_size {
            Some(_) => self.config.landmarks,
            None => cells.len(),
        };
        let rows = sample_cells(cells.len(), most, self.config.seed);
        rows.iter().map(|&row| cells[row]).collect()
    }

    /// What cell graphs of `n_cells` cells are built from.
    fn features(
        &self,
        prepared: &Prepared,
        seen: Option<&Seen>,
        n_cells: usize,
    ) -> Result<Features, PreprocessError> {
        match (seen, self.config.n_pcs) {
            (Some(seen), Some(N_COMPONENTS)) => Ok(Features::Components(
                seen.components.lognormalized(prepared),
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
        if !self.config.save.markers {
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
