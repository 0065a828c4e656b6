//! A step of Adam by libtorch's operations. Nothing leaves the device but the norm, last.

use tch::{Kind, Tensor};

use crate::kernels::adam::{AdamStep, BETA_1, BETA_2, EPSILON, MAX_NORM, Moments};

/// Moves the parameters, and clips their gradients and the resting ones; the norm.
pub(super) fn adam_step(
    step: AdamStep,
    moving: &mut [&mut Moments],
    resting: &mut [Tensor],
) -> f64 {
    let squares: Vec<Tensor> = counted(moving, resting)
        .map(|gradient| gradient.square().sum(Kind::Float))
        .collect();
    if squares.is_empty() {
        move_along(step, moving);
        return 0.0;
    }
    let norm = Tensor::stack(&squares, 0).sum(Kind::Float).sqrt();
    let clip = (MAX_NORM / (&norm + 1e-6)).clamp_max(1.0);
    for mut gradient in counted(moving, resting) {
        let _ = gradient.g_mul_(&clip);
    }
    move_along(step, moving);
    norm.double_value(&[])
}

/// Moves parameters along gradients that are clipped already.
fn move_along(step: AdamStep, moving: &mut [&mut Moments]) {
    for moments in moving {
        let gradient = moments.parameter.grad();
        let _ = moments.first.lerp_(&gradient, 1.0 - BETA_1);
        let _ = moments.second.lerp_(&gradient.square(), 1.0 - BETA_2);
        let scale = moments.second.sqrt() * step.second_scale + EPSILON;
        let _ = moments
            .parameter
            .g_sub_(&(&moments.first / scale * step.rate));
    }
}

/// Gradients of which the norm is taken.
fn counted<'a>(moving: &'a [&mut Moments], resting: &'a [Tensor]) -> impl Iterator<Item = Tensor> {
    let clipped = moving.iter().filter(|moments| moments.clipped);
    clipped
        .map(|moments| moments.parameter.grad())
        .chain(resting.iter().map(Tensor::shallow_clone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Kernels, cpu::Cpu, gpu::Gpu};

    /// 3·x² at 100 places for each of three parameters, of which the second moves unclipped and the third rests.
    fn three() -> [Tensor; 3] {
        let start = Tensor::linspace(-2.0, 2.0, 100, tch::kind::FLOAT_CPU);
        let parameters = [(); 3].map(|()| start.copy().set_requires_grad(true));
        for parameter in &parameters {
            (parameter.square() * 3.0).sum(Kind::Float).backward();
        }
        parameters
    }

    #[test]
    fn libtorchs_operations_take_the_same_step() {
        let step = AdamStep {
            rate: 0.1,
            second_scale: 1.5,
        };
        let moved = |kernels: &dyn Kernels| {
            let [clipped, unclipped, resting] = three();
            let mut moving = [
                Moments::new(clipped.shallow_clone(), true),
                Moments::new(unclipped.shallow_clone(), false),
            ];
            let norm = tch::no_grad(|| {
                let mut moving: Vec<_> = moving.iter_mut().collect();
                kernels.adam_step(step, &mut moving, &mut [resting.grad()])
            });
            let all = [clipped, unclipped, resting];
            let gradients = all.each_ref().map(Tensor::grad);
            let all: Vec<Tensor> = all.iter().map(Tensor::detach).chain(gradients).collect();
            (Tensor::stack(&all, 0), norm)
        };
        let ((found, norm), (expected, same)) = (moved(&Gpu), moved(&Cpu));
        assert!(found.allclose(&expected, 1e-5, 1e-6, false));
        assert!((norm / same - 1.0).abs() < 1e-6);
    }
}
