//! The clustering stage: the encoder and the cluster centres learn from their own confident assignments.

use tch::{Kind, TchError, Tensor};

use super::assignment::{assign, cluster_loss};
use crate::model::{
    autoencoder::{Autoencoder, Pass},
    optimiser::Adam,
    pretrain::{EpochLosses, Reconstruction, TrainingSet},
    reconstruction::HeadWeights,
};

/// Adam's learning rate.
const LEARNING_RATE: f64 = 1e-3;

/// Weight of the ZINB loss beside KL(p‖q).
const ZINB_WEIGHT: f64 = 0.1;

/// Weight of the graph loss beside KL(p‖q).
const GRAPH_WEIGHT: f64 = 0.01;

/// Epochs that always run.
const WARM_UP: usize = 20;

/// The stage ends when a smaller share of the cells changed their label than this.
const SETTLED: f64 = 1e-3;

/// Layers that this stage trains; decoder and batch normalisation stay.
const TRAINED: [&str; 7] = [
    "enc_1", "enc_2", "z_layer", "gnn_1", "gnn_2", "attn1", "attn2",
];

/// Trains encoder, attention, graph layers and `centers` (k × d); the moved centres and the number of epochs.
///
/// # Errors
///
/// When libtorch refuses an optimiser step.
pub fn self_train(
    model: &mut Autoencoder,
    centers: &Tensor,
    cells: &TrainingSet<'_>,
    schedule: &mut Schedule,
    mut each: impl FnMut(EpochLosses),
) -> Result<(Tensor, usize), TchError> {
    let centers = centers.detach().copy().set_requires_grad(true);
    let in_stage = |name: &str| TRAINED.contains(&name.split('.').next().unwrap_or_default());
    let mut parameters = model.trained(in_stage);
    parameters.push(centers.shallow_clone());
    let mut adam = Adam::new(parameters, LEARNING_RATE)?;
    let mut previous: Option<Tensor> = None;
    for epoch in 0..schedule.epochs {
        let Reconstruction { z, zinb, graph } =
            cells.reconstruct(model, &mut schedule.pass, HeadWeights::Frozen);
        let assignment = assign(&z, &centers);
        let kl = cluster_loss(&assignment);
        each(EpochLosses {
            epoch: epoch + 1,
            zinb: zinb.value,
            graph: graph.value,
            cluster: Some(kl.double_value(&[])),
        });
        let labels = assignment.p.argmax(1, false);
        let changed = previous
            .replace(labels.shallow_clone())
            .map(|old| share_changed(&old, &labels));
        if epoch > WARM_UP && changed.is_some_and(|share| share < SETTLED) {
            return Ok((centers.detach(), epoch));
        }
        adam.step(&(kl + zinb.surrogate * ZINB_WEIGHT + graph.surrogate * GRAPH_WEIGHT))?;
    }
    Ok((centers.detach(), schedule.epochs))
}

/// How long the stage may last, and the noise it trains with.
#[derive(Debug)]
pub struct Schedule {
    /// Most epochs.
    pub epochs: usize,
    /// A training pass.
    pub pass: Pass,
}

fn share_changed(old: &Tensor, new: &Tensor) -> f64 {
    old.not_equal_tensor(new)
        .to_kind(Kind::Double)
        .mean(Kind::Double)
        .double_value(&[])
}
