//! Softmax over keys that pass by block by block, and its derivative, as vector code.

use pulp::{Simd, WithSimd};

use crate::special::exp;

/// Numbers that vector code works on side by side.
const LANES: usize = 16;

/// The running softmax of a block of queries.
pub(super) struct Softmax {
    /// Largest score of every query so far.
    pub maxima: Vec<f32>,
    /// Sum of every query's weights, over that of its largest score.
    pub sums: Vec<f32>,
}

impl Softmax {
    pub(super) fn new(n_queries: usize) -> Self {
        Self {
            maxima: vec![f32::NEG_INFINITY; n_queries],
            sums: vec![0.0; n_queries],
        }
    }

    /// Turns scores (queries × `n_keys`) into unnormalised weights; what earlier weights are to be multiplied by.
    pub(super) fn take(&mut self, scores: &mut [f32], n_keys: usize) -> Vec<f32> {
        pulp::Arch::new().dispatch(TakeScores {
            softmax: self,
            scores,
            n_keys,
        })
    }
}

/// [`Softmax::take`] as vector code.
struct TakeScores<'a> {
    softmax: &'a mut Softmax,
    scores: &'a mut [f32],
    n_keys: usize,
}

impl WithSimd for TakeScores<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f32> {
        let mut factors = Vec::with_capacity(self.softmax.sums.len());
        for (row, scores) in self.scores.chunks_mut(self.n_keys).enumerate() {
            let before = self.softmax.maxima[row];
            let maximum = largest(scores, before);
            let factor = exp(before - maximum);
            let sum = exponentials(scores, maximum);
            self.softmax.maxima[row] = maximum;
            self.softmax.sums[row] = self.softmax.sums[row] * factor + sum;
            factors.push(factor);
        }
        factors
    }
}

/// Turns scores into softmax weights, and the gradients by the weights into those by the scores times `scale`.
pub(super) struct Soften<'a> {
    pub weights: &'a mut [f32],
    pub errors: &'a mut [f32],
    /// Logarithm of the denominator and share of every row.
    pub rows: &'a [(f32, f32)],
    pub n_keys: usize,
    pub scale: f32,
}

impl WithSimd for Soften<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let blocks = self
            .weights
            .chunks_mut(self.n_keys)
            .zip(self.errors.chunks_mut(self.n_keys));
        for ((weights, errors), &(ln_sum, share)) in blocks.zip(self.rows) {
            for (weight, error) in weights.iter_mut().zip(errors) {
                *weight = exp(*weight - ln_sum);
                *error = *weight * (*error - share) * self.scale;
            }
        }
    }
}

#[inline(always)]
fn largest(row: &[f32], start: f32) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(start, |a, &b| a.max(b))
}

/// Replaces x by exp(x − maximum); their sum.
#[inline(always)]
fn exponentials(row: &mut [f32], maximum: f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - maximum);
            *lane += *x;
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for x in chunks.into_remainder() {
        *x = exp(*x - maximum);
        sum += *x;
    }
    sum
}
