//! Kernels in libtorch's operations, which a GPU runs.

use tch::{Kind, Tensor};

mod adam;
mod attention;
pub mod gauss;
mod graph_errors;
mod noise;
pub mod zinb;
mod zinb_gradients;

use super::{
    AdamStep, Affine, CountTarget, GraphTarget, Heads, Kernels, Moments, NORM_EPSILON, NoiseKey,
    Normalized, OutputLayers, Tape, ZinbGradients,
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

    fn linear(&self, x: &Tensor, layer: Affine<'_>, _: &mut Tape) -> Tensor {
        layer.forward(x)
    }

    fn wide_linear(&self, x: &Tensor, layer: Affine<'_>, _: &mut Tape) -> Tensor {
        layer.forward(x)
    }

    fn relu_norm(&self, x: &Tensor, [scale, shift]: [&Tensor; 2], _: &mut Tape) -> Normalized {
        let mean_of = |x: &Tensor| x.mean_dim([0].as_slice(), true, Kind::Double);
        let x = x.relu().to_kind(Kind::Double);
        let mean = mean_of(&x);
        let centred = &x - &mean;
        let variance = mean_of(&centred.square());
        let normal = centred * (&variance + NORM_EPSILON).rsqrt();
        Normalized {
            output: normal.to_kind(Kind::Float) * scale + shift,
            mean: mean.detach().squeeze_dim(0),
            variance: variance.detach().squeeze_dim(0),
        }
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
