//! Pretraining: Adam on the reconstruction of counts and graph.

use std::ops::ControlFlow;

use tch::Tensor;

use super::{
    TrainConfig,
    optimiser::Adam,
    training_batch::Reconstruction,
    training_cells::{Step, TrainingCells},
};
use crate::{
    graph::GraphError,
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

/// Losses of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct EpochLosses {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean ZINB loss.
    pub zinb: f64,
    /// Mean graph loss.
    pub graph: f64,
    /// The name and value of the stage's own loss, where it has one.
    pub other: Option<(&'static str, f64)>,
    /// Norm of the gradient before it was clipped.
    pub gradient_norm: f64,
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
/// When the cells of a mini-batch have no graph.
pub fn pretrain(
    model: &mut Autoencoder,
    cells: &mut TrainingCells<'_>,
    config: &TrainConfig,
    pass: &mut Pass,
    mut each: impl FnMut(EpochLosses),
) -> Result<usize, GraphError> {
    let mut adam = Adam::new(model.trained(|_| true), config.lr);
    let parts = model.parts();
    let mut best = cells.are_whole().then(|| Best::new(model));
    let halved_every = if cells.are_whole() {
        HALVED_EVERY
    } else {
        config.training_epoch.div_ceil(HALVINGS + 1)
    };
    let mut learn = |epoch: usize, step: &Step<'_, '_>| {
        let lr = config.lr * 0.5_f64.powi((epoch / halved_every) as i32);
        adam.set_learning_rate(lr);
        let Reconstruction {
            zinb,
            graph,
            contrast,
            ..
        } = step.batch().reconstruct(model, pass, OutputLayers::Trained);
        if let Some(best) = &mut best {
            best.see(epoch, zinb.value + GRAPH_WEIGHT * graph.value, model);
            if epoch - best.epoch > PATIENCE {
                return ControlFlow::Break(());
            }
        }
        let other = contrast
            .as_ref()
            .map(|contrast| ("contrast", contrast.double_value(&[])));
        let loss: Tensor = [
            parts.zinb.then_some(zinb.surrogate),
            parts.graph.then(|| graph.surrogate * GRAPH_WEIGHT),
            contrast,
        ]
        .into_iter()
        .flatten()
        .reduce(|sum, loss| sum + loss)
        .unwrap_or_else(|| unreachable!("a network learns from something"));
        let gradient_norm = adam.step(&loss, &mut pass.tape);
        each(EpochLosses {
            epoch: epoch + 1,
            zinb: zinb.value,
            graph: graph.value,
            other,
            gradient_norm,
        });
        ControlFlow::Continue(())
    };
    let mut epochs = 0;
    while epochs < config.training_epoch {
        let more = epochs + 1 < config.training_epoch;
        if cells
            .learn_from_next(more, |step| learn(epochs, step))?
            .is_break()
        {
            break;
        }
        epochs += 1;
    }
    if let Some(best) = best {
        model.restore(&best.weights);
    }
    Ok(epochs)
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
