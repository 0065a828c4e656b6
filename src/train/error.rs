//! What can end a training.

use super::pretrain::EpochLosses;
use crate::graph::GraphError;

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The cells of a mini-batch have no graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A loss or its gradient is not finite any more.
    #[error(
        "training has diverged: its loss is not finite from epoch {epoch} on; try a smaller -lr"
    )]
    Diverged {
        /// Counted from 1: a pass over all cells, or a mini-batch.
        epoch: usize,
    },
}

impl EpochLosses {
    /// The losses, where a model can go on from them.
    pub(super) fn finite(self) -> Result<Self, TrainError> {
        let losses: f64 = self.named().map(|(_, loss)| loss).sum();
        if (losses + self.gradient_norm).is_finite() {
            Ok(self)
        } else {
            Err(TrainError::Diverged { epoch: self.epoch })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_ends_with_the_first_loss_that_is_not_finite() {
        let losses = EpochLosses {
            epoch: 7,
            zinb: Some(0.5),
            graph: Some(0.1),
            other: Some(("contrast", 3.0)),
            gradient_norm: 2.0,
        };
        assert!(losses.finite().is_ok());
        let broken = [
            EpochLosses {
                zinb: Some(f64::NAN),
                ..losses
            },
            EpochLosses {
                other: Some(("KL", f64::INFINITY)),
                ..losses
            },
            EpochLosses {
                gradient_norm: f64::NAN,
                ..losses
            },
        ];
        for losses in broken {
            let error = losses.finite().expect_err("not finite").to_string();
            assert!(
                error.contains("from epoch 7 on; try a smaller -lr"),
                "{error}"
            );
        }
    }
}
