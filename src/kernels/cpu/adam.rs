//! A step of Adam on the CPU, each parameter in one pass over memory.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use tch::Tensor;

use crate::{
    kernels::{
        adam::{AdamStep, BETA_1, BETA_2, EPSILON, MAX_NORM, Moments},
        tensor::{values, values_mut},
    },
    special::sum,
};

/// Entries of a parameter that are one task.
const CHUNK: usize = 1 << 14;

/// Moves the parameters, and clips their gradients and the resting ones; the norm.
pub(super) fn adam_step(
    step: AdamStep,
    moving: &mut [&mut Moments],
    resting: &mut [Tensor],
) -> f64 {
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
                step,
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

impl AdamStep {
    /// Moves one entry along its gradient `g`.
    #[inline(always)]
    fn take(self, g: f32, parameter: &mut f32, first: &mut f32, second: &mut f32) {
        let (new_1, new_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        *first += new_1 * (g - *first);
        *second += new_2 * (g * g - *second);
        let scale = second.sqrt() * self.second_scale as f32 + EPSILON as f32;
        *parameter -= self.rate as f32 * *first / scale;
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
    step: AdamStep,
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
}
