//! Products of matrices that do not wait for each other.

use rayon::prelude::*;
use tch::Tensor;

use crate::threads::hand_on;

/// Each left factor times the right one beside it: at once, each product by one thread, where libtorch is kept to one thread, and else
/// in turn, each by all threads of libtorch.
pub(super) fn products<const N: usize>(factors: [(&Tensor, Tensor); N]) -> [Tensor; N] {
    if tch::get_num_threads() > 1 {
        return factors.map(|(left, right)| left.matmul(&right));
    }
    let factors = factors.map(|(left, right)| (left.shallow_clone(), right));
    let products = factors.into_par_iter().with_max_len(1);
    let keep_alone = hand_on();
    let products: Vec<Tensor> = products
        .map(|(left, right)| {
            keep_alone();
            left.matmul(&right)
        })
        .collect();
    products
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many products as pairs"))
}
