//! Pretraining: full-batch Adam on the reconstruction of counts and graph.

use tch::{TchError, Tensor};

use super::{
    TrainConfig,
    autoencoder::{Autoencoder, Pass},
    graph_conv::GraphOperator,
    graph_loss::graph_loss,
    loss::LossTerm,
    optimiser::Adam,
    reconstruction::{CountTarget, HeadWeights, zinb_loss},
};
use crate::graph::Adjacency;

/// Weight of the graph loss beside the ZINB loss.
const GRAPH_WEIGHT: f64 = 0.1;

/// Epochs after which the learning rate is halved, again and again.
const HALVED_EVERY: usize = 40;

/// Epochs without a better loss after which pretraining ends.
const PATIENCE: usize = 50;

/// What the model is trained on: n cells.
#[derive(Debug)]
pub struct TrainingSet<'a> {
    /// Column z-scores of the log-normalised HVGs, n × genes.
    pub x: Tensor,
    /// Connectivities, n × n.
    pub graph: GraphOperator,
    /// Target of the graph loss, n × n.
    pub distances: &'a Adjacency,
    /// Raw counts and size factors.
    pub counts: CountTarget,
}

/// Losses of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct EpochLosses {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean ZINB loss.
    pub zinb: f64,
    /// Mean graph loss.
    pub graph: f64,
    /// KL(p‖q)/n, in the clustering stage.
    pub cluster: Option<f64>,
}

/// A forward pass over the training set, with both reconstruction losses.
#[derive(Debug)]
pub struct Reconstruction {
    /// Embedding, n × d.
    pub z: Tensor,
    /// Of the counts.
    pub zinb: LossTerm,
    /// Of the graph.
    pub graph: LossTerm,
}

impl TrainingSet<'_> {
    /// Encodes all cells, decodes them and compares.
    #[must_use]
    pub fn reconstruct(
        &self,
        model: &Autoencoder,
        pass: &mut Pass,
        heads: HeadWeights,
    ) -> Reconstruction {
        let encoded = model.encode(&self.x, &self.graph, pass);
        let hidden = model.decoder.hidden(&encoded.z);
        Reconstruction {
            zinb: zinb_loss(&hidden, &model.decoder, &self.counts, heads),
            graph: graph_loss(&encoded.g2, self.distances),
            z: encoded.z,
        }
    }
}

/// Trains the model and leaves it with the weights of the best epoch; the number of epochs.
///
/// `each` sees the losses of every epoch.
///
/// Deviation: the published script keeps an alias of the last weights as its best ones.
///
/// # Errors
///
/// When libtorch refuses an optimiser step.
pub fn pretrain(
    model: &mut Autoencoder,
    cells: &TrainingSet<'_>,
    config: &TrainConfig,
    pass: &mut Pass,
    mut each: impl FnMut(EpochLosses),
) -> Result<usize, TchError> {
    let mut adam = Adam::new(model.trained(|_| true), config.lr)?;
    let mut kept = model.snapshot();
    let (mut best, mut best_epoch) = (f64::INFINITY, 0);
    for epoch in 0..config.training_epoch {
        let lr = config.lr * 0.5_f64.powi((epoch / HALVED_EVERY) as i32);
        adam.set_learning_rate(lr)?;
        let Reconstruction { zinb, graph, .. } =
            cells.reconstruct(model, pass, HeadWeights::Trained);
        each(EpochLosses {
            epoch: epoch + 1,
            zinb: zinb.value,
            graph: graph.value,
            cluster: None,
        });
        let loss = zinb.value + GRAPH_WEIGHT * graph.value;
        if loss < best {
            (best, best_epoch) = (loss, epoch);
            kept.update(model);
        } else if epoch - best_epoch > PATIENCE {
            model.restore(&kept);
            return Ok(epoch);
        }
        adam.step(&(zinb.surrogate + graph.surrogate * GRAPH_WEIGHT))?;
    }
    model.restore(&kept);
    Ok(config.training_epoch)
}
