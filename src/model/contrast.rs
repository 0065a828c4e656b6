//! The contrast of neighbours: cells that the joint graph joins are to be each other's nearest in the embedding.
//!
//! ```text
//! L = mean over cells i of −Σⱼ P_ij · ln softmax_{j≠i}(cos(zᵢ, zⱼ) / τ),   P_ij = J_ij / Σⱼ J_ij,   τ = 0.2
//! ```
//!
//! within a mini-batch, J the sum of the views' graphs; cells without a neighbour in their mini-batch are left out of the mean. It
//! is the normalised temperature-scaled cross entropy of van den Oord et al. 2018, arXiv:1807.03748, and Chen et al. 2020,
//! arXiv:2002.05709, with graph neighbours in the place of augmented copies, weighted as in Dwibedi et al. 2021,
//! arXiv:2104.14548, and Böhm et al. 2023, arXiv:2210.09879.

use tch::{Device, Kind, Tensor};

use crate::counts::Csr;
use crate::kernels::tensor::from_array;

/// τ: the lower, the more the nearest of the other cells count.
const TEMPERATURE: f64 = 0.2;

/// Embeddings shorter than this have no direction.
const SHORTEST: f64 = 1e-6;

/// What stands on the diagonal, so that no cell is compared with itself.
const NEVER: f64 = -1e9;

/// Which cells of a mini-batch are to be near each other.
#[derive(Debug)]
pub struct ContrastTarget {
    /// P, n × n. Rows add up to 1, or to 0 where a cell has no neighbour in the mini-batch.
    shares: Tensor,
    /// Rows that add up to 1.
    n_joined: usize,
}

impl ContrastTarget {
    /// The target of a mini-batch: `rows` are its cells in `joint`, each at most once.
    ///
    /// Cost: the edges of these cells, and n² numbers.
    #[must_use]
    pub fn new(joint: &Csr, rows: &[usize], device: Device) -> Self {
        let place: std::collections::HashMap<usize, usize> = rows
            .iter()
            .enumerate()
            .map(|(place, &row)| (row, place))
            .collect();
        let mut shares = ndarray::Array2::<f32>::zeros((rows.len(), rows.len()));
        let mut n_joined = 0;
        for (&row, mut shares) in rows.iter().zip(shares.outer_iter_mut()) {
            for (other, &weight) in joint.outer_view(row).iter().flat_map(|row| row.iter()) {
                if let Some(&column) = place.get(&other) {
                    shares[column] = weight;
                }
            }
            let sum = shares.sum();
            if sum > 0.0 {
                shares /= sum;
                n_joined += 1;
            }
        }
        Self {
            shares: from_array(shares.view(), device),
            n_joined,
        }
    }
}

/// The contrast of a mini-batch's embedding, n × d: a scalar, differentiated by libtorch. Sums run along rows first, so that the
/// number of threads does not change their order.
#[must_use]
pub fn contrast_loss(z: &Tensor, target: &ContrastTarget) -> Tensor {
    let lengths = z
        .square()
        .sum_dim_intlist([1].as_slice(), true, Kind::Float)
        .clamp_min(SHORTEST * SHORTEST)
        .sqrt();
    let directions = z / lengths;
    let cosines = directions.matmul(&directions.tr()) / TEMPERATURE;
    let itself = Tensor::eye(z.size()[0], (Kind::Float, z.device())) * NEVER;
    let ln_shares = (cosines + itself).log_softmax(1, Kind::Float);
    let by_cell = (ln_shares * &target.shares).sum_dim_intlist([1].as_slice(), false, Kind::Float);
    by_cell.sum(Kind::Float) / -(target.n_joined.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joint() -> Csr {
        // 0–1 (weight 3), 0–2 (weight 1), 3 alone.
        Csr::new(
            (4, 4),
            vec![0, 2, 3, 4, 4],
            vec![1, 2, 0, 0],
            vec![3.0, 1.0, 3.0, 1.0],
        )
    }

    #[test]
    fn the_loss_of_four_cells_by_hand() {
        let target = ContrastTarget::new(&joint(), &[2, 0, 1, 3], Device::Cpu);
        let z = Tensor::from_slice(&[1.0_f32, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, -1.0]).view([4, 2]);
        // Cosines of cells 2, 0, 1, 3 over 0.2, by cell: 2–0: 5, 2–1: 0, 2–3: 0, 0–1: 0, 0–3: 0, 1–3: −5.
        let ln = |own: f64, all: [f64; 3]| own - all.map(f64::exp).iter().sum::<f64>().ln();
        let of_2 = ln(5.0, [5.0, 0.0, 0.0]);
        let of_0 = 0.25 * ln(5.0, [5.0, 0.0, 0.0]) + 0.75 * ln(0.0, [5.0, 0.0, 0.0]);
        let of_1 = ln(0.0, [0.0, 0.0, -5.0]);
        let expected = -(of_2 + of_0 + of_1) / 3.0;
        let found = contrast_loss(&z, &target).double_value(&[]);
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn a_batch_without_neighbours_has_no_loss() {
        let target = ContrastTarget::new(&joint(), &[1, 2, 3], Device::Cpu);
        let z = Tensor::ones([3, 2], tch::kind::FLOAT_CPU).set_requires_grad(true);
        let loss = contrast_loss(&z, &target);
        assert!(loss.double_value(&[]).abs() < 1e-12);
        loss.backward();
        assert!(z.grad().abs().max().double_value(&[]) < 1e-12);
    }
}
