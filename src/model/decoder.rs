//! From the embedding to the three parameters of every count's distribution.

use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::{WIDTH_1, WIDTH_2, layers::Linear};

/// Two hidden layers, then one linear output layer per ZINB parameter.
#[derive(Debug)]
pub struct Decoder {
    /// d → 64.
    pub dec_1: Linear,
    /// 64 → 256.
    pub dec_2: Linear,
    /// 256 → genes: logit of the dropout probability π.
    pub calcu_pi: Linear,
    /// 256 → genes: before the softplus of the dispersion θ.
    pub calcu_disp: Linear,
    /// 256 → genes: logarithm of the mean at size factor 1.
    pub calcu_mean: Linear,
}

impl Decoder {
    /// A decoder from `n_z` to `n_genes`.
    pub fn new(n_genes: usize, n_z: usize, rng: &mut ChaCha8Rng) -> Self {
        Self {
            dec_1: Linear::new(n_z, WIDTH_2, rng),
            dec_2: Linear::new(WIDTH_2, WIDTH_1, rng),
            calcu_pi: Linear::new(WIDTH_1, n_genes, rng),
            calcu_disp: Linear::new(WIDTH_1, n_genes, rng),
            calcu_mean: Linear::new(WIDTH_1, n_genes, rng),
        }
    }

    /// The last hidden layer, n × 256, which the output layers read.
    #[must_use]
    pub fn hidden(&self, z: &Tensor) -> Tensor {
        self.dec_2.forward(&self.dec_1.forward(z).relu()).relu()
    }
}
