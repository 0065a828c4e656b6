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
    moving: Vec<Moments>,
    resting: Vec<Tensor>,
    lr: f64,
    n_steps: i32,
}

/// A parameter, and the running means of its gradient and of the gradient's square.
#[derive(Debug)]
struct Moments {
    parameter: Tensor,
    first: Tensor,
    second: Tensor,
    /// Whether its gradient counts in the norm and is scaled down with it.
    clipped: bool,
}

impl Moments {
    fn new(parameter: Tensor, clipped: bool) -> Self {
        Self {
            first: parameter.detach().zeros_like(),
            second: parameter.detach().zeros_like(),
            parameter,
            clipped,
        }
    }
}

impl Adam {
    /// An optimiser of these parameters, contiguous float32 leaves on one device.
    #[must_use]
    pub fn new(parameters: Vec<Tensor>, lr: f64) -> Self {
        Self {
            moving: parameters
                .into_iter()
                .map(|p| Moments::new(p, true))
                .collect(),
            resting: Vec::new(),
            lr,
            n_steps: 0,
        }
    }

    /// Moves these too, along their gradients as they are: they neither count in the norm nor are scaled down.
    #[must_use]
    pub fn with_unclipped(mut self, parameters: Vec<Tensor>) -> Self {
        let unclipped = parameters.into_iter().map(|p| Moments::new(p, false));
        self.moving.extend(unclipped);
        self
    }

    /// Counts the gradients of these in the norm and scales them down with it, but neither moves nor clears them: they
    /// add up from step to step.
    #[must_use]
    pub fn with_resting(mut self, parameters: Vec<Tensor>) -> Self {
        self.resting.extend(parameters);
        self
    }

