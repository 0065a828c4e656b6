//! The randomness of training: multiplicative input noise and query dropout.

use rand::{Rng, SeedableRng, rngs::SmallRng};
use rand_distr::StandardNormal;
use rayon::prelude::*;
use tch::Tensor;

use super::tensor::{values, values_mut};

/// Standard deviation of the multiplicative noise.
const NOISE: f32 = 0.1;

/// Share of the query entries that dropout sets to 0.
const DROPOUT: f64 = 0.2;

/// Entries that share a random generator: results do not depend on how many threads there are.
const CHUNK: usize = 1 << 14;

/// Where a forward pass takes its noise from.
#[derive(Debug)]
pub enum Noise {
    /// No noise: the model embeds.
    Off,
    /// Training: the n-th draw of a seed.
    Seeded {
        /// The run's noise seed.
        seed: u64,
        /// Number of draws so far.
        draws: u64,
    },
}

impl Noise {
    /// Noise that repeats for the same `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, draws: 0 }
    }

    /// `x + 0.1·x·ε` with ε ~ N(0, 1) independent for every entry; the gradient passes as through `x`.
    #[must_use]
    pub fn corrupt(&mut self, x: &Tensor) -> Tensor {
        let Some(seed) = self.next_seed() else {
            return x.shallow_clone();
        };
        if x.device().is_cuda() {
            return x + x.detach() * (x.randn_like() * f64::from(NOISE));
        }
        let clean = x.detach().contiguous();
        let mut noise = clean.empty_like();
        by_chunk(&mut noise, &clean, seed, |rng, value| {
            let e: f32 = rng.sample(StandardNormal);
            NOISE * e * value
        });
        x + noise
    }

    /// Dropout of the queries: entries are 0 with probability 0.2, the others grow by 1/0.8.
    #[must_use]
    pub fn drop_queries(&mut self, queries: &Tensor) -> Tensor {
        let Some(seed) = self.next_seed() else {
            return queries.shallow_clone();
        };
        if queries.device().is_cuda() {
            return queries.dropout(DROPOUT, true);
        }
        let shape = queries.detach().contiguous();
        let mut kept = shape.empty_like();
        by_chunk(&mut kept, &shape, seed, |rng, _| {
            if rng.random_bool(DROPOUT) {
                0.0
            } else {
                1.0 / (1.0 - DROPOUT as f32)
            }
        });
        queries * kept
    }

    fn next_seed(&mut self) -> Option<u64> {
        match self {
            Self::Off => None,
            Self::Seeded { seed, draws } => {
                *draws += 1;
                Some(seed.wrapping_add(draws.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            }
        }
    }
}

/// Fills `out` by `draw(rng, input)`, entry by entry, in parallel.
fn by_chunk(
    out: &mut Tensor,
    input: &Tensor,
    seed: u64,
    draw: impl Fn(&mut SmallRng, f32) -> f32 + Sync,
) {
    let input = values(input);
    values_mut(out)
        .par_chunks_mut(CHUNK)
        .zip(input.par_chunks(CHUNK))
        .enumerate()
        .for_each(|(chunk, (out, input))| {
            let mut rng = SmallRng::seed_from_u64(seed ^ (chunk as u64) << 40);
            for (out, &value) in out.iter_mut().zip(input) {
                *out = draw(&mut rng, value);
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn corruption_has_the_stated_size_and_repeats() {
        let x = Tensor::ones([100, 1000], tch::kind::FLOAT_CPU);
        let noisy = Noise::seeded(3).corrupt(&x);
        assert!(noisy.equal(&Noise::seeded(3).corrupt(&x)));
        assert!(!noisy.equal(&Noise::seeded(4).corrupt(&x)));
        assert!((noisy.std(false).double_value(&[]) - 0.1).abs() < 2e-3);
        assert!((noisy.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 2e-3);
    }

    #[test]
    fn successive_draws_differ() {
        let x = Tensor::ones([10, 10], tch::kind::FLOAT_CPU);
        let mut noise = Noise::seeded(3);
        assert!(!noise.corrupt(&x).equal(&noise.corrupt(&x)));
    }

    #[test]
    fn dropout_keeps_the_mean() {
        let dropped =
            Noise::seeded(3).drop_queries(&Tensor::ones([100, 1000], tch::kind::FLOAT_CPU));
        let zeros = dropped
            .eq(0.0)
            .to_kind(Kind::Float)
            .mean(Kind::Float)
            .double_value(&[]);
        assert!((zeros - 0.2).abs() < 5e-3, "{zeros}");
        assert!((dropped.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-2);
    }

    #[test]
    fn no_noise_changes_nothing() {
        let x = Tensor::arange(6, tch::kind::FLOAT_CPU).view([2, 3]);
        assert!(Noise::Off.corrupt(&x).equal(&x));
        assert!(Noise::Off.drop_queries(&x).equal(&x));
    }
}
