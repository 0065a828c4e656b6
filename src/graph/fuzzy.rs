//! The fuzzy simplicial set of k nearest neighbours.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;
use sprs::TriMatI;

use crate::counts::Csr;

/// Halvings of the interval that holds a bandwidth.
const MAX_HALVINGS: usize = 64;

/// How far the summed membership of a neighbourhood may miss log2 k.
const TOLERANCE: f64 = 1e-5;

/// Least bandwidth, as a share of the mean distance to the neighbours.
const LEAST_SHARE: f64 = 1e-3;

/// UMAP's connectivities of cells from their nearest neighbours.
///
/// `knn_indices`, `knn_distances`: n × k, nearest first, the cell itself (distance 0) among the k. Neighbour j of
/// cell i gets the membership exp(−max(0, `d_ij` − `ρ_i`)/`σ_i`): `ρ_i` is the smallest distance above 0, `σ_i` makes the
/// memberships of the neighbourhood sum to log2 k. The result is A + Aᵀ − A∘Aᵀ: n × n, symmetric, weights in (0, 1],
/// no diagonal, columns sorted.
///
/// O(n k) time and memory, cells in parallel. Source: arXiv:1802.03426; numbers as
/// umap-learn's `fuzzy_simplicial_set`.
#[must_use]
pub fn fuzzy_simplicial_set(knn_indices: &Array2<u32>, knn_distances: &Array2<f32>) -> Csr {
    let n_cells = knn_indices.nrows();
    let mean_of_all = mean(knn_distances.iter());
    let memberships: Vec<Vec<f32>> = (0..n_cells)
        .into_par_iter()
        .map(|cell| memberships(knn_distances.row(cell), mean_of_all))
        .collect();
    let mut directed = TriMatI::<f32, u32>::new((n_cells, n_cells));
    for (cell, (neighbors, weights)) in knn_indices.outer_iter().zip(&memberships).enumerate() {
        for (&neighbor, &weight) in neighbors.iter().zip(weights) {
            if neighbor as usize != cell && weight > 0.0 {
                directed.add_triplet(cell, neighbor as usize, weight);
            }
        }
    }
    let directed: Csr = directed.to_csr();
    fuzzy_union(&directed)
}

/// The probability that at least one of the two directed edges exists: a + b − ab.
fn fuzzy_union(directed: &Csr) -> Csr {
    let reversed = directed.transpose_view().to_csr();
    sprs::binop::csmat_binop(directed.view(), reversed.view(), |&a, &b| a + b - a * b)
}

fn memberships(distances: ArrayView1<f32>, mean_of_all: f64) -> Vec<f32> {
    let distances: Vec<f64> = distances.iter().copied().map(f64::from).collect();
    let nearest = distances
        .iter()
        .copied()
        .filter(|&distance| distance > 0.0)
        .fold(f64::INFINITY, f64::min);
    let nearest = if nearest.is_finite() { nearest } else { 0.0 };
    let floor = if nearest > 0.0 {
        mean(distances.iter())
    } else {
        mean_of_all
    };
    let bandwidth = bandwidth(&distances, nearest).max(LEAST_SHARE * floor);
    distances
        .iter()
        .map(|&distance| membership(distance - nearest, bandwidth) as f32)
        .collect()
}

/// How much a neighbour belongs, from its distance beyond the nearest neighbour's.
fn membership(beyond: f64, bandwidth: f64) -> f64 {
    if beyond <= 0.0 || bandwidth == 0.0 {
        1.0
    } else {
        (-beyond / bandwidth).exp()
    }
}

/// The bandwidth at which the memberships of all but the first neighbour sum to log2 k, by bisection.
fn bandwidth(distances: &[f64], nearest: f64) -> f64 {
    let target = (distances.len() as f64).log2();
    let (mut low, mut high, mut bandwidth) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..MAX_HALVINGS {
        let others = distances.iter().skip(1);
        let sum: f64 = others
            .map(|&distance| membership(distance - nearest, bandwidth))
            .sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = bandwidth;
            bandwidth = f64::midpoint(low, high);
        } else {
            low = bandwidth;
            bandwidth = if high.is_finite() {
                f64::midpoint(low, high)
            } else {
                2.0 * bandwidth
            };
        }
    }
    bandwidth
}

fn mean<'a, T: Copy + Into<f64> + 'a>(values: impl ExactSizeIterator<Item = &'a T>) -> f64 {
    let n = values.len().max(1) as f64;
    values.map(|&value| value.into()).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn memberships_sum_to_log2_k() {
        let distances = array![0.0_f32, 0.5, 0.7, 1.1, 1.2, 2.0, 2.5, 3.0];
        let found = memberships(distances.view(), 1.0);
        assert!((found[1] - 1.0).abs() < 1e-7, "the nearest belongs fully");
        let sum: f32 = found[1..].iter().sum();
        assert!((sum - 3.0).abs() < 1e-4, "{sum}");
    }

    #[test]
    fn the_union_of_two_directions_is_a_plus_b_minus_ab() {
        // 0 → 1 full, 1 → 2 full, 2 → 1 full; each has one other neighbour
        let indices = array![[0, 1, 2], [1, 2, 0], [2, 1, 0]];
        let distances = array![[0.0, 1.0, 3.0], [0.0, 0.5, 1.0], [0.0, 0.5, 3.0]];
        let graph = fuzzy_simplicial_set(&indices, &distances);
        let weight = |i, j| graph.get(i, j).copied().unwrap_or(0.0);
        // the second neighbour fills up to log2 3
        let second = 3.0_f32.log2() - 1.0;
        assert!((weight(0, 1) - 1.0).abs() < 1e-4);
        assert!((weight(1, 2) - 1.0).abs() < 1e-4);
        assert!((weight(0, 2) - (2.0 * second - second * second)).abs() < 1e-4);
        assert!((weight(0, 2) - weight(2, 0)).abs() < f32::EPSILON);
        assert!(graph.get(0, 0).is_none());
    }

    #[test]
    fn cells_in_one_place_are_fully_connected() {
        let indices = array![[0, 1, 2], [1, 0, 2], [2, 0, 1]];
        let graph = fuzzy_simplicial_set(&indices, &Array2::zeros((3, 3)));
        assert_eq!(graph.nnz(), 6);
        assert!(graph.data().iter().all(|&w| (w - 1.0).abs() < f32::EPSILON));
    }

    #[test]
    fn no_cells_make_an_empty_graph() {
        let graph = fuzzy_simplicial_set(&Array2::zeros((0, 3)), &Array2::zeros((0, 3)));
        assert_eq!(graph.nnz(), 0);
    }
}
