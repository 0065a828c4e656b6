//! The graph loss: how far σ(g2·g2ᵀ) is from the target, by blocks of rows.

use std::{borrow::Cow, ops::Range, sync::Arc};

use ndarray::Array2;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::{
    loss::LossTerm,
    tensor::{from_array, values_mut},
};
use crate::{
    graph::{Adjacency, CellGraph, GaussKernel, Pairs},
    special::{sigmoid, sum},
};

/// Rows of A' that exist at a time.
const BLOCK: usize = 256;

/// The distances R, n × n, that the model learns to reproduce.
#[derive(Debug, Clone)]
pub enum GraphTarget<'a> {
    /// The matrix, dense or sparse.
    Stored(Cow<'a, Adjacency>),
    /// Rows are computed whenever they are needed.
    Computed(Arc<GaussKernel>),
}

impl<'a> GraphTarget<'a> {
    /// The distances of a graph.
    #[must_use]
    pub fn of(graph: &'a CellGraph) -> Self {
        match &graph.pairs {
            Pairs::Stored { distances, .. } => Self::Stored(Cow::Borrowed(distances)),
            Pairs::Computed(kernel) => Self::Computed(Arc::clone(kernel)),
        }
    }

    fn dense_rows(&self, rows: Range<usize>) -> Array2<f32> {
        match self {
            Self::Stored(stored) => stored.dense_rows(rows),
            Self::Computed(kernel) => kernel.distances(rows),
        }
    }
}

/// Mean over all n² pairs of (σ(g2·g2ᵀ) − R)², for g2 of shape n × d and the n × n target R.
///
/// With E = A' − R, the gradient by the products S = g2·g2ᵀ is 2E∘A'∘(1−A')/n²; by g2 it is that times g2, plus
/// its transpose times g2, since R need not be symmetric. One block of rows exists at a time.
#[must_use]
pub fn graph_loss(g2: &Tensor, target: &GraphTarget<'_>) -> LossTerm {
    let fixed = g2.detach();
    let n = fixed.size()[0] as usize;
    let mut gradient = fixed.zeros_like();
    let mut sum = 0.0;
    tch::no_grad(|| {
        for start in (0..n).step_by(BLOCK) {
            let length = BLOCK.min(n - start) as i64;
            let rows = fixed.narrow(0, start as i64, length);
            let mut products = rows.matmul(&fixed.tr());
            sum += replace_by_gradients(&mut products, target, start, 2.0 / (n * n) as f32);
            let _ = gradient.addmm_(&products.tr(), &rows);
            let _ = gradient
                .narrow(0, start as i64, length)
                .addmm_(&products, &fixed);
        }
    });
    LossTerm::from_gradients(sum / (n * n) as f64, &[(g2, gradient)])
}

/// Overwrites a block of products by `scale`·E∘A'∘(1−A'); the block's sum of E².
fn replace_by_gradients(
    products: &mut Tensor,
    target: &GraphTarget<'_>,
    start: usize,
    scale: f32,
) -> f64 {
    if products.device() == Device::Cpu {
        return cpu_kernel(products, target, start, scale);
    }
    let (length, n) = products.size2().unwrap_or_default();
    let rows = start..start + length as usize;
    let block = target.dense_rows(rows);
    debug_assert_eq!(block.ncols(), n as usize);
    let reconstructed = products.sigmoid();
    let error = &reconstructed - from_array(block.view(), products.device());
    products.copy_(&(&error * &reconstructed * (1.0 - &reconstructed) * f64::from(scale)));
    error.square().sum(tch::Kind::Double).double_value(&[])
}

/// The same in one pass over memory, one row per task; sums in the order of rows.
fn cpu_kernel(products: &mut Tensor, target: &GraphTarget<'_>, start: usize, scale: f32) -> f64 {
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
            let mut wanted = kernel.distances(start..start + rows.len());
            let wanted = wanted.as_slice_mut().unwrap_or_default();
            rows.zip(wanted.par_chunks_mut(n))
                .map(|(row, wanted)| errors(row, wanted))
                .collect()
        }
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
