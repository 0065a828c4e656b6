//! Adam with a bound on the gradient's norm.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{
    tape::Tape,
    tensor::{values, values_mut},
};
use crate::special::sum;

/// Largest norm of the gradient over all parameters; a longer one is scaled down to it.
const MAX_NORM: f64 = 3.0;

/// Share of the past in the running mean of the gradient.
const BETA_1: f64 = 0.9;

/// Share of the past in the running mean of its square.
const BETA_2: f64 = 0.999;

/// Added to the root of the latter before it is divided by.
const EPSILON: f64 = 1e-8;

/// Entries of a parameter that are one task.
const CHUNK: usize = 1 << 14;

/// Adam (Kingma & Ba 2015, arXiv:1412.6980) with its usual constants.
#[derive(Debug)]
pub struct Adam {
    parameters: Vec<Moments>,
    lr: f64,
    n_steps: i32,
}

/// A parameter, and the running means of its gradient and of the gradient's square.
#[derive(Debug)]
struct Moments {
    parameter: Tensor,
    first: Tensor,
    second: Tensor,
}

impl Adam {
    /// An optimiser of these parameters, contiguous float32 leaves on one device.
    #[must_use]
    pub fn new(parameters: Vec<Tensor>, lr: f64) -> Self {
        let moments = |parameter: Tensor| Moments {
            first: parameter.detach().zeros_like(),
            second: parameter.detach().zeros_like(),
            parameter,
        };
        Self {
            parameters: parameters.into_iter().map(moments).collect(),
            lr,
            n_steps: 0,
        }
    }

    /// Changes the learning rate from the next step on.
    pub fn set_learning_rate(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// One step down the gradient of `loss`, whose pass is on `tape`. Gradients are 0 afterwards.
    pub fn step(&mut self, loss: &Tensor, tape: &mut Tape) {
        tape.backward(loss);
        self.n_steps += 1;
        let unbiased = |beta: f64| 1.0 - beta.powi(self.n_steps);
        let step = Step {
            rate: self.lr / unbiased(BETA_1),
            second_scale: unbiased(BETA_2).sqrt().recip(),
        };
        tch::no_grad(|| {
            let moving = |moments: &&mut Moments| moments.parameter.grad().defined();
            let mut moving: Vec<&mut Moments> = self.parameters.iter_mut().filter(moving).collect();
            match moving.first().map(|moments| moments.parameter.device()) {
                Some(Device::Cpu) => step.on_cpu(&mut moving),
                Some(_) => step.on_gpu(&mut moving),
                None => {}
            }
        });
    }
}

/// What is the same for all parameters of a step.
#[derive(Clone, Copy)]
struct Step {
    /// Learning rate over 1 − β₁ᵗ.
    rate: f64,
    /// 1 / √(1 − β₂ᵗ)
    second_scale: f64,
}

impl Step {
    /// Each parameter in one pass over memory.
    fn on_cpu(self, moving: &mut [&mut Moments]) {
        let squares: f64 = moving
            .iter()
            .map(|moments| squared_norm(values(&moments.parameter.grad())))
            .sum();
        let clip = clipping(squares.sqrt());
        for moments in moving {
            let mut gradient = moments.parameter.grad();
            let parameter = values_mut(&mut moments.parameter).par_chunks_mut(CHUNK);
            let gradient = values_mut(&mut gradient).par_chunks_mut(CHUNK);
            let first = values_mut(&mut moments.first).par_chunks_mut(CHUNK);
            let second = values_mut(&mut moments.second).par_chunks_mut(CHUNK);
            parameter.zip(gradient).zip(first.zip(second)).for_each(
                |((parameter, gradient), (first, second))| {
                    Arch::new().dispatch(Move {
                        parameter,
                        gradient,
                        first,
                        second,
                        clip: clip as f32,
                        step: self,
                    });
                },
            );
        }
    }

