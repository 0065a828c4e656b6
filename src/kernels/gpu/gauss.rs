//! The dense gauss kernel in libtorch's operations, for graphs that are computed on a GPU.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::{
    graph::{Aim, GaussKernel, NEGLIGIBLE, ROUNDING},
    kernels::tensor::from_array,
};

/// Features and bandwidths of n cells on a device.
#[derive(Debug)]
pub struct GaussTensors {
    /// Features scaled to length 1, n × features.
    directions: Tensor,
    /// n
    bandwidths: Tensor,
    aim: Aim,
}

/// Pairs of cells that are worked on at a time, where there are few cells.
const PAIRS: i64 = 1 << 22;

/// Rows of an n × n matrix that exist on a GPU at a time: as many as make four million pairs, and not so few that the GPU waits.
#[must_use]
pub fn rows_at_a_time(n: i64) -> i64 {
    (PAIRS / n.max(1)).max(256)
}

impl Clone for GaussTensors {
    /// The same tensors, not copies of them.
    fn clone(&self) -> Self {
        Self {
            directions: self.directions.shallow_clone(),
            bandwidths: self.bandwidths.shallow_clone(),
            aim: self.aim,
        }
    }
}

impl GaussTensors {
    /// A kernel's numbers, moved to `device` once.
    #[must_use]
    pub fn new(kernel: &GaussKernel, device: Device) -> Self {
        Self {
            directions: from_array(kernel.directions(), device),
            bandwidths: Tensor::from_slice(kernel.bandwidths()).to_device(device),
            aim: kernel.aim(),
        }
    }

    fn n_cells(&self) -> i64 {
        self.directions.size()[0]
    }

    /// Cosine distances of a run of cells to all cells: run × n.
    #[must_use]
    pub fn distances(&self, cells: Range<i64>) -> Tensor {
        let length = cells.end - cells.start;
        let from = self.directions.narrow(0, cells.start, length);
        let cosines = from.matmul(&self.directions.tr());
        let distances = (cosines.neg() + 1.0).clamp_max(2.0);
        let distances = distances.threshold(f64::from(ROUNDING), 0.0);
        let _ = distances
            .narrow(1, cells.start, length)
            .fill_diagonal_(0.0, false);
        distances
    }

    /// What the model learns to reproduce of a run of cells and all cells: run × n.
    #[must_use]
    pub fn target(&self, cells: Range<i64>) -> Tensor {
        let distances = self.distances(cells);
        match self.aim {
            Aim::Distances => distances,
            Aim::Similarities => (distances.neg() + 1.0).clamp_min(0.0),
        }
    }

    /// Weights of a run of cells to all cells: run × n.
    #[must_use]
    pub fn weights(&self, cells: Range<i64>) -> Tensor {
        let own = self
            .bandwidths
            .narrow(0, cells.start, cells.end - cells.start)
            .unsqueeze(1);
        let narrowness = (own.square() + self.bandwidths.square()).reciprocal();
        let heights = (&own * &self.bandwidths * &narrowness * 2.0).sqrt();
        let exponents = self.distances(cells).square() * narrowness;
        (heights * (-exponents).exp()).threshold(f64::from(NEGLIGIBLE), 0.0)
    }

    /// W · right, for `right` of n × m: n × m. One block of `rows` rows exists at a time.
    #[must_use]
    pub fn multiply(&self, right: &Tensor, rows: i64) -> Tensor {
        let n_cells = self.n_cells();
        let blocks: Vec<Tensor> = (0..n_cells)
            .step_by(rows.max(1) as usize)
            .map(|start| {
                self.weights(start..(start + rows).min(n_cells))
                    .matmul(right)
            })
            .collect();
        Tensor::cat(&blocks, 0).to_kind(Kind::Float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tensor::to_array;
    use ndarray::Array2;

    fn largest_difference(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
        (a - b).iter().fold(0.0, |largest, x| largest.max(x.abs()))
    }

    #[test]
    fn rows_and_products_are_the_kernels() {
        let features = Array2::from_shape_fn((90, 7), |(i, j)| ((i * 31 + j * 17) % 23) as f32);
        let kernel = GaussKernel::fit(features.view(), 15).expect("a kernel");
        let tensors = GaussTensors::new(&kernel, Device::Cpu);
        let (weights, distances) = kernel.rows(20..50);
        let found = to_array(&tensors.distances(20..50));
        assert!(largest_difference(&found, &distances) < 1e-6);
        let similar = kernel.clone().with_aim(Aim::Similarities);
        let found = GaussTensors::new(&similar, Device::Cpu).target(20..50);
        assert!(largest_difference(&to_array(&found), &similar.target(20..50)) < 1e-6);
        let found = to_array(&tensors.weights(20..50));
        assert!(largest_difference(&found, &weights) < 1e-4);

        let right = Array2::from_shape_fn((90, 3), |(i, j)| ((i + 2 * j) % 5) as f32 - 2.0);
        let product = tensors.multiply(&from_array(right.view(), Device::Cpu), 32);
        let expected = kernel.multiply(right.view());
        assert!(largest_difference(&to_array(&product), &expected) < 1e-2);
    }
}
