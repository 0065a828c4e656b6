//! UMAP's connectivities of cells whose nearest neighbours were found elsewhere.

use ndarray::Array2;

use super::{
    adjacency::symmetric,
    neighbors::{self, Neighbor, Neighborhoods},
    umap,
};
use crate::counts::Csr;

/// The fuzzy simplicial set of k nearest neighbours, by whatever distance.
///
/// `knn_indices`, `knn_distances`: n × k, nearest first, the cell itself (distance 0) among the k. Neighbour j of
/// cell i gets the membership exp(−max(0, d_ij − ρ_i)/σ_i): ρ_i is the smallest distance above 0, σ_i makes the
/// memberships of the neighbourhood sum to log₂ k. The result is A + Aᵀ − A∘Aᵀ: n × n, symmetric, weights in (0, 1],
/// no diagonal, columns sorted.
///
/// O(n k) time and memory. Source: arXiv:1802.03426; numbers as umap-learn's `fuzzy_simplicial_set`.
#[must_use]
pub fn fuzzy_simplicial_set(knn_indices: &Array2<u32>, knn_distances: &Array2<f32>) -> Csr {
    let neighborhoods: Neighborhoods = knn_indices
        .outer_iter()
        .zip(knn_distances.outer_iter())
        .enumerate()
        .map(|(i, (cells, distances))| {
            let all = cells.into_iter().zip(distances);
            all.map(|(&cell, &distance)| Neighbor { cell, distance })
                .filter(|near| near.cell as usize != i)
                .collect()
        })
        .collect();
    let typical = umap::typical_distance(&neighborhoods);
    let cells = umap::memberships(&neighborhoods, typical);
    let directed = neighbors::to_sparse(&neighborhoods, neighborhoods.len(), |cell, near| {
        cells[cell].of(near.distance)
    });
    symmetric(&directed, umap::union)
}
