//! What the model learns to reproduce of the cell graph, where kernels read it.

use std::{borrow::Cow, ops::Range, sync::Arc};

use tch::{Device, Tensor};

use super::{
    Kernels, are_libtorchs,
    cpu::Cpu,
    gpu::{
        Gpu,
        gauss::{GaussTensors, rows_at_a_time},
    },
    tensor::from_array,
};
use crate::graph::{Adjacency, CellGraph, GaussKernel, Pairs};

/// Rows that the CPU compares at a time: they stay in its cache.
const CPU_ROWS: usize = 256;

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
            Pairs::Computed(kernel) if !are_libtorchs(device) => Self::Computed(Arc::clone(kernel)),
            Pairs::Computed(kernel) => {
                Self::OnGpu(GpuTarget::Computed(GaussTensors::new(kernel, device)))
            }
        }
    }

    /// The kernels that read it.
    #[must_use]
    pub fn kernels(&self) -> &'static dyn Kernels {
        match self {
            Self::Stored(_) | Self::Computed(_) => &Cpu,
            Self::OnGpu(_) => &Gpu,
        }
    }

    /// Rows that are compared at a time, of n cells.
    #[must_use]
    pub fn rows_at_a_time(&self, n: usize) -> usize {
        match self {
            Self::Stored(_) | Self::Computed(_) => CPU_ROWS,
            Self::OnGpu(_) => rows_at_a_time(n as i64) as usize,
        }
    }

    /// A stored target, to be compared on `device`.
    #[must_use]
    pub fn stored(target: Cow<'a, Adjacency>, device: Device) -> Self {
        if !are_libtorchs(device) {
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
    pub(super) fn rows(&self, rows: Range<i64>) -> Tensor {
        match self {
            Self::Stored(dense) => dense.narrow(0, rows.start, rows.end - rows.start),
            Self::Computed(kernel) => kernel.target(rows),
        }
    }
}
