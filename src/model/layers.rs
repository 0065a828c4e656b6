//! Linear and batch-normalisation layers with `PyTorch`'s initial values and parameter names.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use crate::kernels::{self, Affine, NORM_EPSILON, Tape};

/// Weight of the newest batch in the running statistics, as in `PyTorch`.
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// Whether a forward pass trains the model or embeds with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormStatistics {
    /// Normalise by the batch, and let the running statistics follow it.
    Batch,
    /// Normalise by the batch, and make its statistics the running ones.
    Settle,
    /// Normalise by the running statistics.
    Running,
}

/// `y = x Wᵀ + b`.
#[derive(Debug)]
pub struct Linear {
    /// n_out × n_in.
    pub weight: Tensor,
    /// n_out; `None` for a layer without bias.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// A layer whose weights and biases are uniform in ±1/√n_in.
    pub fn new(n_in: usize, n_out: usize, rng: &mut ChaCha8Rng) -> Self {
        let bias = uniform(&[n_out], 1.0 / (n_in as f32).sqrt(), rng);
        Self {
            bias: Some(bias),
            ..Self::without_bias(n_in, n_out, rng)
        }
    }

    /// The same without a bias.
    pub fn without_bias(n_in: usize, n_out: usize, rng: &mut ChaCha8Rng) -> Self {
        Self {
            weight: uniform(&[n_out, n_in], 1.0 / (n_in as f32).sqrt(), rng),
            bias: None,
        }
    }

    /// A layer of zeros.
    #[must_use]
    pub fn zeros(n_in: usize, n_out: usize) -> Self {
        Self {
            weight: Tensor::zeros([n_out as i64, n_in as i64], tch::kind::FLOAT_CPU),
            bias: Some(Tensor::zeros([n_out as i64], tch::kind::FLOAT_CPU)),
        }
    }

    /// The layer of some of the outputs, a copy.
    #[must_use]
    pub fn outputs(&self, wanted: &Tensor) -> Self {
        Self {
            weight: self.weight.index_select(0, wanted),
            bias: self.bias.as_ref().map(|bias| bias.index_select(0, wanted)),
        }
    }

    /// n × n_in → n × n_out, differentiated by libtorch.
    #[must_use]
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.affine().forward(x)
    }

    /// n × n_in → n × n_out, differentiated on `tape`.
    #[must_use]
    pub fn forward_joined(&self, x: &Tensor, tape: &mut Tape) -> Tensor {
        kernels::on(x.device()).linear(x, self.affine(), tape)
    }

    /// As [`Self::forward_joined`], for many inputs.
    #[must_use]
    pub fn forward_wide(&self, x: &Tensor, tape: &mut Tape) -> Tensor {
        kernels::on(x.device()).wide_linear(x, self.affine(), tape)
    }

    /// What kernels see of the layer.
    #[must_use]
    pub fn affine(&self) -> Affine<'_> {
        Affine {
            weight: &self.weight,
            bias: self.bias.as_ref(),
        }
    }
}

/// Batch normalisation over cells, one mean and variance per feature.
#[derive(Debug)]
pub struct BatchNorm {
    /// Scale, one per feature.
    pub weight: Tensor,
    /// Shift, one per feature.
    pub bias: Tensor,
    /// Running mean.
    pub running_mean: Tensor,
    /// Running variance (unbiased).
    pub running_var: Tensor,
    /// Training batches seen, a 0-dimensional int64.
    pub num_batches_tracked: Tensor,
}

impl BatchNorm {
    /// A layer that starts as the identity.
    #[must_use]
    pub fn new(n_features: usize) -> Self {
        let (size, float) = ([n_features as i64], tch::kind::FLOAT_CPU);
        Self {
            weight: Tensor::ones(size, float),
            bias: Tensor::zeros(size, float),
            running_mean: Tensor::zeros(size, float),
            running_var: Tensor::ones(size, float),
            num_batches_tracked: Tensor::zeros([0; 0], tch::kind::INT64_CPU),
        }
    }

    /// max(x, 0), n × features, normalised.
    #[must_use]
    pub fn after_relu(&self, x: &Tensor, statistics: NormStatistics, tape: &mut Tape) -> Tensor {
        let momentum = match statistics {
            NormStatistics::Running => {
                let scale = &self.weight * (&self.running_var + NORM_EPSILON).rsqrt();
                return (x.relu() - &self.running_mean) * scale + &self.bias;
            }
            NormStatistics::Settle => 1.0,
            NormStatistics::Batch => BATCH_NORM_MOMENTUM,
        };
        let kernels = kernels::on(x.device());
        let found = kernels.relu_norm(x, [&self.weight, &self.bias], tape);
        let unbiased = x.size()[0] as f64 / (x.size()[0] - 1).max(1) as f64;
        self.follow(&found.mean, &(found.variance * unbiased), momentum);
        found.output
    }

    /// Moves the running statistics towards those of a batch, whose share is `weight`.
    fn follow(&self, mean: &Tensor, variance: &Tensor, weight: f64) {
        tch::no_grad(|| {
            let towards = |running: &Tensor, target: &Tensor| {
                let _ = running
                    .shallow_clone()
                    .lerp_(&target.to_kind(Kind::Float), weight);
            };
            towards(&self.running_mean, mean);
            towards(&self.running_var, variance);
            let _ = self.num_batches_tracked.shallow_clone().g_add_scalar_(1);
        });
    }
}

/// A tensor whose entries are uniform in ±`bound`.
pub fn uniform(size: &[usize], bound: f32, rng: &mut ChaCha8Rng) -> Tensor {
    let drawn: Vec<f32> = (0..size.iter().product())
        .map(|_| rng.random_range(-bound..=bound))
        .collect();
    Tensor::from_slice(&drawn).view(
        size.iter()
            .map(|&s| s as i64)
            .collect::<Vec<_>>()
            .as_slice(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernels::tensor::values,
        seed::{Stream, stream},
    };

    #[test]
    fn initial_weights_fill_their_range() {
        let layer = Linear::new(100, 50, &mut stream(1, Stream::Weights));
        let weights = values(&layer.weight);
        let largest = weights.iter().fold(0.0_f32, |a, w| a.max(w.abs()));
        assert!(largest <= 0.1 && largest > 0.099, "{largest}");
        assert!(layer.bias.is_some());
    }

    #[test]
    fn a_batch_is_centred_scaled_and_remembered() {
        let x = Tensor::from_slice(&[1.0_f32, 10.0, 3.0, 30.0]).view([2, 2]);
        let norm = BatchNorm::new(2);
        let y = norm.after_relu(&x, NormStatistics::Batch, &mut Tape::off());
        for (got, expected) in values(&y).iter().zip([-1.0, -1.0, 1.0, 1.0]) {
            assert!((got - expected).abs() < 1e-4, "{got} {expected}");
        }
        assert!((values(&norm.running_mean)[0] - 0.2).abs() < 1e-6);
        assert!((values(&norm.running_var)[0] - (0.9 + 0.1 * 2.0)).abs() < 1e-6);
        assert_eq!(norm.num_batches_tracked.int64_value(&[]), 1);

        let _ = norm.after_relu(&x, NormStatistics::Settle, &mut Tape::off());
        assert_eq!(values(&norm.running_mean), [2.0, 20.0]);
        assert_eq!(values(&norm.running_var), [2.0, 200.0]);
    }
}
