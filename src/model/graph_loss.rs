//! The graph loss: how far σ(g2·g2ᵀ) is from the target, by blocks of rows.

use std::{borrow::Cow, ops::Range, sync::Arc};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{
    gauss_tensors::GaussTensors,
    loss::LossTerm,
    tensor::{from_array, values_mut},
};
use crate::{
    graph::{Adjacency, CellGraph, GaussKernel, Pairs},
    special::{sigmoid, sum},
};

/// Rows of A' that exist at a time.
const BLOCK: usize = 256;

/// What the model learns to reproduce, R: distances or similarities, n × n.
#[derive(Debug, Clone)]
pub enum GraphTarget<'a> {
    /// The matrix, dense or sparse.
    Stored(Cow<'a, Adjacency>),
    /// Rows are computed whenever they are needed.
    Computed(Arc<GaussKernel>),
    /// On a GPU.
    OnGpu(GpuTarget),
}

/// A target whose rows are on a GPU when they are needed.
#[derive(Debug)]
pub enum GpuTarget {
    /// The matrix, dense.
    Stored(Tensor),
    /// Rows are computed.
    Computed(GaussTensors),
}

impl<'a> GraphTarget<'a> {
    /// The target of a graph, to be compared on `device`.
    #[must_use]
    pub fn of(graph: &'a CellGraph, device: Device) -> Self {
        match &graph.pairs {
            Pairs::Stored { target, .. } => Self::stored(Cow::Borrowed(target), device),
            Pairs::Computed(kernel) if device == Device::Cpu => Self::Computed(Arc::clone(kernel)),
            Pairs::Computed(kernel) => {
                Self::OnGpu(GpuTarget::Computed(GaussTensors::new(kernel, device)))
            }
        }
    }

    /// A stored target, to be compared on `device`.
    #[must_use]
    pub fn stored(target: Cow<'a, Adjacency>, device: Device) -> Self {
        if device == Device::Cpu {
            return Self::Stored(target);
        }
        let n_rows = target.shape().0;
        let dense = target.dense_rows(0..n_rows);
        Self::OnGpu(GpuTarget::Stored(from_array(dense.view(), device)))
    }
}

impl Clone for GpuTarget {
    /// The same tensors, not copies of them.
    fn clone(&self) -> Self {
        match self {
            Self::Stored(dense) => Self::Stored(dense.shallow_clone()),
            Self::Computed(kernel) => Self::Computed(kernel.clone()),
        }
    }
}

impl GpuTarget {
    fn rows(&self, rows: Range<i64>) -> Tensor {
        match self {
            Self::Stored(dense) => dense.narrow(0, rows.start, rows.end - rows.start),
            Self::Computed(kernel) => kernel.target(rows),
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
    let n = fixed.size()[0];
    let scale = 2.0 / (n * n) as f64;
    let mut gradient = fixed.zeros_like();
    let mut sum = Sum::default();
    tch::no_grad(|| {
        for start in (0..n).step_by(BLOCK) {
            let length = (BLOCK as i64).min(n - start);
            let rows = fixed.narrow(0, start, length);
            let mut products = rows.matmul(&fixed.tr());
            match target {
                GraphTarget::OnGpu(target) => {
                    let wanted = target.rows(start..start + length);
                    sum.add_on_gpu(gpu_kernel(&mut products, &wanted, scale));
                }
                _ => sum.host += cpu_kernel(&mut products, target, start as usize, scale as f32),
            }
            let _ = gradient.addmm_(&products.tr(), &rows);
            let _ = gradient.narrow(0, start, length).addmm_(&products, &fixed);
        }
    });
    LossTerm::from_gradients(sum.value() / (n * n) as f64, &[(g2, gradient)])
}

/// A sum that leaves a GPU only at its end.
#[derive(Default)]
struct Sum {
    host: f64,
    gpu: Option<Tensor>,
}

impl Sum {
    fn add_on_gpu(&mut self, part: Tensor) {
        self.gpu = Some(match self.gpu.take() {
            Some(sum) => sum + part,
            None => part,
        });
    }

    fn value(&self) -> f64 {
        self.host + self.gpu.as_ref().map_or(0.0, |sum| sum.double_value(&[]))
    }
}

/// Overwrites a block of products by `scale`·E∘A'∘(1−A'), in libtorch's operations; the block's sum of E².
fn gpu_kernel(products: &mut Tensor, wanted: &Tensor, scale: f64) -> Tensor {
    let reconstructed = products.sigmoid();
    let error = &reconstructed - wanted;
    products.copy_(&(&error * &reconstructed * (1.0 - &reconstructed) * scale));
    error.square().sum(Kind::Double)
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn libtorchs_operations_give_the_same_loss() {
        let n = 300;
        let g2 = Tensor::linspace(-1.0, 1.0, n * 4, tch::kind::FLOAT_CPU)
            .sin()
            .view([n, 4])
            .set_requires_grad(true);
        let wanted = Array2::from_shape_fn((300, 300), |(i, j)| ((i * 7 + j) % 5) as f32 * 0.3);
        let on_gpu = GraphTarget::OnGpu(GpuTarget::Stored(from_array(wanted.view(), Device::Cpu)));
        let on_cpu = GraphTarget::Stored(Cow::Owned(Adjacency::Dense(wanted)));
        let gradient = |target| {
            let mut g2 = g2.shallow_clone();
            g2.zero_grad();
            let loss = graph_loss(&g2, target);
            loss.surrogate.backward();
            (loss.value, g2.grad().copy())
        };
        let (expected, found) = (gradient(&on_cpu), gradient(&on_gpu));
        assert!((found.0 / expected.0 - 1.0).abs() < 1e-6);
        assert!(found.1.allclose(&expected.1, 1e-4, 1e-9, false));
    }
}
