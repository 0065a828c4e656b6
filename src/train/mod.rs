//! Training: the cells of a step, pretraining, and the published clustering stage.

pub mod assignment;
mod error;
pub mod labels;
pub mod mini_batches;
pub mod optimiser;
pub mod pretrain;
pub mod self_training;
pub mod training_batch;
pub mod training_cells;

pub use error::TrainError;

/// The training schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainConfig {
    /// Adam's first learning rate, above 0.
    pub lr: f64,
    /// Genes that a step on a mini-batch reproduces the counts of; all of them where `None`.
    pub zinb_genes: Option<usize>,
    /// Pretraining epochs: passes over all cells, or steps where there are mini-batches.
    pub training_epoch: usize,
    /// Most epochs of the clustering stage, counted in the same way.
    pub clustering_epoch: usize,
    /// Cells of a mini-batch, at least 32; all cells in every step where `None`.
    pub batch_size: Option<usize>,
}

/// Up to this many cells in a step, threads wait for each other, and a GPU for its next task, longer than they work.
const SMALL_BATCH: usize = 1024;

impl TrainConfig {
    /// Whether a step is too small to be shared among threads or to keep a GPU busy.
    #[must_use]
    pub fn has_small_batches(&self) -> bool {
        self.batch_size.is_some_and(|size| size <= SMALL_BATCH)
    }
}
