//! The fused ZINB and graph losses against plain formulations in double precision, value and gradients.

use std::borrow::Cow;

use attentionae_sc::{
    counts::Csr,
    graph::Adjacency,
    kernels::{
        CountTarget, GraphTarget, OutputLayers, Tape, gpu::zinb as zinb_plain, tensor::values_mut,
    },
    model::{decoder::Decoder, graph_loss::graph_loss, reconstruction::zinb_loss},
    seed::{Stream, stream},
};
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use rand::Rng;
use rand_distr::{Distribution, LogNormal, Normal, Poisson};
use tch::{Device, Kind, Tensor};

const TINY: f64 = 1e-6;

/// A random decoder and counts for it.
struct Case {
    hidden: Tensor,
    decoder: Decoder,
    counts: Array2<f32>,
    size_factors: Vec<f32>,
}

/// `spread` is the standard deviation of the layers' outputs: at 6, clamps are met.
fn case(seed: u64, n_cells: usize, n_genes: usize, spread: f32) -> Case {
    let rng = &mut stream(seed, Stream::Weights);
    let mut decoder = Decoder::new(n_genes, 16, rng);
    for layer in [
        &mut decoder.calcu_pi,
        &mut decoder.calcu_disp,
        &mut decoder.calcu_mean,
    ] {
        let _ = layer.weight.g_mul_scalar_(f64::from(spread) * 1.7);
        layer.weight = layer.weight.set_requires_grad(true);
        layer.bias = layer.bias.take().map(|bias| bias.set_requires_grad(true));
    }
    let normal = Normal::new(0.0_f32, 1.0).expect("a normal distribution");
    let hidden: Vec<f32> = (0..n_cells * 256).map(|_| normal.sample(rng)).collect();
    let counts = Array2::from_shape_fn((n_cells, n_genes), |_| {
        let rate: f32 = LogNormal::new(-1.0, 2.0)
            .expect("a distribution")
            .sample(rng);
        Poisson::new(f64::from(rate)).map_or(0.0, |poisson| poisson.sample(rng) as f32)
    });
    Case {
        hidden: Tensor::from_slice(&hidden)
            .view([n_cells as i64, 256])
            .set_requires_grad(true),
        decoder,
        counts,
        size_factors: (0..n_cells).map(|_| rng.random_range(0.2..4.0)).collect(),
    }
}

impl Case {
    fn target(&self) -> CountTarget {
        let mut triplets = sprs::TriMatI::<f32, u32>::new(self.counts.dim());
        for ((i, j), &count) in self
            .counts
            .indexed_iter()
            .filter(|(_, count)| **count != 0.0)
        {
            triplets.add_triplet(i, j, count);
        }
        let counts: Csr = triplets.to_csr();
        CountTarget::new(counts, Array1::from(self.size_factors.clone()))
    }

    /// The fused loss; its gradients are added to the inputs'.
    fn fused(&self, weights: OutputLayers) -> f64 {
        let mut tape = Tape::default();
        let loss = zinb_loss(
            &self.hidden,
            &self.decoder,
            &self.target(),
            weights,
            &mut tape,
        );
        tape.backward(&loss.surrogate);
        loss.value
    }

    fn inputs(&self) -> Vec<&Tensor> {
        let Decoder {
            calcu_pi,
            calcu_disp,
            calcu_mean,
            ..
        } = &self.decoder;
        let layers = [calcu_pi, calcu_disp, calcu_mean];
        let weights = layers
            .iter()
            .flat_map(|layer| [Some(&layer.weight), layer.bias.as_ref()]);
        std::iter::once(&self.hidden)
            .chain(weights.flatten())
            .collect()
    }

    /// The published formula by automatic differentiation in double precision: loss and gradients.
    fn plain(&self) -> (f64, Vec<Tensor>) {
        let double: Vec<Tensor> = self
            .inputs()
            .iter()
            .map(|t| t.detach().to_kind(Kind::Double).set_requires_grad(true))
            .collect();
        let linear = |k: usize| double[0].linear(&double[1 + 2 * k], Some(&double[2 + 2 * k]));
        let y = dense(&self.counts).to_kind(Kind::Double);
        let s = Tensor::from_slice(&self.size_factors)
            .to_kind(Kind::Double)
            .view([-1, 1]);
        let pi = linear(0).sigmoid();
        let theta = linear(1).softplus().clamp(1e-4, 1e3);
        let mu: Tensor = linear(2).exp().clamp(1e-5, 1e4) * s;
        let total: Tensor = &theta + &mu + TINY;
        let nb: Tensor = (&theta + TINY).lgamma() + (&y + 1.0).lgamma()
            - (&y + &theta + TINY).lgamma()
            + (&y + &theta) * total.log()
            - &theta * (&theta + TINY).log()
            - &y * (&mu + TINY).log();
        let zero = (&theta / &total).pow(&theta);
        let absent: Tensor = 1.0 - &pi;
        let at_zero: Tensor = -(&pi + &absent * zero + TINY).log();
        let elsewhere = nb - (absent + TINY).log();
        let loss = at_zero
            .where_self(&y.eq(0.0), &elsewhere)
            .mean(Kind::Double);
        loss.backward();
        (
            loss.double_value(&[]),
            double.iter().map(Tensor::grad).collect(),
        )
    }
}

