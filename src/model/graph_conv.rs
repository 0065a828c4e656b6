//! Graph convolution: features mixed along the cell graph.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::layers::uniform;
use crate::{
    counts::Csr,
    graph::{Adjacency, Aggregation, CellGraph, GaussKernel, Pairs},
    kernels::{
        self, Tape,
        gpu::gauss::{GaussTensors, rows_at_a_time},
        tensor::{from_array, to_array},
    },
};

/// `tanh(A · (h W))`, without bias.
#[derive(Debug)]
pub struct GraphConv {
    /// n_in × n_out.
    pub weight: Tensor,
}

impl GraphConv {
    /// A layer with Glorot's uniform weights, ±√(6 / (n_in + n_out)).
    pub fn new(n_in: usize, n_out: usize, rng: &mut ChaCha8Rng) -> Self {
        let bound = (6.0 / (n_in + n_out) as f32).sqrt();
        Self {
            weight: uniform(&[n_in, n_out], bound, rng),
        }
    }

    /// `h W`: what a cell passes to its neighbours, n × n_out.
    #[must_use]
    pub fn message(&self, h: &Tensor) -> Tensor {
        h.matmul(&self.weight)
    }
}

/// A weight matrix as an operator on libtorch's tensors: receiving cells × sending cells.
#[derive(Debug)]
pub enum GraphOperator {
    /// The matrix, dense or sparse.
    Stored(Tensor),
    /// Rows are computed whenever they are needed.
    Computed(Arc<GaussKernel>),
    /// The same on a GPU.
    ComputedOnGpu(GaussTensors),
    /// Another operator whose rows are divided by their sums: a weighted mean.
    Averaged {
        /// The operator that sums.
        sums: Box<GraphOperator>,
        /// One over each row's sum of weights, cells × 1.
        scale: Tensor,
    },
}

/// Sums of weights are divided by at least this: a cell without neighbours has a mean of 0.
const SMALLEST_SUM: f64 = 1e-12;

impl Clone for GraphOperator {
    /// The same matrix, not a copy of it.
    fn clone(&self) -> Self {
        match self {
            Self::Stored(weights) => Self::Stored(weights.shallow_clone()),
            Self::Computed(kernel) => Self::Computed(Arc::clone(kernel)),
            Self::ComputedOnGpu(kernel) => Self::ComputedOnGpu(kernel.clone()),
            Self::Averaged { sums, scale } => Self::Averaged {
                sums: sums.clone(),
                scale: scale.shallow_clone(),
            },
        }
    }
}

impl GraphOperator {
    /// The operator that sums by a graph's weights, n × n, on `device`.
    #[must_use]
    pub fn of(graph: &CellGraph, device: Device) -> Self {
        match &graph.pairs {
            Pairs::Stored { connectivities, .. } => Self::stored(connectivities, device),
            Pairs::Computed(kernel) if !kernels::are_libtorchs(device) => {
                Self::Computed(Arc::clone(kernel))
            }
            Pairs::Computed(kernel) => Self::ComputedOnGpu(GaussTensors::new(kernel, device)),
        }
    }

    /// The operator that sums by a weight matrix, on `device`.
    #[must_use]
    pub fn stored(weights: &Adjacency, device: Device) -> Self {
        Self::Stored(match weights {
            Adjacency::Dense(dense) => from_array(dense.view(), device),
            Adjacency::Sparse(sparse) => sparse_tensor(sparse).to_device(device),
        })
    }

    /// An operator that sums, `n_senders` cells wide, made to aggregate as asked. Cost: one product by the weights.
    #[must_use]
    pub fn aggregating(self, aggregation: Aggregation, n_senders: usize, device: Device) -> Self {
        match aggregation {
            Aggregation::Sum => self,
            Aggregation::Mean => {
                let ones = Tensor::ones([n_senders as i64, 1], (Kind::Float, device));
                let scale = tch::no_grad(|| self.multiply(&ones)).clamp_min(SMALLEST_SUM);
                Self::Averaged {
                    scale: scale.reciprocal(),
                    sums: Box::new(self),
                }
            }
        }
    }

    /// How this operator aggregates.
    #[must_use]
    pub fn aggregation(&self) -> Aggregation {
        match self {
            Self::Averaged { .. } => Aggregation::Mean,
            _ => Aggregation::Sum,
        }
    }

