//! Blockwise attention against the plain formula in double precision, value and gradients.

use attentionae_sc::{
    kernels::cpu::attention::Attention,
    seed::{Stream, stream},
};
use proptest::prelude::*;
use rand_distr::{Distribution, Normal};
use tch::{Kind, Tensor};

/// A rows × columns tensor of normal numbers with this deviation.
fn normal(rows: i64, columns: i64, deviation: f32, seed: u64) -> Tensor {
    let rng = &mut stream(seed, Stream::Weights);
    let normal = Normal::new(0.0_f32, deviation).expect("a normal distribution");
    let values: Vec<f32> = (0..rows * columns).map(|_| normal.sample(rng)).collect();
    Tensor::from_slice(&values).view([rows, columns])
}

/// softmax(QKᵀ/√e)·V per head by automatic differentiation, and the gradients of Σ of it times `gradient`.
fn plain(inputs: &[Tensor; 3], n_heads: i64, gradient: &Tensor) -> (Tensor, [Tensor; 3]) {
    let double = inputs
        .each_ref()
        .map(|x| x.to_kind(Kind::Double).set_requires_grad(true));
    let by_head = |x: &Tensor| x.view([x.size()[0], n_heads, -1]).transpose(0, 1);
    let [q, k, v] = double.each_ref().map(by_head);
    let width = q.size()[2] as f64;
    let weights = (q.matmul(&k.transpose(1, 2)) / width.sqrt()).softmax(-1, Kind::Double);
    let gathered = weights.matmul(&v).transpose(0, 1).reshape(double[0].size());
    (&gathered * gradient.to_kind(Kind::Double))
        .sum(Kind::Double)
        .backward();
    (gathered.detach(), double.map(|x| x.grad()))
}

fn relative_error(found: &Tensor, expected: &Tensor) -> f64 {
    let norm = |x: Tensor| x.norm().double_value(&[]);
    norm(found.to_kind(Kind::Double) - expected) / norm(expected.shallow_clone()).max(1e-12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_size_give_the_plain_formula(
        seed in 0..u64::MAX, m in 1..300_i64, n in 1..2300_i64, n_heads in 1..4_i64, width in 1..20_i64,
        deviation in 0.1..4.0_f32,
    ) {
        let wide = n_heads * width;
        let inputs = [
            normal(m, wide, deviation, seed),
            normal(n, wide, deviation, seed ^ 1),
            normal(n, wide, 1.0, seed ^ 2),
        ];
        let gradient = normal(m, wide, 1.0, seed ^ 3);
        let (expected, gradients) = plain(&inputs, n_heads, &gradient);
        let [q, k, v] = &inputs;
        let attention = Attention::new(q, k, v, n_heads as usize);
        let attended = attention.forward();
        prop_assert!(relative_error(&attended.gathered, &expected) < 1e-5);
        for (found, expected) in attention.backward(&attended, &gradient).iter().zip(&gradients) {
            let error = relative_error(found, expected);
            // One key alone: its weight is 1, whatever it is, and its gradient 0.
            let size = expected.norm().double_value(&[]);
            prop_assert!(error < 1e-4 || size < 1e-3, "{error:.1e}");
        }
    }
}

#[test]
fn scores_that_overflow_an_exponential_are_no_problem() {
    let q = Tensor::from_slice(&[200.0_f32, -200.0]).view([2, 1]);
    let k = Tensor::from_slice(&[3.0_f32, 1.0, -2.0]).view([3, 1]);
    let v = Tensor::from_slice(&[10.0_f32, 20.0, 30.0]).view([3, 1]);
    let gathered = Attention::new(&q, &k, &v, 1).forward().gathered;
    assert_eq!(
        Vec::<f32>::try_from(gathered.flatten(0, -1)).expect("two floats"),
        [10.0, 30.0]
    );
}
