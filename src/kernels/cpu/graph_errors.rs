//! The graph loss of a block of rows, and its gradient by the products, on the CPU.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use tch::Tensor;

use crate::{
    kernels::{GraphTarget, tensor::values_mut},
    special::{sigmoid, sum},
};

/// Overwrites a block of products by `scale`·E∘A'∘(1−A') in one pass over memory, one row per task; the block's sum of E²,
/// in the order of rows. `start` is the block's first row.
pub(super) fn graph_errors(
    products: &mut Tensor,
    target: &GraphTarget<'_>,
    start: usize,
    scale: f32,
) -> f64 {
    let n = products.size()[1] as usize;
    let rows = values_mut(products).par_chunks_mut(n);
    let arch = pulp::Arch::new();
    let errors = |row: &mut [f32], wanted: &mut [f32]| {
        let errors = Errors { row, wanted, scale };
        arch.dispatch(errors)
    };
    let sums: Vec<f64> = match target {
        GraphTarget::Stored(stored) => rows
            .enumerate()
            .map_init(Vec::new, |wanted: &mut Vec<f32>, (i, row)| {
                wanted.resize(n, 0.0);
                stored.copy_row(start + i, wanted);
                errors(row, wanted)
            })
            .collect(),
        GraphTarget::Computed(kernel) => {
            let mut wanted = kernel.target(start..start + rows.len());
            let wanted = wanted.as_slice_mut().unwrap_or_default();
            rows.zip(wanted.par_chunks_mut(n))
                .map(|(row, wanted)| errors(row, wanted))
                .collect()
        }
        GraphTarget::OnGpu(_) => unreachable!("compared on the GPU"),
    };
    sums.iter().sum()
}

/// Turns a row of products into gradients, and the wanted values into squared errors, as vector code; the sum of
/// these.
struct Errors<'a> {
    row: &'a mut [f32],
    wanted: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Errors<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        for (product, wanted) in self.row.iter_mut().zip(self.wanted.iter_mut()) {
            let reconstructed = sigmoid(*product);
            let error = reconstructed - *wanted;
            *product = self.scale * error * reconstructed * (1.0 - reconstructed);
            *wanted = error * error;
        }
        sum(self.wanted)
    }
}
