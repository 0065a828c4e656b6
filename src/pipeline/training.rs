//! The training stages of a run: pretraining, first clusters, clustering.

use rand::RngCore;
use tch::Tensor;

use super::Run;
use crate::{
    cluster::{
        ChosenResolution,
        labelling::centers,
        self_training::{SETTLED, Schedule, self_train},
    },
    config::ClusterTarget,
    graph::BatchGraphs,
    model::{
        autoencoder::{Autoencoder, Pass},
        batch::Batch,
        every_cell::Reference,
        graph_loss::GraphTarget,
        mini_batches::MiniBatches,
        pretrain::{EpochLosses, pretrain},
        reconstruction::CountTarget,
        training_cells::TrainingCells,
    },
    preprocess::Prepared,
    progress::Bar,
    seed::{Stream, stream},
};

/// A trained model with the centres of its clusters, k × d.
pub(super) struct Trained {
    pub model: Autoencoder,
    pub centers: Tensor,
    /// How the resolution was chosen, where it was not given.
    pub resolution: Option<ChosenResolution>,
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

        let embedded = self.embedding_to_cluster(&model, prepared, reference, pass)?;
        let (labels, resolution) = self.first_clusters(prepared, &embedded)?;
        let start = centers(embedded.z.view(), &labels).to_device(device);

        let pass = Pass::training(noise.next_u64());
        let anchors = match config.cluster_target {
            ClusterTarget::Sharpened => None,
            ClusterTarget::Anchored => Some(embedded.rows.into_iter().zip(labels).collect()),
        };
        let schedule = Schedule {
            epochs: config.train.clustering_epoch,
            pass,
            settled: SETTLED,
            anchors,
        };
        let centers = self.refine(&mut model, &mut cells, &start, schedule)?;
        model.settle_statistics(reference.x, reference.operator);
        Ok(Trained {
            model,
            centers,
            resolution,
        })
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
        mut schedule: Schedule,
    ) -> anyhow::Result<Tensor> {
        self.stage("cluster", "Refining the clusters");
        let bar = self
            .progress
            .bar("Clustering", unit(cells), schedule.epochs);
        let (centers, _) = self_train(model, start, cells, &mut schedule, |losses, _| {
            tick(&bar, losses);
        })?;
        bar.finish();
        Ok(centers)
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
        target: GraphTarget::of(reference.graph, reference.x.device()),
        counts: CountTarget::new(
            prepared.counts_of(reference.cells),
            prepared.size_factors_of(reference.cells),
        ),
    }
}
