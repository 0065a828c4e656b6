//! One seed for a run, and an independent random stream for every purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. A purpose's numbers do not change when another purpose draws
/// more or fewer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// Which of the training cells every cell is embedded against.
    Landmarks = 1,
    /// The model's initial weights.
    Weights = 2,
    /// The encoder's multiplicative noise and the queries' dropout.
    Noise = 3,
    /// Leiden's node order.
    Leiden = 4,
    /// The 2-D layout.
    Layout = 5,
    /// Which cells make up each mini-batch.
    MiniBatches = 6,
    /// Where the search for principal components starts.
    Components = 7,
    /// Which genes a step reconstructs.
    Genes = 8,
    /// Which part of the cells each one falls into, where evidence is judged in halves.
    Parts = 9,
    /// Where the lists of an inverted file start.
    Lists = 10,
    /// Where the clusters start in which batches are brought together, and the order of cells there.
    Integration = 12,
    /// How counts are split in two, where a split of the tree is tested.
    CountSplit = 20,
    /// The cells whose neighbours are found exactly, to measure a search.
    Neighbors = 11,
    /// Which cells a large data set is trained on.
    Training = 13,
    /// Which cells stand for all of them in a measure, a layout, or a graph of all pairs.
    Sample = 14,
    /// Which labelled cells of a large data set a model keeps.
    Reference = 15,
    /// Which half of the cells is judged by the other.
    Halves = 16,
    /// Which part of the labelled cells each one falls into, where its deviation is judged by the others.
    Folds = 21,
    /// Which of a model's labelled cells are judged by others.
    Judged = 22,
}

/// The random numbers of `seed` for one purpose.
#[must_use]
pub fn stream(seed: u64, purpose: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn a_purpose_repeats_and_differs_from_the_others() {
        let first = |seed, purpose| stream(seed, purpose).next_u64();
        assert_eq!(first(1, Stream::Sample), first(1, Stream::Sample));
        assert_ne!(first(1, Stream::Sample), first(1, Stream::Weights));
        assert_ne!(first(1, Stream::Sample), first(2, Stream::Sample));
    }
}
