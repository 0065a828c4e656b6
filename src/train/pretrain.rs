//! Pretraining: Adam on the reconstruction of counts and graph.

use tch::Tensor;

use super::{
    TrainConfig, TrainError,
    optimiser::Adam,
    training_batch::{Reconstruction, TrainingBatch},
    training_cells::TrainingCells,
};
use crate::{
    kernels::OutputLayers,
    model::{autoencoder::Autoencoder, parameters::Snapshot, pass::Pass},
};

/// Weight of the graph loss beside the others, which count once.
const GRAPH_WEIGHT: f64 = 0.1;

/// Epochs after which the learning rate is halved, again and again, where an epoch is a pass over all cells.
const HALVED_EVERY: usize = 40;

/// How often a mini-batch run halves it, at even distances.
const HALVINGS: usize = 5;

/// Epochs without a better loss after which pretraining ends, where an epoch is a pass over all cells.
const PATIENCE: usize = 50;

/// Losses of an epoch, each where the network learns from it.
#[derive(Debug, Clone, Copy)]
pub struct EpochLosses {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean ZINB loss.
    pub zinb: Option<f64>,
    /// Mean graph loss.
    pub graph: Option<f64>,
    /// The name and value of the stage's own loss, where it has one.
    pub other: Option<(&'static str, f64)>,
    /// Norm of the gradient before it was clipped.
    pub gradient_norm: f64,
}

impl EpochLosses {
    /// Those that there are, with their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let zinb = self.zinb.map(|loss| ("ZINB", loss));
        let graph = self.graph.map(|loss| ("graph", loss));
        [zinb, graph, self.other].into_iter().flatten()
    }
}

/// Trains the model; the number of epochs.
///
/// With all cells in every step (an epoch), training ends 50 epochs after the best loss, and the weights
/// of that epoch are kept. With mini-batches every step counts as an epoch, all of them are taken, and the last
/// weights are kept: the losses of two mini-batches cannot be compared.
///
/// `each` sees the losses of every epoch after its step; the gradients of the last one stay behind, clipped.
///
/// Deviation: the published script keeps an alias of the last weights as its best ones.
///
/// # Errors
///
/// When the cells of a mini-batch have no graph, or a loss is not finite.
pub fn pretrain(
    model: &mut Autoencoder,
    cells: &mut TrainingCells<'_>,
    config: &TrainConfig,
    pass: &mut Pass,
    mut each: impl FnMut(EpochLosses),
) -> Result<usize, TrainError> {
    let mut learning = Pretraining::begin(model, cells.are_whole(), config, pass);
    let mut epochs = 0;
    while epochs < config.training_epoch {
        let more = epochs + 1 < config.training_epoch;
        let learnt = cells.learn_from_next(more, |step, draw_next| {
            learning.learn(epochs, step.batch(), draw_next)
        })?;
        let Some(losses) = learnt else { break };
        each(losses.finite()?);
        epochs += 1;
    }
    learning.restore_the_best();
    Ok(epochs)
}

/// A model in pretraining.
struct Pretraining<'m> {
    model: &'m mut Autoencoder,
    pass: &'m mut Pass,
    adam: Adam,
    /// Learning rate of the first epochs.
    lr: f64,
    /// Epochs after which it is halved.
    halved_every: usize,
    /// Where the losses of epochs can be compared.
    best: Option<Best>,
}

impl<'m> Pretraining<'m> {
    fn begin(
        model: &'m mut Autoencoder,
        sees_all_cells: bool,
        config: &TrainConfig,
        pass: &'m mut Pass,
    ) -> Self {
        Self {
            adam: Adam::new(model.trained(|_| true), config.lr),
            lr: config.lr,
            halved_every: if sees_all_cells {
                HALVED_EVERY
            } else {
                config.training_epoch.div_ceil(HALVINGS + 1)
            },
            best: sees_all_cells.then(|| Best::new(model)),
            model,
            pass,
        }
    }

    /// One step; `None` where the best epoch is so long ago that training ends.
    ///
    /// `draw_next` has another thread draw the cells of the next step. The way back, in which much is one thread's work, is
    /// when one is idle.
    fn learn(
        &mut self,
        epoch: usize,
        batch: &TrainingBatch<'_>,
        draw_next: &mut dyn FnMut(),
    ) -> Option<EpochLosses> {
        let halvings = (epoch / self.halved_every) as i32;
        self.adam
            .set_learning_rate(self.lr * 0.5_f64.powi(halvings));
        let found = batch.reconstruct(self.model, self.pass, OutputLayers::Trained);
        let [zinb, graph] = found.values();
        if let Some(best) = &mut self.best {
            let loss = zinb.unwrap_or(0.0) + GRAPH_WEIGHT * graph.unwrap_or(0.0);
            best.see(epoch, loss, self.model);
            if epoch - best.epoch > PATIENCE {
                return None;
            }
        }
        let contrast = found.contrast.as_ref();
        let other = contrast.map(|contrast| ("contrast", contrast.double_value(&[])));
        let loss = loss(found);
        draw_next();
        Some(EpochLosses {
            epoch: epoch + 1,
            zinb,
            graph,
            other,
            gradient_norm: self.adam.step(&loss, &mut self.pass.tape),
        })
    }

    fn restore_the_best(self) {
        if let Some(best) = self.best {
            self.model.restore(&best.weights);
        }
    }
}

/// The sum of the losses that the network learns from, a scalar.
fn loss(found: Reconstruction) -> Tensor {
    [
        found.zinb.map(|zinb| zinb.surrogate),
        found.graph.map(|graph| graph.surrogate * GRAPH_WEIGHT),
        found.contrast,
    ]
    .into_iter()
    .flatten()
    .reduce(|sum, loss| sum + loss)
    .unwrap_or_else(|| unreachable!("a network learns from something"))
}

/// The weights of the best epoch so far.
struct Best {
    loss: f64,
    epoch: usize,
    weights: Snapshot,
}

impl Best {
    fn new(model: &mut Autoencoder) -> Self {
        Self {
            loss: f64::INFINITY,
            epoch: 0,
            weights: model.snapshot(),
        }
    }

    fn see(&mut self, epoch: usize, loss: f64, model: &mut Autoencoder) {
        if loss < self.loss {
            self.loss = loss;
            self.epoch = epoch;
            self.weights.update(model);
        }
    }
}
