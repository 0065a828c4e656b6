//! Products of matrices that do not wait for each other.

use rayon::prelude::*;
use tch::Tensor;

/// Each left factor times the right one beside it, each product by one thread.
pub(super) fn products<const N: usize>(factors: [(&Tensor, Tensor); N]) -> [Tensor; N] {
    let factors = factors.map(|(left, right)| (left.shallow_clone(), right));
    let products = factors.into_par_iter().with_max_len(1);
    let products: Vec<Tensor> = products.map(|(left, right)| left.matmul(&right)).collect();
    products
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many products as pairs"))
}
