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
    let activated = Activated::of(outputs, size_factors);
    let at_zero = activated.at_zero();
    let at_count = activated.at_count(counts);
    let is_zero = counts.eq(0.0);
    let [value, by_pi, by_theta, by_mu] =
        std::array::from_fn(|k| at_zero[k].where_self(&is_zero, &at_count[k]));
    let gradients = [
        by_pi * activated.dpi,
        by_theta * activated.dtheta,
        by_mu * activated.dmu,
    ];
    for (output, gradient) in outputs.iter_mut().zip(gradients) {
        output.copy_(&(gradient * scale));
    }
    value.sum(Kind::Double)
}

/// The distributions behind the pre-activations, and how they move with them: each cells × genes.
struct Activated {
    pi: Tensor,
    /// 1 − π, exact also where π rounds to 1.
    absent: Tensor,
    theta: Tensor,
    mu: Tensor,
    dpi: Tensor,
    dtheta: Tensor,
    dmu: Tensor,
    /// θ + μ + ε.
    total: Tensor,
}

impl Activated {
    fn of([pi, disp, mean]: &[Tensor; 3], size_factors: &Tensor) -> Self {
        let (absent, pi) = ((-pi).sigmoid(), pi.sigmoid());
        let (free_theta, free_mean) = (disp.softplus(), mean.exp());
        let theta = clamp(&free_theta, DISPERSION);
        let mu = clamp(&free_mean, MEAN) * size_factors;
        Self {
            dpi: &pi * &absent,
            dtheta: inside(&free_theta, DISPERSION) * disp.sigmoid(),
            dmu: inside(&free_mean, MEAN) * size_factors * &free_mean,
            total: &theta + &mu + f64::from(TINY),
            pi,
            absent,
            theta,
            mu,
        }
    }

    /// Losses of counts that are 0, and their derivatives by π, θ and μ.
    fn at_zero(&self) -> [Tensor; 4] {
        let near_mu = &self.mu + f64::from(TINY);
        let ln_ratio = -(&near_mu / &self.theta).log1p();
        let ln_zero = &self.theta * &ln_ratio;
        let weighted_zero = &self.absent * &ln_zero.exp();
        let likelihood = &self.pi + &weighted_zero + f64::from(TINY);
        let outer = weighted_zero / &likelihood;
        [
            -likelihood.log(),
            ln_zero.expm1() / &likelihood,
            -(&outer * (&ln_ratio + near_mu / &self.total)),
            &outer * &self.theta / &self.total,
        ]
    }

    /// Losses of counts `y` above 0, and their derivatives by π, θ and μ.
    fn at_count(&self, y: &Tensor) -> [Tensor; 4] {
        let tiny = f64::from(TINY);
        let (a, b) = (&self.theta + tiny, y + &self.theta + tiny);
        let near_mu = &self.mu + tiny;
        let ln_theta = (&self.mu / &a).log1p();
        let absent = &self.absent + tiny;
        let binomial = a.lgamma() - b.lgamma()
            + (y + 1.0).lgamma()
            + &self.theta * &ln_theta
            + y * (&self.theta / &near_mu).log1p();
        let pull = (y + &self.theta) / &self.total;
        [
            binomial - absent.log(),
            absent.reciprocal(),
            a.digamma() - b.digamma() + &ln_theta + &pull - &self.theta / &a,
            &pull - y / &near_mu,
        ]
    }
}

/// 1 where a value is in the range, which lets its gradient pass, else 0.
fn inside(x: &Tensor, range: (f32, f32)) -> Tensor {
    x.ge(f64::from(range.0))
        .logical_and(&x.le(f64::from(range.1)))
        .to_kind(Kind::Float)
}

fn clamp(x: &Tensor, range: (f32, f32)) -> Tensor {
    x.clamp(f64::from(range.0), f64::from(range.1))
}
