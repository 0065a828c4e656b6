//! Kernels in libtorch's operations, which a GPU runs.

use tch::Tensor;

mod adam;
mod attention;
pub mod gauss;
mod graph_errors;
mod noise;
pub mod zinb;
mod zinb_gradients;

use super::{
    AdamStep, Affine, CountTarget, GraphTarget, Heads, Kernels, Moments, NoiseKey, OutputLayers,
    Tape, ZinbGradients,
};

/// A GPU's kernels.
#[derive(Debug)]
pub struct Gpu;

impl Kernels for Gpu {
    fn attend(&self, queries: &Tensor, keys: &Tensor, values: &Tensor, n_heads: usize) -> Tensor {
        attention::attend(queries, keys, values, n_heads, &mut Tape::off())
    }

    fn attend_among(
        &self,
        query_from: &Tensor,
        source: &Tensor,
        heads: Heads<'_>,
        dropped: Option<NoiseKey>,
        tape: &mut Tape,
    ) -> Tensor {
        let project = |x: &Tensor, weight| Affine { weight, bias: None }.forward(x);
        let mut queries = project(query_from, heads.queries);
        if let Some(key) = dropped {
            queries = &queries * noise::kept(&queries.size(), key, queries.device());
        }
        let (keys, values) = (project(source, heads.keys), project(source, heads.values));
        attention::attend(&queries, &keys, &values, heads.n_heads, tape)
    }

    fn wide_linear(&self, x: &Tensor, layer: Affine<'_>, _: &mut Tape) -> Tensor {
        layer.forward(x)
    }

    fn zinb_gradients(
        &self,
        hidden: &Tensor,
        layers: [Affine<'_>; 3],
        target: &CountTarget,
        wanted: OutputLayers,
    ) -> ZinbGradients {
        zinb_gradients::zinb_gradients(hidden, layers, target, wanted)
    }

    fn graph_errors(
        &self,
        products: &mut Tensor,
        target: &GraphTarget<'_>,
        start: usize,
        scale: f64,
    ) -> Tensor {
        let GraphTarget::OnGpu(target) = target else {
            unreachable!("`GraphTarget::of` puts the target where its kernels are");
        };
        let start = start as i64;
        let wanted = target.rows(start..start + products.size()[0]);
        graph_errors::graph_errors(products, &wanted, scale)
    }

    fn corrupt(&self, x: &Tensor, key: NoiseKey, tape: &mut Tape) -> Tensor {
        let noisy = tch::no_grad(|| noise::corrupt(x, key));
        tape.join(&[x], noisy, |gradient| vec![gradient.shallow_clone()])
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
