//! The training stages of a run: pretraining, first clusters, clustering.

use anyhow::Context;
use ndarray::{Array2, Axis};
use rand::RngCore;
use tch::Tensor;

use super::Run;
use crate::{
    cluster::{
        labelling::centers,
        leiden,
        self_training::{Schedule, self_train},
    },
    config::RunConfig,
    graph::{Adjacency, BatchGraphs, gauss_weights},
    model::{
        autoencoder::{Autoencoder, Pass},
        batch::Batch,
        every_cell::{Reference, embed_cells},
        graph_loss::GraphTarget,
        mini_batches::MiniBatches,
        pretrain::{EpochLosses, pretrain},
        reconstruction::CountTarget,
        tensor::to_array,
        training_cells::TrainingCells,
    },
    preprocess::{Prepared, sample_cells},
    progress::Bar,
    seed::{Stream, stream},
};

/// Neighbourhood of the dense gauss graph of the embedding that the initial clusters are found on.
const EMBEDDING_NEIGHBORS: usize = 15;

/// Most cells that the first clusters are found on: their graph is dense, and Leiden's time and memory quadratic.
///
/// Deviation: the published script takes all training cells, however many.
const MOST_TO_CLUSTER: usize = 5000;

/// A trained model with the centres of its clusters, k × d.
pub(super) struct Trained {
    pub model: Autoencoder,
    pub centers: Tensor,
}

impl Run<'_> {
    /// Pretraining, initial clusters, clustering stage.
    pub(super) fn train(
        &mut self,
        prepared: &Prepared,
        reference: &Reference<'_>,
    ) -> anyhow::Result<Trained> {
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

        let pass = &mut Pass::training(noise.next_u64());
        self.pretrain(&mut model, &mut cells, pass)?;

        self.stage(
            "leiden",
            &format!("Leiden at resolution {}", config.resolution),
        );
        let z = self.embedding_to_cluster(&model, prepared, reference, pass);
        let labels = initial_labels(&z, config)?;
        let start = centers(z.view(), &labels).to_device(device);

        let pass = Pass::training(noise.next_u64());
        let centers = self.refine(&mut model, &mut cells, &start, pass)?;
        model.settle_statistics(reference.x, reference.operator);
        Ok(Trained { model, centers })
    }

    fn pretrain(
        &mut self,
        model: &mut Autoencoder,
        cells: &mut TrainingCells<'_>,
        pass: &mut Pass,
    ) -> anyhow::Result<()> {
        self.stage("pretrain", "Training the autoencoder");
        let train = &self.config.train;
        let bar = self
            .progress
            .bar("Pretraining", unit(cells), train.training_epoch);
        pretrain(model, cells, train, pass, |losses| tick(&bar, losses))?;
        bar.finish();
        Ok(())
    }

    /// The clustering stage: the moved centres.
    fn refine(
        &mut self,
        model: &mut Autoencoder,
        cells: &mut TrainingCells<'_>,
        start: &Tensor,
        pass: Pass,
    ) -> anyhow::Result<Tensor> {
        self.stage("cluster", "Refining the clusters");
        let epochs = self.config.train.clustering_epoch;
        let bar = self.progress.bar("Clustering", unit(cells), epochs);
        let mut schedule = Schedule { epochs, pass };
        let (centers, _) = self_train(model, start, cells, &mut schedule, |losses| {
            tick(&bar, losses);
        })?;
        bar.finish();
        Ok(centers)
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

/// What progress counts.
fn unit(cells: &TrainingCells<'_>) -> &'static str {
    if cells.are_whole() { "epoch" } else { "step" }
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
