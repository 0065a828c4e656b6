//! Adam with a bound on the gradient's norm.

use std::ops::Range;

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
    /// Ascending runs of its entries outside which the gradient is 0.
    touched: Vec<Range<usize>>,
    /// Whether its gradient counts in the norm and is scaled down with it.
    clipped: bool,
}

impl Moments {
    fn new(parameter: Tensor, clipped: bool) -> Self {
        Self {
            first: parameter.detach().zeros_like(),
            second: parameter.detach().zeros_like(),
            touched: everything(&parameter),
            parameter,
            clipped,
        }
    }

    /// Clears what the last step left in the gradient, and notes what the pass on `tape` will put there.
    fn begin(&mut self, tape: &Tape) {
        let mut gradient = self.parameter.grad();
        let all = everything(&self.parameter);
        if self.touched == all {
            self.parameter.zero_grad();
        } else if gradient.defined() {
            let gradient = values_mut(&mut gradient);
            for run in &self.touched {
                gradient[run.clone()].fill(0.0);
            }
        }
        self.touched = match tape.rows_given(&self.parameter) {
            Some(rows) if rows.device() == Device::Cpu => runs(&self.parameter, rows),
            _ => all,
        };
    }
}

/// All entries of a parameter, as the one run of them.
fn everything(parameter: &Tensor) -> Vec<Range<usize>> {
    std::iter::once(0..parameter.numel()).collect()
}

/// The entries of some rows of a parameter, as ascending runs.
fn runs(parameter: &Tensor, rows: &Tensor) -> Vec<Range<usize>> {
    let mut rows = Vec::<i64>::try_from(rows).unwrap_or_default();
    rows.sort_unstable();
    let width = parameter.numel() / parameter.size()[0].max(1) as usize;
    let mut runs: Vec<Range<usize>> = Vec::with_capacity(rows.len());
    for row in rows {
        let row = row as usize * width..(row as usize + 1) * width;
        match runs.last_mut() {
            Some(last) if last.end == row.start => last.end = row.end,
            _ => runs.push(row),
        }
    }
    runs
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
            moments.begin(tape);
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
        let clipped = moving.iter().filter(|moments| moments.clipped);
        let of_moving = clipped.map(|moments| {
            let gradient = moments.parameter.grad();
            let gradient = values(&gradient);
            let runs = moments.touched.iter();
            runs.map(|run| squared_norm(&gradient[run.clone()])).sum()
        });
        let of_resting = resting
            .iter()
            .map(|gradient| squared_norm(values(gradient)));
        let norm = of_moving.chain(of_resting).sum::<f64>().sqrt();
        let clip = clipping(norm);
        for moments in moving {
            let clip = if moments.clipped { clip } else { 1.0 };
            let mut gradient = moments.parameter.grad();
            let parameter = values_mut(&mut moments.parameter).par_chunks_mut(CHUNK);
            let gradient = values_mut(&mut gradient).par_chunks_mut(CHUNK);
            let first = values_mut(&mut moments.first).par_chunks_mut(CHUNK);
            let second = values_mut(&mut moments.second).par_chunks_mut(CHUNK);
            let touched = &moments.touched;
            let entries = parameter.zip(gradient).zip(first.zip(second)).enumerate();
            entries.for_each(|(chunk, ((parameter, gradient), (first, second)))| {
                Arch::new().dispatch(Move {
                    parameter,
                    gradient,
                    first,
                    second,
                    start: chunk * CHUNK,
                    touched,
                    clip: clip as f32,
                    step: self,
                });
            });
        }
        if clip < 1.0 {
            for gradient in resting {
                let _ = gradient.g_mul_scalar_(clip);
            }
        }
        norm
    }

    /// Moves one entry along its gradient `g`.
    #[inline(always)]
    fn take(self, g: f32, parameter: &mut f32, first: &mut f32, second: &mut f32) {
        let (new_1, new_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        *first += new_1 * (g - *first);
        *second += new_2 * (g * g - *second);
        let scale = second.sqrt() * self.second_scale as f32 + EPSILON as f32;
        *parameter -= self.rate as f32 * *first / scale;
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

/// Moves a chunk of a parameter's entries, and clips their gradients, as vector code. Memory is what this waits for: gradients
/// that are known to be 0 are not read.
struct Move<'a> {
    parameter: &'a mut [f32],
    gradient: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    /// The chunk's first entry in the parameter.
    start: usize,
    /// As in [`Moments`].
    touched: &'a [Range<usize>],
    clip: f32,
    step: Step,
}

impl WithSimd for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let end = self.start + self.parameter.len();
        let first = self.touched.partition_point(|run| run.end <= self.start);
        let mut at = self.start;
        for run in &self.touched[first..] {
            let from = run.start.clamp(at, end);
            let to = run.end.min(end);
            self.without_gradient(at..from);
            self.by_gradient(from..to.max(from));
            at = to.max(from);
            if at == end {
                break;
            }
        }
        self.without_gradient(at..end);
    }
}

impl Move<'_> {
    /// Moves a run of entries of the parameter.
    #[inline(always)]
    fn by_gradient(&mut self, run: Range<usize>) {
        let run = run.start - self.start..run.end - self.start;
        let moments = self.first[run.clone()].iter_mut();
        let moments = moments.zip(&mut self.second[run.clone()]);
        let entries = self.parameter[run.clone()].iter_mut();
        let entries = entries.zip(&mut self.gradient[run]);
        for ((parameter, gradient), (first, second)) in entries.zip(moments) {
            let g = *gradient * self.clip;
            self.step.take(g, parameter, first, second);
            *gradient = g;
        }
    }

    /// The same where their gradient is 0.
    #[inline(always)]
    fn without_gradient(&mut self, run: Range<usize>) {
        let run = run.start - self.start..run.end - self.start;
        let moments = self.first[run.clone()].iter_mut();
        let moments = moments.zip(&mut self.second[run.clone()]);
        for (parameter, (first, second)) in self.parameter[run].iter_mut().zip(moments) {
            self.step.take(0.0, parameter, first, second);
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
    fn gradients_given_by_rows_move_all_rows_as_whole_gradients_do() {
        // Rows of 256 in chunks of 64; runs that end and begin chunks, and one across two.
        let size = [200_i64, 256];
        let start = Tensor::linspace(-2.0, 2.0, 200 * 256, tch::kind::FLOAT_CPU).view(size);
        let [by_rows, whole] = [(); 2].map(|()| start.copy().set_requires_grad(true));
        let adam = |parameter: &Tensor| Adam::new(vec![parameter.shallow_clone()], 0.1);
        let (mut ours, mut theirs) = (adam(&by_rows), adam(&whole));
        for rows in [vec![0_i64, 63, 64, 130], vec![1, 127, 199], vec![64, 63]] {
            let rows = Tensor::from_slice(&rows);
            let gradient = start.index_select(0, &rows).sin();
            let (mut tape, mut other) = (Tape::default(), Tape::default());
            tape.give_rows(&by_rows, &rows, gradient.shallow_clone());
            other.give(&whole, start.zeros_like().index_copy(0, &rows, &gradient));
            let none = |parameter: &Tensor| parameter.sum(Kind::Float) * 0.0;
            let norm = ours.step(&none(&by_rows), &mut tape);
            assert!((theirs.step(&none(&whole), &mut other) / norm - 1.0).abs() < 1e-12);
            assert!(by_rows.grad().allclose(&whole.grad(), 1e-6, 0.0, false));
            assert!(by_rows.allclose(&whole, 1e-6, 1e-6, false));
        }
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
