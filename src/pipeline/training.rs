//! The training stages of a run: pretraining, first clusters, clustering.

use anyhow::Context;
use ndarray::{Array2, Axis};
use rand::RngCore;
use tch::Tensor;

use super::Run;
use crate::{
    cluster::{
        ChosenResolution, choose_resolution,
        labelling::centers,
        leiden,
        self_training::{Schedule, self_train},
    },
    config::{LeidenGraph, Resolution},
    graph::{Adjacency, BatchGraphs, gauss_weights, joint},
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

        let (clustered, z) = self.embedding_to_cluster(&model, prepared, reference, pass);
        let expression = match config.leiden_graph {
            LeidenGraph::Embedding => None,
            LeidenGraph::Joint => Some(reference.features.of(prepared, &clustered)),
        };
        let (labels, resolution) = self.first_clusters(&z, expression.as_ref())?;
        let start = centers(z.view(), &labels).to_device(device);

        let pass = Pass::training(noise.next_u64());
        let centers = self.refine(&mut model, &mut cells, &start, pass)?;
        model.settle_statistics(reference.x, reference.operator);
        Ok(Trained {
            model,
            centers,
            resolution,
        })
    }

    /// Leiden's clusters of an embedding, and how their resolution was chosen, where it was.
    fn first_clusters(
        &mut self,
        z: &Array2<f32>,
        expression: Option<&Array2<f32>>,
    ) -> anyhow::Result<(Vec<usize>, Option<ChosenResolution>)> {
        let seed = self.config.seed;
        match self.config.resolution {
            Resolution::Fixed(resolution) => {
                self.stage("leiden", &format!("Leiden at resolution {resolution}"));
                let graph = leiden_graph(z, expression)?;
                Ok((leiden(&graph, resolution, seed)?.labels, None))
            }
            Resolution::Auto => {
                self.stage("leiden", "Leiden at several resolutions");
                let found = choose_resolution(z.view(), &leiden_graph(z, expression)?, seed)?;
                let ChosenResolution { chosen, candidates } = &found.resolution;
                self.progress.note(&format!(
                    "resolution {} chosen of {}: {} clusters, agreement {:.2} with all that were tried",
                    chosen.resolution,
                    candidates.len(),
                    chosen.n_clusters,
                    chosen.agreement
                ));
                Ok((found.partition.labels, Some(found.resolution)))
            }
        }
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

    /// The cells that the first clusters are found on, [`MOST_TO_CLUSTER`] at most (positions in `prepared`), and
    /// their embedding.
    fn embedding_to_cluster(
        &self,
        model: &Autoencoder,
        prepared: &Prepared,
        reference: &Reference<'_>,
        pass: &mut Pass,
    ) -> (Vec<usize>, Array2<f32>) {
        let some_of = |n_cells| sample_cells(n_cells, MOST_TO_CLUSTER, self.config.seed);
        if self.config.train.batch_size.is_some() {
            model.settle_statistics(reference.x, reference.operator);
            let cells = some_of(prepared.n_cells());
            let z = embed_cells(model, prepared, reference, &cells);
            return (cells, z);
        }
        // With the noise that the clustering stage trains with, so that its first centres fit what it sees.
        let encoded = tch::no_grad(|| model.encode(reference.x, reference.operator, pass));
        let rows = some_of(reference.cells.len());
        let cells = rows.iter().map(|&row| reference.cells[row]).collect();
        (cells, to_array(&encoded.z).select(Axis(0), &rows))
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

/// The graph of an embedding, joint with that of the same cells' expression where it is given.
fn leiden_graph(z: &Array2<f32>, expression: Option<&Array2<f32>>) -> anyhow::Result<Adjacency> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    let of_embedding = gauss_weights(z.view(), n_neighbors)
        .context("the embedding is not finite after training; try a smaller -lr")?;
    Ok(Adjacency::Sparse(match expression {
        None => of_embedding,
        Some(features) => joint(of_embedding, gauss_weights(features.view(), n_neighbors)?),
    }))
}
