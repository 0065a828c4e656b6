//! The stages of a run, in order.

use anyhow::Context;
use tch::Device;

mod first_clusters;
mod training;

use crate::{
    cluster::labelling::label_cells,
    config::{CellTypes, Cuda, RunConfig},
    graph::{CellGraph, Features},
    markers::{Marker, find_markers},
    memory::StageLog,
    metrics::{Scores, Truth},
    model::{
        device::{DeviceError, gpu},
        every_cell::{Reference, embed_cells},
        graph_conv::GraphOperator,
        tensor::from_array,
    },
    preprocess::{Prepared, PreprocessError, prepare, sample_cells},
    progress::Progress,
    read::{Input, read},
    threads,
    write::{Findings, OutputPaths, check_annotatable, write_outputs},
};

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

    let cells = sample_cells(prepared.n_cells(), config.reference_cells(), config.seed);
    run.stage("graph", &format!("Cell graph of {} cells", cells.len()));
    let features = Features::choose(&prepared, cells.len(), config.n_pcs)?;
    let graph = CellGraph::build(features.of(&prepared, &cells).view(), &config.graph)
        .with_context(|| config.input.display().to_string())?;
    run.say_if_disconnected(&graph);

    let x = from_array(prepared.zscores(&cells).view(), device);
    let operator = GraphOperator::of(&graph, device).aggregating(
        config.graph.aggregation,
        cells.len(),
        device,
    );
    let reference = Reference {
        cells: &cells,
        x: &x,
        operator: &operator,
        graph: &graph,
        features: &features,
    };
    let mut trained = run.train(&prepared, &reference)?;
    run.stage("embed", &format!("Embedding {} cells", prepared.n_cells()));
    let all: Vec<usize> = (0..prepared.n_cells()).collect();
    let z = embed_cells(&trained.model, &prepared, &reference, &all);
    let labels = label_cells(z.view(), &trained.centers);

    run.stage("score", "Scoring");
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
        resolution: trained.resolution.take(),
        input: &input,
        prepared: &prepared,
        z,
        labels,
        truth,
    };
    run.stage(
        "write",
        &format!("Writing to {}", config.output_dir.display()),
    );
    write_outputs(&findings, &mut trained.model, run.log, progress)?;
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
