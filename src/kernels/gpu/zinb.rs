//! The ZINB losses and gradients of a block of counts in libtorch operations, for devices without our kernel.

use tch::{Kind, Tensor};

use crate::kernels::zinb::{DISPERSION, MEAN, TINY};

/// Sum of the losses of a block, a number on the block's device; `outputs` (π, dispersion, mean before their
/// activations, each cells × genes) become the gradients times `scale`. `counts` are raw; `size_factors` are
/// cells × 1.
///
/// The formulas are those of [`crate::kernels::zinb`]; lnΓ and ψ come from libtorch. All in float32, with the same care for
/// numbers near 0 and 1.
#[must_use]
pub fn replace_by_gradients(
    outputs: &mut [Tensor; 3],
    counts: &Tensor,
    size_factors: &Tensor,
    scale: f64,
) -> Tensor {
    let tiny = f64::from(TINY);
    let [pi, disp, mean] = outputs.each_ref();
    let (y, s) = (counts, size_factors);
    let inside = |x: &Tensor, range: (f32, f32)| {
        x.ge(f64::from(range.0))
            .logical_and(&x.le(f64::from(range.1)))
            .to_kind(Kind::Float)
    };
    let clamp = |x: &Tensor, range: (f32, f32)| x.clamp(f64::from(range.0), f64::from(range.1));

    let (free_theta, free_mean) = (disp.softplus(), mean.exp());
    let (absent, pi, theta) = (
        (-pi).sigmoid(),
        pi.sigmoid(),
        clamp(&free_theta, DISPERSION),
    );
    let mu = clamp(&free_mean, MEAN) * s;
    let dpi = &pi * &absent;
    let dtheta = inside(&free_theta, DISPERSION) * disp.sigmoid();
    let dmu = inside(&free_mean, MEAN) * s * &free_mean;

    let total = &theta + &mu + tiny;
    let ln_ratio = -((&mu + tiny) / &theta).log1p();
    let ln_zero = &theta * &ln_ratio;
    let zero = ln_zero.exp();
    let likelihood: Tensor = &pi + &absent * &zero + tiny;
    let outer = &absent * &zero / &likelihood;
    let at_zero = [
        -likelihood.log(),
        ln_zero.expm1() / &likelihood,
        -(&outer * (&ln_ratio + (&mu + tiny) / &total)),
        &outer * &theta / &total,
    ];

    let (a, b) = (&theta + tiny, y + &theta + tiny);
    let ln_theta = (&mu / &a).log1p();
    let absent = absent + tiny;
    let binomial = a.lgamma() - b.lgamma()
        + (y + 1.0).lgamma()
        + &theta * &ln_theta
        + y * (&theta / (&mu + tiny)).log1p();
    let pull = (y + &theta) / &total;
    let at_count = [
        binomial - absent.log(),
        absent.reciprocal(),
        a.digamma() - b.digamma() + &ln_theta + &pull - &theta / &a,
        &pull - y / (&mu + tiny),
    ];

    let is_zero = y.eq(0.0);
    let [value, by_pi, by_theta, by_mu] =
        std::array::from_fn(|k| at_zero[k].where_self(&is_zero, &at_count[k]));
    for (output, gradient) in outputs
        .iter_mut()
        .zip([by_pi * dpi, by_theta * dtheta, by_mu * dmu])
    {
        output.copy_(&(gradient * scale));
    }
    value.sum(Kind::Double)
}