    /// Changes the learning rate from the next step on.
    pub fn set_learning_rate(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// One step down the gradient of `loss`, whose pass is on `tape`; the gradient's norm before it was clipped.
    ///
    /// As in PyTorch, clipped gradients stay behind: those of the moved parameters until the next step begins.
    pub fn step(&mut self, loss: &Tensor, tape: &mut Tape) -> f64 {
        for moments in &mut self.moving {
            moments.parameter.zero_grad();
        }
        tape.backward(loss);
        self.n_steps += 1;
        let unbiased = |beta: f64| 1.0 - beta.powi(self.n_steps);
        let step = Step {
            rate: self.lr / unbiased(BETA_1),
            second_scale: unbiased(BETA_2).sqrt().recip(),
        };
        let moving = |moments: &&mut Moments| moments.parameter.grad().defined();
        let mut moving: Vec<&mut Moments> = self.moving.iter_mut().filter(moving).collect();
        let resting = self.resting.iter().map(Tensor::grad);
        let mut resting: Vec<Tensor> = resting.filter(Tensor::defined).collect();
        let device = moving.first().map(|moments| moments.parameter.device());
        tch::no_grad(|| match device {
            Some(Device::Cpu) => step.on_cpu(&mut moving, &mut resting),
            Some(_) => step.on_gpu(&mut moving, &mut resting),
            None => 0.0,
        })
    }
}

/// Gradients of which the norm is taken.
fn counted<'a>(moving: &'a [&mut Moments], resting: &'a [Tensor]) -> impl Iterator<Item = Tensor> {
    let clipped = moving.iter().filter(|moments| moments.clipped);
    clipped
        .map(|moments| moments.parameter.grad())
        .chain(resting.iter().map(Tensor::shallow_clone))
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
    /// Each parameter in one pass over memory; the norm.
    fn on_cpu(self, moving: &mut [&mut Moments], resting: &mut [Tensor]) -> f64 {
        let squares = counted(moving, resting).map(|gradient| squared_norm(values(&gradient)));
        let norm = squares.sum::<f64>().sqrt();
        let clip = clipping(norm);
        for moments in moving {
            let clip = if moments.clipped { clip } else { 1.0 };
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
        if clip < 1.0 {
            for gradient in resting {
                let _ = gradient.g_mul_scalar_(clip);
            }
        }
        norm
    }

    /// The same by libtorch's operations; nothing leaves the device but the norm, last.
    fn on_gpu(self, moving: &mut [&mut Moments], resting: &mut [Tensor]) -> f64 {
        let squares: Vec<Tensor> = counted(moving, resting)
            .map(|gradient| gradient.square().sum(Kind::Float))
            .collect();
        if squares.is_empty() {
            self.move_on_gpu(moving);
            return 0.0;
        }
        let norm = Tensor::stack(&squares, 0).sum(Kind::Float).sqrt();
        let clip = (MAX_NORM / (&norm + 1e-6)).clamp_max(1.0);
        for mut gradient in counted(moving, resting) {
            let _ = gradient.g_mul_(&clip);
        }
        self.move_on_gpu(moving);
        norm.double_value(&[])
    }

    /// Moves parameters along gradients that are clipped already.
    fn move_on_gpu(self, moving: &mut [&mut Moments]) {
        for moments in moving {
            let gradient = moments.parameter.grad();
            let _ = moments.first.lerp_(&gradient, 1.0 - BETA_1);
            let _ = moments.second.lerp_(&gradient.square(), 1.0 - BETA_2);
            let scale = moments.second.sqrt() * self.second_scale + EPSILON;
            let _ = moments
                .parameter
                .g_sub_(&(&moments.first / scale * self.rate));
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

/// Moves a run of a parameter's entries, and clips their gradients, as vector code.
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
            *gradient = g;
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
        let step = Step {
            rate: 0.1,
            second_scale: 1.5,
        };
        let moved = |by: fn(Step, &mut [&mut Moments], &mut [Tensor]) -> f64| {
            let [clipped, unclipped, resting] = three();
            let mut moving = [
                Moments::new(clipped.shallow_clone(), true),
                Moments::new(unclipped.shallow_clone(), false),
            ];
            let norm = tch::no_grad(|| {
                let mut moving: Vec<_> = moving.iter_mut().collect();
                by(step, &mut moving, &mut [resting.grad()])
            });
            let all = [clipped, unclipped, resting];
            let gradients = all.each_ref().map(Tensor::grad);
            let all: Vec<Tensor> = all.iter().map(Tensor::detach).chain(gradients).collect();
            (Tensor::stack(&all, 0), norm)
        };
        let ((found, norm), (expected, same)) = (moved(Step::on_gpu), moved(Step::on_cpu));
        assert!(found.allclose(&expected, 1e-5, 1e-6, false));
        assert!((norm / same - 1.0).abs() < 1e-6);
    }

    #[test]
    fn gradients_of_resting_parameters_add_up_and_are_clipped_with_the_others() {
        let [moving, unclipped, resting] =
            [1.0_f32, 1.0, 4.0].map(|start| Tensor::from_slice(&[start]).set_requires_grad(true));
        let mut adam = Adam::new(vec![moving.shallow_clone()], 0.0)
            .with_unclipped(vec![unclipped.shallow_clone()])
            .with_resting(vec![resting.shallow_clone()]);
        let loss = || (&moving * 3.0 + &unclipped * 7.0 + &resting * 4.0).sum(Kind::Float);
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-5;
        let gradient = |x: &Tensor| x.grad().double_value(&[0]);
        // √(3² + 4²) = 5, scaled down to 3.
        assert!(near(adam.step(&loss(), &mut Tape::default()), 5.0));
        assert!(near(gradient(&moving), 1.8) && near(gradient(&resting), 2.4));
        assert!(near(gradient(&unclipped), 7.0));
        // The moving one starts anew, the resting one goes on: √(3² + 6.4²).
        let norm = adam.step(&loss(), &mut Tape::default());
        assert!(near(norm, (9.0_f64 + 6.4 * 6.4).sqrt()));
        assert!(near(gradient(&unclipped), 7.0) && near(resting.double_value(&[0]), 4.0));
    }
}
