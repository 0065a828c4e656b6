//! Kernels of our own, in tasks that are cut by the data's shape alone, and products of matrices by libtorch.

use tch::{Kind, Tensor};

mod adam;
mod at_once;
pub mod attention;
#[cfg(test)]
mod beside_libtorch;
mod graph_errors;
mod linear;
pub(super) mod noise;
mod products;
mod relu_norm;
mod wide_linear;
mod zinb_gradients;
pub mod zinb_row;

use super::{
    AdamStep, Affine, CountTarget, GraphTarget, Heads, Kernels, Moments, NoiseKey, Normalized,
    OutputLayers, Tape, ZinbGradients,
};
use attention::Attention;

/// The CPU's kernels.
#[derive(Debug)]
pub struct Cpu;

impl Kernels for Cpu {
    fn attend(&self, queries: &Tensor, keys: &Tensor, values: &Tensor, n_heads: usize) -> Tensor {
        Attention::new(queries, keys, values, n_heads)
            .forward()
            .gathered
    }

    fn attend_among(
        &self,
        query_from: &Tensor,
        source: &Tensor,
        heads: Heads<'_>,
        dropped: Option<NoiseKey>,
        tape: &mut Tape,
    ) -> Tensor {
        attention::attend_among(query_from, source, heads, dropped, tape)
    }

    fn linear(&self, x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor {
        linear::linear(x, layer, tape)
    }

    fn wide_linear(&self, x: &Tensor, layer: Affine<'_>, tape: &mut Tape) -> Tensor {
        wide_linear::wide_linear(x, layer, tape)
    }

    fn relu_norm(&self, x: &Tensor, scale_and_shift: [&Tensor; 2], tape: &mut Tape) -> Normalized {
        relu_norm::relu_norm(x, scale_and_shift, tape)
    }

    fn zinb_gradients(
        &self,
        hidden: &Tensor,
        layers: [Affine<'_>; 3],
        target: &CountTarget,
        wanted: OutputLayers,
    ) -> ZinbGradients {
        zinb_gradients::zinb_gradients(hidden, layers, target.on_host(), wanted)
    }

    fn graph_errors(
        &self,
        products: &mut Tensor,
        target: &GraphTarget<'_>,
        start: usize,
        scale: f64,
    ) -> Tensor {
        let sum = graph_errors::graph_errors(products, target, start, scale as f32);
        Tensor::from(sum).to_kind(Kind::Double)
    }

    fn corrupt(&self, x: &Tensor, key: NoiseKey, tape: &mut Tape) -> Tensor {
        tape.join(&[x], noise::corrupt(&x.detach(), key), |gradient| {
            vec![gradient.shallow_clone()]
        })
    }

    fn adam_step(
        &self,
        step: AdamStep,
        moving: &mut [&mut Moments],
        resting: &mut [Tensor],
    ) -> f64 {
        adam::adam_step(step, moving, resting)
    }
}
