//! What several integration tests and benchmarks share.

#![allow(
    dead_code,
    reason = "each test compiles this module for itself and uses a part of it"
)]

pub mod beside;
pub mod golden;
pub mod others;
pub mod process;
pub mod short;
pub mod simulate;
pub mod skip;
pub mod terminal;

use attentionae_sc::counts::Csr;
use ndarray::Array2;

/// A sparse matrix with its zeros.
pub fn dense(x: &Csr) -> Array2<f32> {
    let mut dense = Array2::zeros(x.shape());
    for (&value, (row, column)) in x {
        dense[[row as usize, column as usize]] = value;
    }
    dense
}
