//! The operations that the CPU and a GPU do by code of their own, behind one trait.
//!
//! On the CPU they are ours, in tasks whose results do not depend on the number of threads; on a GPU they are libtorch's.
//! All else that the model computes is libtorch's on both.

use std::sync::LazyLock;

use tch::{Device, Tensor};

pub mod adam;
pub mod count_target;
pub mod cpu;
pub mod device;
pub mod gpu;
pub mod graph_target;
pub mod loss_term;
mod noise_key;
pub mod tape;
pub mod tensor;
pub mod zinb;

pub use self::{
    adam::{AdamStep, Moments},
    count_target::CountTarget,
    graph_target::GraphTarget,
    loss_term::LossTerm,
    noise_key::NoiseKey,
    tape::Tape,
};

/// Width of the decoder's last hidden layer, which the kernel of the output layers is written for.
pub const HIDDEN_WIDTH: usize = 256;

/// Added to the variance before its square root is divided by, as in `PyTorch`.
pub(crate) const NORM_EPSILON: f64 = 1e-5;

/// Standard deviation of the multiplicative noise.
pub(crate) const NOISE: f32 = 0.1;

/// Share of the query entries that dropout sets to 0.
pub(crate) const DROPOUT: f64 = 0.2;

/// The environment variable that, set to `libtorch`, makes the CPU take the operations of a GPU, to try these without one.
pub const KERNELS_VARIABLE: &str = "ATTENTIONAE_SC_KERNELS";

/// The operations of one kind of device. Tensors are float32 and lie on that device.
pub trait Kernels: Sync {
    /// softmax(QKᵀ/√width)·V per head: queries m × (heads·width), keys and values n × (heads·width), to m × (heads·width), in
    /// memory linear in m and n. Without gradients.
    fn attend(&self, queries: &Tensor, keys: &Tensor, values: &Tensor, n_heads: usize) -> Tensor;

    /// What cells gather from each other: [`Self::attend`] of the projections of n cells, whose queries are made of
    /// `query_from` and whose keys and values of `source`, n × width each, to n × (heads·width). With `dropped`, entries of
    /// the queries are 0 with probability 0.2, and the others grow by 1/0.8.
    fn attend_among(
        &self,
        query_from: &Tensor,
        source: &Tensor,
        heads: Heads<'_>,
        dropped: Option<NoiseKey>,
        tape: &mut Tape,
    ) -> Tensor;

    /// x Wᵀ + b, n × n_in to n × n_out.
    fn linear(&self, x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor;

    /// The same where n_in is large.
    fn wide_linear(&self, x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor;

    /// max(x, 0), n × features, normalised by its own means and variances, times a scale and plus a shift per feature.
    ///
    /// In plain sums over cells: libtorch's own kernel adds up one partial sum per thread, and its results change with the number
    /// of threads. In double precision, as there: the gradient of a normalised feature is a small difference of sums, and in
    /// single precision its errors lead training several times further astray than all other rounding does.
    fn relu_norm(&self, x: &Tensor, scale_and_shift: [&Tensor; 2], tape: &mut Tape) -> Normalized;

    /// ZINB losses of the counts and their gradients, for the decoder's last hidden layer (n × 256, contiguous) through the
    /// output layers for π, θ and μ.
    fn zinb_gradients(
        &self,
        hidden: &Tensor,
        layers: [Affine<'_>; 3],
        target: &CountTarget,
        wanted: OutputLayers,
    ) -> ZinbGradients;

    /// Overwrites a block of products g2·g2ᵀ (rows × n, the first of them row `start`) by `scale`·E∘A'∘(1−A'), where
    /// A' = σ of the products and E = A' − R; the sum of E² as a float64 scalar.
    fn graph_errors(
        &self,
        products: &mut Tensor,
        target: &GraphTarget<'_>,
        start: usize,
        scale: f64,
    ) -> Tensor;

    /// `x + 0.1·x·ε` with ε ~ N(0, 1) independent for every entry; the gradient passes as through `x`.
    fn corrupt(&self, x: &Tensor, key: NoiseKey, tape: &mut Tape) -> Tensor;

    /// Moves parameters along their gradients, which it clips together with those of `resting`; the norm before that.
    fn adam_step(&self, step: AdamStep, moving: &mut [&mut Moments], resting: &mut [Tensor])
    -> f64;
}

/// The kernels of a device.
#[must_use]
pub fn on(device: Device) -> &'static dyn Kernels {
    if are_libtorchs(device) {
        &gpu::Gpu
    } else {
        &cpu::Cpu
    }
}

/// Whether a device's kernels are libtorch's operations rather than ours.
#[must_use]
pub fn are_libtorchs(device: Device) -> bool {
    static FORCED: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os(KERNELS_VARIABLE).is_some_and(|word| word == "libtorch"));
    device != Device::Cpu || *FORCED
}

/// Features of a batch of n cells after normalisation.
#[derive(Debug)]
pub struct Normalized {
    /// n × features.
    pub output: Tensor,
    /// The batch's means before it, float64, one per feature.
    pub mean: Tensor,
    /// The batch's variances (sums divided by n), float64, one per feature.
    pub variance: Tensor,
}

/// Weights and bias of a linear layer.
#[derive(Debug, Clone, Copy)]
pub struct Affine<'a> {
    /// n_out × n_in.
    pub weight: &'a Tensor,
    /// n_out; `None` for a layer without bias.
    pub bias: Option<&'a Tensor>,
}

impl Affine<'_> {
    /// x Wᵀ + b: n × n_in to n × n_out.
    #[must_use]
    pub fn forward(self, x: &Tensor) -> Tensor {
        x.linear(self.weight, self.bias)
    }
}

/// The weights that make queries, keys and values of a cell's features, each (heads·width) × width.
#[derive(Debug, Clone, Copy)]
pub struct Heads<'a> {
    /// Of the queries.
    pub queries: &'a Tensor,
    /// Of the keys.
    pub keys: &'a Tensor,
    /// Of the values.
    pub values: &'a Tensor,
    /// Their number.
    pub n_heads: usize,
}

/// Whether the gradients by the output layers' own weights are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputLayers {
    /// They are, to train the layers or for the norm of the whole gradient.
    Trained,
    /// They are not; a third of the products is saved.
    Frozen,
}

/// The sum of the ZINB losses, and the gradients of their mean.
#[derive(Debug)]
pub struct ZinbGradients {
    /// Σ of the losses.
    pub value: f64,
    /// n × 256.
    pub by_hidden: Tensor,
    /// For each output layer: genes × 256, and genes. `None` where they are frozen.
    pub by_weights: Option<Vec<(Tensor, Tensor)>>,
}