    /// `tanh(A · message)`.
    #[must_use]
    pub fn gather(&self, message: &Tensor, tape: &mut Tape) -> Tensor {
        let gathered = tch::no_grad(|| self.multiply(message).tanh());
        let (transposed, at_output) = (self.clone(), gathered.detach());
        tape.join(&[message], gathered, move |gradient| {
            let inner = gradient * (1.0 - at_output.square());
            vec![transposed.multiply_transposed(&inner)]
        })
    }

    fn multiply(&self, right: &Tensor) -> Tensor {
        match self {
            Self::Stored(weights) => weights.matmul(right),
            Self::Computed(kernel) => {
                let product = kernel.multiply(to_array(right).view());
                from_array(product.view(), Device::Cpu)
            }
            Self::ComputedOnGpu(kernel) => kernel.multiply(right, rows_at_a_time(right.size()[0])),
            Self::Averaged { sums, scale } => sums.multiply(right) * scale,
        }
    }

    fn multiply_transposed(&self, right: &Tensor) -> Tensor {
        match self {
            Self::Stored(weights) => weights.tr().matmul(right),
            // The kernel is symmetric.
            Self::Computed(_) | Self::ComputedOnGpu(_) => self.multiply(right),
            Self::Averaged { sums, scale } => sums.multiply_transposed(&(right * scale)),
        }
    }
}

/// A sparse matrix in libtorch's coordinate form, whose product is differentiable.
fn sparse_tensor(matrix: &Csr) -> Tensor {
    let rows: Vec<i64> = matrix
        .outer_iterator()
        .enumerate()
        .flat_map(|(i, row)| std::iter::repeat_n(i as i64, row.nnz()))
        .collect();
    let columns: Vec<i64> = matrix.indices().iter().map(|&j| i64::from(j)).collect();
    let indices = Tensor::stack(
        &[Tensor::from_slice(&rows), Tensor::from_slice(&columns)],
        0,
    );
    Tensor::sparse_coo_tensor_indices_size(
        &indices,
        &Tensor::from_slice(matrix.data()),
        [matrix.rows() as i64, matrix.cols() as i64],
        (Kind::Float, Device::Cpu),
        true,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use sprs::TriMatI;

    #[test]
    fn sparse_and_dense_weights_gather_the_same() {
        let dense = array![[0.0_f32, 0.5], [0.25, 0.0], [1.0, 2.0]];
        let mut triplets = TriMatI::<f32, u32>::new((3, 2));
        for ((i, j), &w) in dense.indexed_iter().filter(|(_, w)| **w != 0.0) {
            triplets.add_triplet(i, j, w);
        }
        let sparse = Adjacency::Sparse(triplets.to_csr::<usize>());
        let message = Tensor::from_slice(&[1.0_f32, -2.0, 0.5, 3.0]).view([2, 2]);
        let gathered = |weights| {
            GraphOperator::stored(weights, Device::Cpu).gather(&message, &mut Tape::default())
        };
        assert!(gathered(&Adjacency::Dense(dense)).allclose(&gathered(&sparse), 1e-6, 1e-7, false));
    }

    #[test]
    fn a_mean_and_its_gradient_are_those_of_rows_that_add_up_to_one() {
        let weights = array![[1.0_f32, 3.0], [0.0, 0.0], [0.5, 0.5]];
        let means = array![[0.25_f32, 0.75], [0.0, 0.0], [0.5, 0.5]];
        let averaged = GraphOperator::stored(&Adjacency::Dense(weights), Device::Cpu).aggregating(
            Aggregation::Mean,
            2,
            Device::Cpu,
        );
        let expected = GraphOperator::stored(&Adjacency::Dense(means), Device::Cpu);
        let message = Tensor::from_slice(&[1.0_f32, -2.0, 0.5, 3.0]).view([2, 2]);
        let above = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, -1.0, 0.5, 4.0]).view([3, 2]);
        for (found, wanted) in [
            (averaged.multiply(&message), expected.multiply(&message)),
            (
                averaged.multiply_transposed(&above),
                expected.multiply_transposed(&above),
            ),
        ] {
            assert!(found.allclose(&wanted, 1e-6, 1e-7, false));
        }
        assert_eq!(averaged.aggregation(), Aggregation::Mean);
    }
}