    /// The same by libtorch's operations; nothing leaves the device.
    fn on_gpu(self, moving: &mut [&mut Moments]) {
        let squares: Vec<Tensor> = moving
            .iter()
            .map(|moments| moments.parameter.grad().square().sum(Kind::Float))
            .collect();
        let norm = Tensor::stack(&squares, 0).sum(Kind::Float).sqrt();
        let clip = (MAX_NORM / (norm + 1e-6)).clamp_max(1.0);
        for moments in moving {
            let mut gradient = moments.parameter.grad();
            let clipped = &gradient * &clip;
            let _ = moments.first.lerp_(&clipped, 1.0 - BETA_1);
            let _ = moments.second.lerp_(&clipped.square(), 1.0 - BETA_2);
            let scale = moments.second.sqrt() * self.second_scale + EPSILON;
            let _ = moments
                .parameter
                .g_sub_(&(&moments.first / scale * self.rate));
            let _ = gradient.zero_();
        }
    }
}

/// What gradients of this common norm are multiplied by.
fn clipping(norm: f64) -> f64 {
    if norm > MAX_NORM {
        MAX_NORM / (norm + 1e-6)
    } else {
        1.0
    }
}

/// Σ g², chunk by chunk, so that threads do not change the order of the sum.
fn squared_norm(gradient: &[f32]) -> f64 {
    let chunks: Vec<f64> = gradient
        .par_chunks(CHUNK)
        .map_init(Vec::new, |squares: &mut Vec<f32>, chunk| {
            squares.clear();
            squares.extend(chunk.iter().map(|g| g * g));
            sum(squares)
        })
        .collect();
    chunks.iter().sum()
}

/// Moves a run of a parameter's entries, and clears their gradients, as vector code.
struct Move<'a> {
    parameter: &'a mut [f32],
    gradient: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    clip: f32,
    step: Step,
}

impl WithSimd for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (new_1, new_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        let (rate, second_scale) = (self.step.rate as f32, self.step.second_scale as f32);
        let moments = self.first.iter_mut().zip(self.second);
        let entries = self.parameter.iter_mut().zip(self.gradient);
        for ((parameter, gradient), (first, second)) in entries.zip(moments) {
            let g = *gradient * self.clip;
            *first += new_1 * (g - *first);
            *second += new_2 * (g * g - *second);
            *parameter -= rate * *first / (second.sqrt() * second_scale + EPSILON as f32);
            *gradient = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gradient_is_clipped_to_norm_three() {
        assert!((clipping(50.0) - 0.06).abs() < 1e-8);
        assert!((clipping(2.0) - 1.0).abs() < f64::EPSILON);
        let gradient: Vec<f32> = (0..40_000).map(|i| (i % 7) as f32).collect();
        let expected: f32 = gradient.iter().map(|g| g * g).sum();
        assert!((squared_norm(&gradient) / f64::from(expected) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn steps_are_libtorchs() {
        let start: Vec<f32> = (0..20_000).map(|i| (i as f32).sin()).collect();
        let loss = |x: &Tensor| (x.sin() * x.square()).sum(Kind::Float) * 0.01;
        let ours = Tensor::from_slice(&start).set_requires_grad(true);
        let theirs = Tensor::from_slice(&start).set_requires_grad(true);
        let mut adam = Adam::new(vec![ours.shallow_clone()], 0.1);
        let mut libtorchs = tch::COptimizer::adam(0.1, BETA_1, BETA_2, 0.0, EPSILON, false)
            .expect("libtorch's Adam");
        libtorchs.add_parameters(&theirs, 0).expect("a parameter");
        for _ in 0..5 {
            adam.step(&loss(&ours), &mut Tape::default());
            libtorchs.zero_grad().expect("no gradient");
            loss(&theirs).backward();
            tch::no_grad(|| {
                let norm = theirs.grad().norm().double_value(&[]);
                let _ = theirs.grad().g_mul_scalar_(clipping(norm));
            });
            libtorchs.step().expect("a step");
        }
        assert!(ours.detach().allclose(&theirs.detach(), 1e-5, 1e-6, false));
    }

    #[test]
    fn libtorchs_operations_take_the_same_step() {
        let start = Tensor::linspace(-2.0, 2.0, 100, tch::kind::FLOAT_CPU);
        let step = Step {
            rate: 0.1,
            second_scale: 1.5,
        };
        let moved = |by: fn(Step, &mut [&mut Moments])| {
            let parameter = start.copy().set_requires_grad(true);
            (parameter.square() * 3.0).sum(Kind::Float).backward();
            let zeros = parameter.detach().zeros_like();
            let mut moments = Moments {
                parameter,
                first: zeros.copy(),
                second: zeros,
            };
            tch::no_grad(|| by(step, &mut [&mut moments]));
            moments.parameter.detach()
        };
        assert!(moved(Step::on_cpu).allclose(&moved(Step::on_gpu), 1e-5, 1e-6, false));
    }
}
