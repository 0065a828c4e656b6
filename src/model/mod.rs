//! The attention autoencoder and its training.

pub mod attention;
pub mod autoencoder;
pub mod batch;
pub mod decoder;
pub mod device;
pub mod every_cell;
pub mod flash;
pub mod gauss_tensors;
pub mod graph_conv;
pub mod graph_loss;
mod heads_cpu;
mod heads_gpu;
pub mod landmarks;
pub mod layers;
pub mod loss;
pub mod mini_batches;
pub mod noise;
pub mod optimiser;
pub mod parameters;
pub mod pretrain;
pub mod reconstruction;
pub mod tape;
pub mod tensor;
pub mod training_cells;
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
    /// Pretraining epochs: passes over all cells, or steps where there are batches.
    pub training_epoch: usize,
    /// Most epochs of the clustering stage, counted in the same way.
    pub clustering_epoch: usize,
    /// Cells of a mini-batch; all cells in every step where `None`.
    pub batch_size: Option<usize>,
}