fn dense(matrix: &Array2<f32>) -> Tensor {
    let values: Vec<f32> = matrix.iter().copied().collect();
    Tensor::from_slice(&values).view([matrix.nrows() as i64, matrix.ncols() as i64])
}

fn relative_error(found: &Tensor, expected: &Tensor) -> f64 {
    let norm = |t: Tensor| t.to_kind(Kind::Double).norm().double_value(&[]);
    norm(found.to_kind(Kind::Double) - expected) / norm(expected.shallow_clone()).max(1e-12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fused_zinb_equals_the_plain_formula(
        seed in 0..u64::MAX, n_cells in 1..300_usize, n_genes in 1..40_usize, spread in 0.1..6.0_f32,
    ) {
        let case = case(seed, n_cells, n_genes, spread);
        let (value, gradients) = case.plain();
        let fused = case.fused(OutputLayers::Trained);
        prop_assert!((fused / value - 1.0).abs() < 1e-3, "{} {value}", fused);
        for (k, (input, expected)) in case.inputs().iter().zip(&gradients).enumerate() {
            let error = relative_error(&input.grad(), expected);
            prop_assert!(error < 1e-3, "gradient {k}: {error:.1e}");
        }
    }

    #[test]
    fn frozen_heads_change_neither_the_loss_nor_the_gradient_behind_them(seed in 0..u64::MAX) {
        let case = case(seed, 20, 10, 1.0);
        let trained = case.fused(OutputLayers::Trained);
        let expected = case.hidden.grad().copy();
        let _ = case.hidden.grad().zero_();
        let frozen = case.fused(OutputLayers::Frozen);
        prop_assert_eq!(frozen.to_bits(), trained.to_bits());
        prop_assert!(case.hidden.grad().allclose(&expected, 1e-6, 1e-9, false));
    }

    #[test]
    fn libtorch_operations_equal_the_plain_formula(seed in 0..u64::MAX, spread in 0.1..6.0_f32) {
        let case = case(seed, 30, 20, spread);
        let layers = [&case.decoder.calcu_pi, &case.decoder.calcu_disp, &case.decoder.calcu_mean];
        let mut outputs = tch::no_grad(|| layers.map(|layer| layer.forward(&case.hidden)));
        let size_factors = Tensor::from_slice(&case.size_factors).view([-1, 1]);
        let counts = dense(&case.counts);
        let scale = 1.0 / 600.0;
        let sum = tch::no_grad(|| zinb_plain::replace_by_gradients(&mut outputs, &counts, &size_factors, scale));
        let sum = sum.double_value(&[]);
        let (value, gradients) = case.plain();
        prop_assert!((sum * scale / value - 1.0).abs() < 1e-5);
        for (k, output) in outputs.iter().enumerate() {
            let by_bias = output.sum_dim_intlist([0].as_slice(), false, Kind::Double);
            let error = relative_error(&by_bias, &gradients[2 + 2 * k]);
            prop_assert!(error < 1e-3, "layer {k}: {error:.1e}");
        }
    }

    #[test]
    fn blockwise_graph_loss_equals_the_plain_formula(
        seed in 0..u64::MAX, n in 2..400_usize, sparse in proptest::bool::ANY,
    ) {
        let rng = &mut stream(seed, Stream::Sample);
        let mut g2 = Tensor::empty([n as i64, 5], (Kind::Float, Device::Cpu));
        for x in values_mut(&mut g2) {
            *x = rng.random_range(-1.0..1.0);
        }
        let g2 = g2.set_requires_grad(true);
        let wanted = Array2::from_shape_fn((n, n), |_| {
            if rng.random_bool(0.3) { rng.random_range(0.0..1.5) } else { 0.0_f32 }
        });
        let target = if sparse {
            Adjacency::Sparse(sprs::CsMatI::csr_from_dense(wanted.view(), 0.0))
        } else {
            Adjacency::Dense(wanted.clone())
        };
        let found = graph_loss(&g2, &GraphTarget::Stored(Cow::Owned(target)));
        found.surrogate.backward();
        let double = g2.detach().to_kind(Kind::Double).set_requires_grad(true);
        let error = double.matmul(&double.tr()).sigmoid() - dense(&wanted);
        let plain = error.square().mean(Kind::Double);
        plain.backward();
        prop_assert!((found.value / plain.double_value(&[]) - 1.0).abs() < 1e-5);
        let error = relative_error(&g2.grad(), &double.grad());
        prop_assert!(error < 1e-3, "{error:.1e}");
    }
}
