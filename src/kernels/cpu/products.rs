//! Products of matrices that do not wait for each other.

use tch::Tensor;

use super::at_once::at_once;
use crate::threads::hand_on;

/// Each left factor times the right one beside it: at once, each product by one thread, where libtorch is kept to one thread, and else
/// in turn, each by all threads of libtorch.
pub(super) fn products<const N: usize>(factors: [(&Tensor, Tensor); N]) -> [Tensor; N] {
    if tch::get_num_threads() > 1 {
        return factors.map(|(left, right)| left.matmul(&right));
    }
    let factors = factors.map(|(left, right)| (left.shallow_clone(), right));
    let keep_alone = hand_on();
    at_once(factors, |(left, right)| {
        keep_alone();
        left.matmul(&right)
    })
}
