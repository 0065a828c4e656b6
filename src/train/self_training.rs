//! The clustering stage: the encoder and the cluster centres learn from their own confident assignments.

use tch::Tensor;

use super::{
    TrainError,
    assignment::{Assignment, assign, assign_given, cluster_loss, frequencies},
    optimiser::Adam,
    pretrain::EpochLosses,
    training_batch::Reconstruction,
    training_cells::{Step, TrainingCells},
};
use crate::{
    kernels::OutputLayers,
    model::{autoencoder::Autoencoder, pass::Pass},
};

/// Adam's learning rate.
const LEARNING_RATE: f64 = 1e-3;

/// Weight of the ZINB loss beside KL(p‖q).
const ZINB_WEIGHT: f64 = 0.1;

/// Weight of the graph loss beside KL(p‖q).
const GRAPH_WEIGHT: f64 = 0.01;

/// Epochs that always run.
const WARM_UP: usize = 20;

/// The published stage ends when a smaller share of the cells changed their label than this.
pub const SETTLED: f64 = 1e-3;

/// Layers that this stage trains; decoder and batch normalisation stay.
const TRAINED: [&str; 7] = [
    "enc_1", "enc_2", "z_layer", "gnn_1", "gnn_2", "attn1", "attn2",
];

/// Trains encoder, attention, graph layers and `centers` (k × d); the moved centres and the number of epochs.
///
/// Labels are compared, and in mini-batches the target's cluster frequencies renewed, once in a round: an epoch
/// over all cells, or the steps that show each cell once (32 steps at most).
///
/// `each` sees the losses of every epoch after its step, with the assignment that they are of.
///
/// With all cells in every step the gradient is clipped as published: to a norm over all parameters of the model, the
/// centres left out. Those of decoder and batch normalisation, which the stage never moves, count with all that they
/// have added up since the last step of pretraining.
///
/// Deviation: with mini-batches the norm is that of the trained layers. What the others add up grows with the number of
/// steps, and takes a third more work.
///
/// # Errors
///
/// When the cells of a mini-batch have no graph, or a loss is not finite.
pub fn self_train(
    model: &mut Autoencoder,
    centers: &Tensor,
    cells: &mut TrainingCells<'_>,
    schedule: &mut Schedule,
    mut each: impl FnMut(EpochLosses, &Assignment),
) -> Result<(Tensor, usize), TrainError> {
    let centers = centers.detach().copy().set_requires_grad(true);
    let in_stage = |name: &str| TRAINED.contains(&name.split('.').next().unwrap_or_default());
    let (whole, steps_per_round) = (cells.are_whole(), cells.steps_per_round());
    let mut adam = Adam::new(model.trained(in_stage), LEARNING_RATE)
        .with_unclipped(vec![centers.shallow_clone()]);
    let layers = if whole {
        adam = adam.with_resting(model.trained(|name| !in_stage(name)));
        OutputLayers::Trained
    } else {
        OutputLayers::Frozen
    };
    let mut of_all: Option<Tensor> = None;
    let mut round = Round::default();
    for epoch in 0..schedule.epochs {
        let step = cells.next_step()?;
        let found = step.batch().reconstruct(model, &mut schedule.pass, layers);
        let [zinb, graph] = found.values();
        let z = &found.z;
        let assignment = match &of_all {
            Some(frequencies) => assign_given(z, &centers, frequencies),
            None => assign(z, &centers),
        };
        round.see(&step, &assignment);
        if (epoch + 1) % steps_per_round == 0 {
            let (share_changed, frequencies) = round.close();
            of_all = frequencies.filter(|_| !whole);
            if epoch > WARM_UP && share_changed.is_some_and(|share| share < schedule.settled) {
                return Ok((centers.detach(), epoch));
            }
        }
        let kl = cluster_loss(&assignment);
        let other = Some(("KL", kl.double_value(&[])));
        let loss = loss(kl, found);
        schedule.pass.tape.weigh_given(ZINB_WEIGHT);
        let losses = EpochLosses {
            epoch: epoch + 1,
            zinb,
            graph,
            other,
            gradient_norm: adam.step(&loss, &mut schedule.pass.tape),
        };
        each(losses.finite()?, &assignment);
    }
    Ok((centers.detach(), schedule.epochs))
}

/// KL(p‖q), and the losses of counts and graph where the network learns from them, as a scalar.
fn loss(kl: Tensor, found: Reconstruction) -> Tensor {
    let zinb = found.zinb.map(|zinb| zinb.surrogate * ZINB_WEIGHT);
    let graph = found.graph.map(|graph| graph.surrogate * GRAPH_WEIGHT);
    [zinb, graph]
        .into_iter()
        .flatten()
        .fold(kl, |sum, loss| sum + loss)
}

/// How long the stage may last, and the noise it trains with.
#[derive(Debug)]
pub struct Schedule {
    /// Most epochs.
    pub epochs: usize,
    /// A training pass.
    pub pass: Pass,
    /// The stage ends early when a smaller share of the cells changed their label than this: [`SETTLED`].
    pub settled: f64,
}

/// What one round over the cells showed.
#[derive(Default)]
struct Round {
    /// Each cell's label when it was last seen.
    labels: Vec<Option<i64>>,
    n_changed: usize,
    n_compared: usize,
    /// Σ_i q_ik over the cells seen, 1 × k.
    frequencies: Option<Tensor>,
}

impl Round {
    fn see(&mut self, step: &Step<'_, '_>, assignment: &Assignment) {
        let labels = Vec::<i64>::try_from(assignment.p.argmax(1, false)).unwrap_or_default();
        for (i, label) in labels.into_iter().enumerate() {
            let cell = step.cell(i);
            if self.labels.len() <= cell {
                self.labels.resize(cell + 1, None);
            }
            if let Some(before) = self.labels[cell].replace(label) {
                self.n_compared += 1;
                self.n_changed += usize::from(before != label);
            }
        }
        let seen = frequencies(&assignment.q.detach());
        self.frequencies = Some(match self.frequencies.take() {
            Some(sum) => sum + seen,
            None => seen,
        });
    }

    /// The share of the cells seen before whose label changed, and the soft frequencies; a new round begins.
    fn close(&mut self) -> (Option<f64>, Option<Tensor>) {
        let (changed, compared) = (self.n_changed, self.n_compared);
        (self.n_changed, self.n_compared) = (0, 0);
        let share = (compared > 0).then(|| changed as f64 / compared as f64);
        (share, self.frequencies.take())
    }
}
