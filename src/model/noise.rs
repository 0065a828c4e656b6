//! The randomness of training: multiplicative input noise and query dropout.

use tch::Tensor;

use crate::kernels::{self, NoiseKey, Tape};

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
    pub fn corrupt(&mut self, x: &Tensor, tape: &mut Tape) -> Tensor {
        let Some(key) = self.next_key() else {
            return x.shallow_clone();
        };
        kernels::on(x.device()).corrupt(x, key, tape)
    }

    /// Of the next draw; `None` where there is no noise.
    pub(super) fn next_key(&mut self) -> Option<NoiseKey> {
        match self {
            Self::Off => None,
            Self::Seeded { seed, draws } => {
                *draws += 1;
                Some(NoiseKey::new(*seed, *draws))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn corruption_has_the_stated_size_and_repeats() {
        let x = Tensor::ones([100, 1000], tch::kind::FLOAT_CPU);
        let noisy = Noise::seeded(3).corrupt(&x, &mut Tape::default());
        assert!(noisy.equal(&Noise::seeded(3).corrupt(&x, &mut Tape::default())));
        assert!(!noisy.equal(&Noise::seeded(4).corrupt(&x, &mut Tape::default())));
        assert!((noisy.std(false).double_value(&[]) - 0.1).abs() < 2e-3);
        assert!((noisy.mean(Kind::Float).double_value(&[]) - 1.0).abs() < 2e-3);
    }

    #[test]
    fn successive_draws_differ() {
        let x = Tensor::ones([10, 10], tch::kind::FLOAT_CPU);
        let mut noise = Noise::seeded(3);
        assert!(
            !noise
                .corrupt(&x, &mut Tape::default())
                .equal(&noise.corrupt(&x, &mut Tape::default()))
        );
    }

    #[test]
    fn no_noise_changes_nothing() {
        let x = Tensor::arange(6, tch::kind::FLOAT_CPU).view([2, 3]);
        assert!(Noise::Off.corrupt(&x, &mut Tape::default()).equal(&x));
        assert!(Noise::Off.next_key().is_none());
    }
}
