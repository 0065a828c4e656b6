//! The training stages of a run: pretraining and, where it is asked for, self-training on the clusters.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use super::{Run, clusters::Clusters, views::Seen};
use crate::{
    graph::SubsetGraphs,
    kernels::{CountTarget, GraphTarget},
    model::{autoencoder::Autoencoder, decoder::one_hot, embedding::Reference, pass::Pass},
    preprocess::{Batches, Prepared},
    progress::Bar,
    seed::{Stream, stream},
    threads::LibtorchAlone,
    train::{
        labels::centers,
        mini_batches::{MiniBatchSource, MiniBatches},
        pretrain::{EpochLosses, pretrain},
        self_training::{SETTLED, Schedule, self_train},
        training_batch::TrainingBatch,
        training_cells::TrainingCells,
    },
};

/// What a model is trained on.
pub(super) struct TrainingData<'a> {
    pub prepared: &'a Prepared,
    /// The training cells, positions in `prepared`, ascending.
    pub cells: &'a [usize],
    /// The same as they are seen, where the run makes use of it.
    pub seen: Option<&'a Seen>,
    /// The cells that any cell is embedded against: the training cells, or with mini-batches some of them.
    pub reference: &'a Reference<'a>,
    /// Graphs of batches, where there are batches.
    pub graphs: Option<&'a SubsetGraphs>,
}

/// A model in training.
pub(super) struct Training<'a> {
    pub model: Autoencoder,
    cells: TrainingCells<'a>,
    noise: ChaCha8Rng,
    reference: &'a Reference<'a>,
}

impl<'a> TrainingData<'a> {
    fn device(&self) -> Device {
        self.reference.inputs.x.device()
    }

    /// The batches that the decoder is conditioned on: those that the views were corrected for.
    fn batches(&self) -> Option<&'a Batches> {
        self.seen.and(self.prepared.batches.as_ref())
    }

    /// The reference cells as the one batch that every step learns from.
    fn all_at_once(&self) -> TrainingBatch<'a> {
        let reference = self.reference;
        TrainingBatch {
            x: reference.inputs.x.shallow_clone(),
            base: reference.inputs.base.as_ref().map(Tensor::shallow_clone),
            graph: reference.operator.clone(),
            target: GraphTarget::of(reference.graph, self.device()),
            batches: self
                .batches()
                .map(|batches| one_hot(batches, reference.cells, self.device())),
            counts: CountTarget::new(
                self.prepared.counts_of(reference.cells),
                self.prepared.size_factors_of(reference.cells),
            ),
            contrast: None,
        }
    }
}

impl Run<'_> {
    /// A pretrained model.
    pub(super) fn pretrain<'a>(&mut self, data: &TrainingData<'a>) -> anyhow::Result<Training<'a>> {
        let config = self.config;
        let parts = config.model.parts;
        let cells = match (data.graphs, config.train.batch_size) {
            (Some(graphs), Some(size)) => {
                let source = MiniBatchSource {
                    prepared: data.prepared,
                    cells: data.cells,
                    representation: data.reference.representation,
                    graphs,
                    base: data
                        .seen
                        .filter(|_| parts.residual)
                        .map(|seen| &seen.scores.shared),
                    batches: data.batches(),
                    joint: data
                        .seen
                        .filter(|_| parts.contrast)
                        .map(|seen| seen.joint.weights()),
                    n_genes: config.train.zinb_genes,
                    device: data.device(),
                };
                TrainingCells::MiniBatches(Box::new(MiniBatches::new(source, size, config.seed)))
            }
            _ => TrainingCells::Whole(Box::new(data.all_at_once())),
        };
        let mut training = Training {
            model: Autoencoder::new(
                data.prepared.n_genes(),
                &config.model,
                config.seed,
                data.device(),
            ),
            cells,
            noise: stream(config.seed, Stream::Noise),
            reference: data.reference,
        };
        if let Some(batches) = data.batches() {
            training.model.decoder.condition_on(batches.n_batches());
        }
        self.stage("pretrain", "Training the autoencoder");
        let bar = self.progress.bar(
            "Pretraining",
            unit(&training.cells),
            config.train.training_epoch,
        );
        let pass = &mut Pass::training(training.noise.next_u64());
        let (model, cells) = (&mut training.model, &mut training.cells);
        let _alone = self.libtorch_alone();
        pretrain(model, cells, &config.train, pass, |losses| {
            tick(&bar, losses);
        })?;
        bar.finish();
        training.settle();
        Ok(training)
    }

    /// Trains encoder and cluster centres on the clusters; the moved centres, k × d. `z` is the embedding of the training
    /// cells.
    pub(super) fn self_train(
        &mut self,
        training: &mut Training<'_>,
        clusters: &Clusters,
        z: &ndarray::Array2<f32>,
    ) -> anyhow::Result<Tensor> {
        self.stage("cluster", "Refining the clusters");
        let z = z.select(ndarray::Axis(0), &clusters.rows);
        let start = centers(z.view(), &clusters.labels);
        let start = start.to_device(training.reference.inputs.x.device());
        let mut schedule = Schedule {
            epochs: self.config.train.clustering_epoch,
            pass: Pass::training(training.noise.next_u64()),
            settled: SETTLED,
        };
        let bar = self
            .progress
            .bar("Clustering", unit(&training.cells), schedule.epochs);
        let (model, cells) = (&mut training.model, &mut training.cells);
        let _alone = self.libtorch_alone();
        let (centers, _) = self_train(model, &start, cells, &mut schedule, |losses, _| {
            tick(&bar, losses);
        })?;
        bar.finish();
        training.settle();
        Ok(centers)
    }

    /// Keeps libtorch to one thread where batches are small.
    fn libtorch_alone(&self) -> Option<LibtorchAlone> {
        let small = self.config.train.has_small_batches();
        small.then(LibtorchAlone::begin)
    }
}

impl Training<'_> {
    /// The network. What it was trained on is given up.
    pub(super) fn into_model(self) -> Autoencoder {
        self.model
    }

    /// Makes the running statistics fit the weights as they are now.
    fn settle(&self) {
        self.model.settle_statistics(&self.reference.inputs.x);
    }
}

/// What progress counts.
fn unit(cells: &TrainingCells<'_>) -> &'static str {
    if cells.are_whole() { "epoch" } else { "step" }
}

fn tick(bar: &Bar, losses: EpochLosses) {
    bar.tick(losses.epoch, &losses.named().collect::<Vec<_>>());
}
