//! The attention autoencoder and its training.

pub mod attention;
pub mod autoencoder;
pub mod decoder;
pub mod device;
pub mod every_cell;
pub mod graph_conv;
pub mod graph_loss;
pub mod landmarks;
pub mod layers;
pub mod loss;
pub mod noise;
pub mod optimiser;
pub mod parameters;
pub mod pretrain;
pub mod reconstruction;
pub mod special;
pub mod tensor;
pub mod zinb;
pub mod zinb_plain;
pub mod zinb_row;

/// The autoencoder's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelConfig {
    /// Width of the embedding, d, at least 2.
    pub n_z: usize,
    /// Number of attention heads, h, at least 1.
    pub n_heads: usize,
}

/// The training schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainConfig {
    /// Adam's first learning rate, above 0.
    pub lr: f64,
    /// Pretraining epochs.
    pub training_epoch: usize,
    /// Most epochs of the clustering stage.
    pub clustering_epoch: usize,
}
