//! The stages of a run, in order.

use anyhow::Context;
use ndarray::{Array2, Axis};
use rand::RngCore;
use tch::{Device, Tensor};

use crate::{
    cluster::{
        labelling::{centers, label_cells},
        leiden,
        self_training::{Schedule, self_train},
    },
    config::{CellTypes, Cuda, RunConfig},
    graph::{Adjacency, BatchGraphs, CellGraph, Features, gauss_weights},
    memory::StageLog,
    metrics::{Scores, Truth},
    model::{
        autoencoder::{Autoencoder, Pass},
        batch::Batch,
        device::{DeviceError, gpu},
        every_cell::{Reference, embed_cells},
        graph_conv::GraphOperator,
        graph_loss::GraphTarget,
        mini_batches::MiniBatches,
        pretrain::{EpochLosses, pretrain},
        reconstruction::CountTarget,
        tensor::{from_array, to_array},
        training_cells::TrainingCells,
    },
    preprocess::{Prepared, prepare, sample_cells},
    progress::{Bar, Progress},
    read::{Input, read},
    seed::{Stream, stream},
    threads,
    write::{Findings, OutputPaths, write_outputs},
};

/// Neighbourhood of the dense gauss graph of the embedding that the initial clusters are found on.
const EMBEDDING_NEIGHBORS: usize = 15;

/// Most cells that the first clusters are found on: their graph is dense, and Leiden's time and memory quadratic.
///
/// Deviation: the published script takes all training cells, however many.
const MOST_TO_CLUSTER: usize = 5000;

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
    let input = read(&config.input, &config.celltype)?;
    run.say_if_labels_are_missing(&input);
    run.stage(
        "preprocess",
        &format!(
            "Preparing {} cells, {} genes",
            input.n_cells(),
            input.n_genes()
        ),
    );
    let prepared =
        prepare(&input.counts, config.n_hvg).with_context(|| config.input.display().to_string())?;
    run.say_what_was_dropped(&input, &prepared);

    let cells = sample_cells(prepared.n_cells(), config.reference_cells(), config.seed);
    run.stage("graph", &format!("Cell graph of {} cells", cells.len()));
    let features = Features::choose(&prepared, cells.len())?;
    let graph = CellGraph::build(features.of(&prepared, &cells).view(), &config.graph)
        .with_context(|| config.input.display().to_string())?;
    run.say_if_disconnected(&graph);

    let x = from_array(prepared.zscores(&cells).view(), device);
    let operator = GraphOperator::of(&graph, device);
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
    run.stage(
        "write",
        &format!("Writing to {}", config.output_dir.display()),
    );
    let findings = Findings {
        config,
        device,
        input: &input,
        prepared: &prepared,
        z,
        labels,
        truth,
        scores,
    };
    write_outputs(&findings, &mut trained.model, run.log, progress)?;
    progress.finish();
    Ok(Summary { scores })
}

/// What every stage of one run shares.
struct Run<'a> {
    config: &'a RunConfig,
    progress: &'a Progress,
    log: StageLog,
}

/// A trained model with the centres of its clusters, k × d.
struct Trained {
    model: Autoencoder,
    centers: Tensor,
}

impl Run<'_> {
    fn stage(&mut self, name: &str, what: &str) {
        self.log.begin(name);
        self.progress.stage(what);
    }

    fn say_if_labels_are_missing(&self, input: &Input) {
        if input.truth.is_none() && self.config.celltype == CellTypes::Auto {
            self.progress.note(&format!(
                "no obs['celltype']: scored without ARI and NMI; -celltype names another column of obs [{}]",
                input.obs_columns.join(", ")
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

    /// Pretraining, initial clusters, clustering stage.
    fn train(&mut self, prepared: &Prepared, reference: &Reference<'_>) -> anyhow::Result<Trained> {
        let (config, device) = (self.config, reference.x.device());
        let graphs = config.train.batch_size.map(|_| {
            BatchGraphs::new(
                &config.graph,
                reference.graph,
                reference.cells,
                prepared,
                reference.features,
            )
        });
        let mut cells = match (&graphs, config.train.batch_size) {
            (Some(graphs), Some(size)) => TrainingCells::Batches(MiniBatches::new(
                prepared,
                reference.features,
                graphs,
                size,
                config.seed,
                device,
            )),
            _ => TrainingCells::Whole(all_at_once(prepared, reference)),
        };
        let mut noise = stream(config.seed, Stream::Noise);
        let mut model = Autoencoder::new(prepared.n_genes(), &config.model, config.seed, device);

        let unit = if cells.are_whole() { "epoch" } else { "step" };
        self.stage("pretrain", "Training the autoencoder");
        let bar = self
            .progress
            .bar("Pretraining", unit, config.train.training_epoch);
        let pass = &mut Pass::training(noise.next_u64());
        pretrain(&mut model, &mut cells, &config.train, pass, |losses| {
            tick(&bar, losses);
        })?;
        bar.finish();

        self.stage(
            "leiden",
            &format!("Leiden at resolution {}", config.resolution),
        );
        let z = self.embedding_to_cluster(&model, prepared, reference, pass);
        let labels = initial_labels(&z, config)?;

        self.stage("cluster", "Refining the clusters");
        let bar = self
            .progress
            .bar("Clustering", unit, config.train.clustering_epoch);
        let mut schedule = Schedule {
            epochs: config.train.clustering_epoch,
            pass: Pass::training(noise.next_u64()),
        };
        let start = centers(z.view(), &labels).to_device(device);
        let (centers, _) = self_train(&mut model, &start, &mut cells, &mut schedule, |losses| {
            tick(&bar, losses);
        })?;
        bar.finish();
        model.settle_statistics(reference.x, reference.operator);
        Ok(Trained { model, centers })
    }

    /// The embedding that the first clusters are found on, of [`MOST_TO_CLUSTER`] cells at most.
    fn embedding_to_cluster(
        &self,
        model: &Autoencoder,
        prepared: &Prepared,
        reference: &Reference<'_>,
        pass: &mut Pass,
    ) -> Array2<f32> {
        let some_of = |n_cells| sample_cells(n_cells, MOST_TO_CLUSTER, self.config.seed);
        if self.config.train.batch_size.is_some() {
            model.settle_statistics(reference.x, reference.operator);
            return embed_cells(model, prepared, reference, &some_of(prepared.n_cells()));
        }
        // With the noise that the clustering stage trains with, so that its first centres fit what it sees.
        let encoded = tch::no_grad(|| model.encode(reference.x, reference.operator, pass));
        to_array(&encoded.z).select(Axis(0), &some_of(reference.cells.len()))
    }
}

fn tick(bar: &Bar, losses: EpochLosses) {
    bar.tick(losses.epoch, losses.zinb, losses.graph, losses.cluster);
}

/// The reference cells as the one batch that every step learns from.
fn all_at_once<'a>(prepared: &Prepared, reference: &Reference<'a>) -> Batch<'a> {
    Batch {
        x: reference.x.shallow_clone(),
        graph: reference.operator.clone(),
        distances: GraphTarget::of(reference.graph, reference.x.device()),
        counts: CountTarget::new(
            prepared.counts_of(reference.cells),
            prepared.size_factors_of(reference.cells),
        ),
    }
}

fn initial_labels(z: &Array2<f32>, config: &RunConfig) -> anyhow::Result<Vec<usize>> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    let weights = gauss_weights(z.view(), n_neighbors)
        .context("the embedding is not finite after training; try a smaller -lr")?;
    Ok(leiden(&Adjacency::Sparse(weights), config.resolution, config.seed)?.labels)
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
