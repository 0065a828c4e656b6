//! The zero-inflated negative binomial loss of a count, with its gradient.
//!
//! For a count y at size factor s the decoder gives three numbers before their activations: p, d, m. With
//! ε = 1e-6, π = sigmoid(p), θ = clamp(softplus(d), 1e-4, 1e3), μ = s·clamp(eᵐ, 1e-5, 1e4) and
//! t = θ + μ + ε (Li et al. 2023, doi:10.1371/journal.pcbi.1011641; Eraslan et al. 2019,
//! doi:10.1038/s41467-018-07931-2):
//!
//! - y = 0: L = −ln(π + (1−π)·(θ/t)^θ + ε)
//! - y > 0: L = lnΓ(θ+ε) − lnΓ(y+θ+ε) + lnΓ(y+1) + θ·ln(t/(θ+ε)) + y·ln(t/(μ+ε)) − ln(1−π+ε)
//!
//! Gradients are those of libtorch's automatic differentiation: a clamped value passes none.

use crate::special::{exp, gamma_difference, ln, ln_1p, one_minus_exp, sigmoid, softplus};

/// ε of every logarithm.
pub const TINY: f32 = 1e-6;

/// Range of the dispersion θ.
pub const DISPERSION: (f32, f32) = (1e-4, 1e3);

/// Range of the mean at size factor 1.
pub const MEAN: (f32, f32) = (1e-5, 1e4);

/// The three numbers of a count before their activations, or the loss's derivatives by them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreActivations {
    /// Logit of the dropout probability π.
    pub pi: f32,
    /// Before the softplus of the dispersion θ.
    pub disp: f32,
    /// Logarithm of the mean at size factor 1.
    pub mean: f32,
}

/// A loss, and its derivatives by the three pre-activations.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    /// L.
    pub value: f32,
    /// ∂L.
    pub gradient: PreActivations,
}

/// The distribution behind the pre-activations, and how it moves with them.
struct Activated {
    pi: f32,
    /// 1 − π, exact also where π rounds to 1.
    absent: f32,
    theta: f32,
    mu: f32,
    dpi: f32,
    dtheta: f32,
    dmu: f32,
}

#[inline(always)]
fn activate(pre_activations: PreActivations, size_factor: f32) -> Activated {
    let odds = exp(-pre_activations.pi);
    let pi = 1.0 / (1.0 + odds);
    let absent = odds * pi;
    let theta = softplus(pre_activations.disp);
    let mean = exp(pre_activations.mean);
    let inside = |x: f32, (low, high): (f32, f32)| if x >= low && x <= high { 1.0 } else { 0.0 };
    Activated {
        pi,
        absent,
        theta: theta.clamp(DISPERSION.0, DISPERSION.1),
        mu: size_factor * mean.clamp(MEAN.0, MEAN.1),
        dpi: pi * absent,
        dtheta: inside(theta, DISPERSION) * sigmoid(pre_activations.disp),
        dmu: inside(mean, MEAN) * size_factor * mean,
    }
}

/// Loss of a count that is 0.
#[inline(always)]
pub fn at_zero(pre_activations: PreActivations, size_factor: f32) -> Loss {
    let a = activate(pre_activations, size_factor);
    let total = a.theta + a.mu + TINY;
    let ratio = a.theta / total;
    // ln(θ/t) through ln_1p, because t rounds to θ where μ is small.
    let ln_ratio = -ln_1p((a.mu + TINY) / a.theta);
    let zero = exp(a.theta * ln_ratio);
    let likelihood = a.pi + a.absent * zero + TINY;
    let outer = a.absent * zero / likelihood;
    Loss {
        value: -ln(likelihood),
        gradient: PreActivations {
            pi: -one_minus_exp(a.theta * ln_ratio) / likelihood * a.dpi,
            disp: -outer * (ln_ratio + (a.mu + TINY) / total) * a.dtheta,
            mean: outer * ratio * a.dmu,
        },
    }
}

/// Loss of a count `y` > 0; `ln_factorial` is lnΓ(y+1).
#[inline(always)]
pub fn at_count(
    pre_activations: PreActivations,
    size_factor: f32,
    y: f32,
    ln_factorial: f32,
) -> Loss {
    let a = activate(pre_activations, size_factor);
    let total = a.theta + a.mu + TINY;
    let gamma = gamma_difference(a.theta + TINY, y + a.theta + TINY);
    let ln_theta = ln_1p(a.mu / (a.theta + TINY));
    let ln_mu = ln_1p(a.theta / (a.mu + TINY));
    let absent = a.absent + TINY;
    let binomial = gamma.ln_gamma + ln_factorial + a.theta * ln_theta + y * ln_mu;
    let by_theta = gamma.digamma + ln_theta + (y + a.theta) / total - a.theta / (a.theta + TINY);
    let by_mu = (y + a.theta) / total - y / (a.mu + TINY);
    Loss {
        value: binomial - ln(absent),
        gradient: PreActivations {
            pi: a.dpi / absent,
            disp: by_theta * a.dtheta,
            mean: by_mu * a.dmu,
        },
    }
}
