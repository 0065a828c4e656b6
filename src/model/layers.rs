//! Linear and batch-normalisation layers with `PyTorch`'s initial values and parameter names.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use crate::kernels::{self, Affine, Tape};

/// Added to the variance before its square root is divided by, as in `PyTorch`.
const BATCH_NORM_EPSILON: f64 = 1e-5;

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

    /// n × n_in → n × n_out.
    #[must_use]
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.affine().forward(x)
    }

    /// As [`Self::forward`], for many inputs.
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

    /// Normalises n × features.
    ///
    /// Written in plain sums over cells: libtorch's own kernel adds up one partial sum per thread, and its
    /// results change with the number of threads. In double precision, as there: the gradient of a normalised
    /// feature is a small difference of sums, and in single precision its errors lead training several times
    /// further astray than all other rounding does.
    #[must_use]
    pub fn forward(&self, x: &Tensor, statistics: NormStatistics) -> Tensor {
        if statistics == NormStatistics::Running {
            let scale = &self.weight * (&self.running_var + BATCH_NORM_EPSILON).rsqrt();
            return (x - &self.running_mean) * scale + &self.bias;
        }
        let mean_of = |x: &Tensor| x.mean_dim([0].as_slice(), true, Kind::Double);
        let x = x.to_kind(Kind::Double);
        let mean = mean_of(&x);
        let centred = &x - &mean;
        let variance = mean_of(&centred.square());
        let weight = if statistics == NormStatistics::Settle {
            1.0
        } else {
            BATCH_NORM_MOMENTUM
        };
        let unbiased = &variance * (x.size()[0] as f64 / (x.size()[0] - 1).max(1) as f64);
        self.follow(&mean, &unbiased, weight);
        let normal = centred * (variance + BATCH_NORM_EPSILON).rsqrt();
        normal.to_kind(Kind::Float) * &self.weight + &self.bias
    }

    /// Moves the running statistics towards those of a batch, whose share is `weight`.
    fn follow(&self, mean: &Tensor, variance: &Tensor, weight: f64) {
        tch::no_grad(|| {
            let towards = |running: &Tensor, target: &Tensor| {
                let _ = running
                    .shallow_clone()
                    .lerp_(&target.squeeze_dim(0).to_kind(Kind::Float), weight);
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
        let y = norm.forward(&x, NormStatistics::Batch);
        for (got, expected) in values(&y).iter().zip([-1.0, -1.0, 1.0, 1.0]) {
            assert!((got - expected).abs() < 1e-4, "{got} {expected}");
        }
        assert!((values(&norm.running_mean)[0] - 0.2).abs() < 1e-6);
        assert!((values(&norm.running_var)[0] - (0.9 + 0.1 * 2.0)).abs() < 1e-6);
        assert_eq!(norm.num_batches_tracked.int64_value(&[]), 1);

        let _ = norm.forward(&x, NormStatistics::Settle);
        assert_eq!(values(&norm.running_mean), [2.0, 20.0]);
        assert_eq!(values(&norm.running_var), [2.0, 200.0]);
    }
}
