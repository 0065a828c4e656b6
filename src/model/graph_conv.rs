//! Graph convolution: features mixed along the cell graph.

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::{layers::uniform, tensor::from_array};
use crate::{counts::Csr, graph::Adjacency};

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

/// A weight matrix as a libtorch operator: receiving cells × sending cells.
#[derive(Debug)]
pub struct GraphOperator {
    weights: Tensor,
}

impl GraphOperator {
    /// The operator of a weight matrix, on `device`.
    #[must_use]
    pub fn new(weights: &Adjacency, device: Device) -> Self {
        let weights = match weights {
            Adjacency::Dense(dense) => from_array(dense.view(), device),
            Adjacency::Sparse(sparse) => sparse_tensor(sparse).to_device(device),
        };
        Self { weights }
    }

    /// `tanh(A · message)`.
    #[must_use]
    pub fn gather(&self, message: &Tensor) -> Tensor {
        self.weights.matmul(message).tanh()
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
        let gathered = |weights| GraphOperator::new(weights, Device::Cpu).gather(&message);
        assert!(gathered(&Adjacency::Dense(dense)).allclose(&gathered(&sparse), 1e-6, 1e-7, false));
    }
}
