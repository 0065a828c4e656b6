//! What a forward pass differs in between training and embedding.

use super::{layers::NormStatistics, noise::Noise};
use crate::kernels::Tape;

/// Statistics, noise and gradients of a forward pass.
#[derive(Debug)]
pub struct Pass {
    /// Statistics of the batch-normalisation layers.
    pub statistics: NormStatistics,
    /// Input noise and query dropout.
    pub noise: Noise,
    /// Gradients that libtorch does not work out.
    pub tape: Tape,
}

impl Pass {
    /// A training pass whose noise repeats for the same seed.
    #[must_use]
    pub fn training(seed: u64) -> Self {
        Self {
            statistics: NormStatistics::Batch,
            noise: Noise::seeded(seed),
            tape: Tape::default(),
        }
    }

    /// A deterministic pass: running statistics, no noise.
    ///
    /// Deviation: the published script leaves noise and batch statistics on when it embeds, for the final labels and for
    /// the first embedding, the one that Leiden sees.
    #[must_use]
    pub fn embedding() -> Self {
        Self {
            statistics: NormStatistics::Running,
            noise: Noise::Off,
            tape: Tape::off(),
        }
    }
}
