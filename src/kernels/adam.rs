//! What a step of Adam reads and writes.

use std::ops::Range;

use tch::{Device, Tensor};

use super::{Tape, tensor::values_mut};

/// Largest norm of the gradient over all parameters; a longer one is scaled down to it.
pub const MAX_NORM: f64 = 3.0;

/// Share of the past in the running mean of the gradient.
pub const BETA_1: f64 = 0.9;

/// Share of the past in the running mean of its square.
pub const BETA_2: f64 = 0.999;

/// Added to the root of the latter before it is divided by.
pub const EPSILON: f64 = 1e-8;

/// A parameter, and the running means of its gradient and of the gradient's square.
#[derive(Debug)]
pub struct Moments {
    pub(super) parameter: Tensor,
    pub(super) first: Tensor,
    pub(super) second: Tensor,
    /// Ascending runs of its entries outside which the gradient is 0.
    pub(super) touched: Vec<Range<usize>>,
    /// Whether its gradient counts in the norm and is scaled down with it.
    pub(super) clipped: bool,
}

impl Moments {
    /// A parameter that was not moved yet, a contiguous float32 leaf.
    #[must_use]
    pub fn new(parameter: Tensor, clipped: bool) -> Self {
        Self {
            first: parameter.detach().zeros_like(),
            second: parameter.detach().zeros_like(),
            touched: everything(&parameter),
            parameter,
            clipped,
        }
    }

    /// Whether the last pass came by the parameter.
    #[must_use]
    pub fn has_gradient(&self) -> bool {
        self.parameter.grad().defined()
    }

    /// Where the parameter lies.
    #[must_use]
    pub fn device(&self) -> Device {
        self.parameter.device()
    }

    /// Clears what the last step left in the gradient, and notes what the pass on `tape` will put there.
    pub fn begin(&mut self, tape: &Tape) {
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

/// What is the same for all parameters of a step.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    /// Learning rate over 1 − β₁ᵗ.
    pub(super) rate: f64,
    /// 1 / √(1 − β₂ᵗ)
    pub(super) second_scale: f64,
}

impl AdamStep {
    /// The `n`-th step, counted from 1, at learning rate `lr`.
    #[must_use]
    pub fn new(n: i32, lr: f64) -> Self {
        let unbiased = |beta: f64| 1.0 - beta.powi(n);
        Self {
            rate: lr / unbiased(BETA_1),
            second_scale: unbiased(BETA_2).sqrt().recip(),
        }
    }
}
