//! Exact nearest neighbours by euclidean distance.

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use crate::metrics::distance::{QUERIES, Tiles, queries};

/// The `k` nearest cells of every cell, itself first, then by distance, equal distances by cell: indices and distances,
/// both n × k.
///
/// `k` is at most the number of cells. Where distances are not finite, places stay empty: the cell itself at an
/// infinite distance. O(n² d) time, O(n (d + k)) memory, cells in parallel.
pub(super) fn nearest(z: ArrayView2<f32>, k: usize) -> (Array2<u32>, Array2<f32>) {
    let all: Vec<usize> = (0..z.nrows()).collect();
    let own = Array2::from_shape_fn((z.nrows(), k), |(cell, _)| cell as u32);
    search(z, &Tiles::new(z, &all), own, true)
}

/// The `k` nearest of some `others` of every cell, as their places among these, in the order of [`nearest`]. O(n m d) time.
pub(super) fn nearest_among(
    z: ArrayView2<f32>,
    others: &[usize],
    k: usize,
) -> (Array2<u32>, Array2<f32>) {
    search(
        z,
        &Tiles::new(z, others),
        Array2::zeros((z.nrows(), k)),
        false,
    )
}

/// Fills `indices` with the nearest of the cells of `tiles`; where these are the cells of `z` themselves, each comes first
/// among its own.
fn search(
    z: ArrayView2<f32>,
    tiles: &Tiles,
    mut indices: Array2<u32>,
    are_own: bool,
) -> (Array2<u32>, Array2<f32>) {
    let (n_cells, k) = indices.dim();
    let mut distances = Array2::from_elem((n_cells, k), f32::INFINITY);
    let blocks = indices
        .axis_chunks_iter_mut(Axis(0), QUERIES)
        .into_par_iter()
        .zip(
            distances
                .axis_chunks_iter_mut(Axis(0), QUERIES)
                .into_par_iter(),
        );
    blocks
        .enumerate()
        .for_each(|(block, (mut indices, mut distances))| {
            let first = block * QUERIES;
            let found = nearest_of_block(z, tiles, first..first + indices.nrows(), k, are_own);
            for (place, neighbors) in found.iter().enumerate() {
                write_row(neighbors, indices.row_mut(place), distances.row_mut(place));
            }
        });
    (indices, distances)
}

/// A cell with its squared distance from another.
type Neighbor = (f32, u32);

fn nearest_of_block(
    z: ArrayView2<f32>,
    tiles: &Tiles,
    cells: std::ops::Range<usize>,
    k: usize,
    are_own: bool,
) -> Vec<Vec<Neighbor>> {
    let queries = queries(z, cells.clone());
    let mut found: Vec<Vec<Neighbor>> = cells
        .clone()
        .map(|cell| {
            let mut neighbors = Vec::with_capacity(k + 1);
            if are_own {
                neighbors.push((-1.0, cell as u32));
            }
            neighbors
        })
        .collect();
    for tile in 0..tiles.len() {
        for ((cell, query), neighbors) in cells.clone().zip(&queries).zip(&mut found) {
            let (squares, n_lanes) = tiles.squared_distances(tile, query);
            let first = tile * squares.len();
            let mut worst = worst_of(neighbors, k);
            // a count, unlike a search, compares all lanes at once
            let n_near: u32 = squares.iter().map(|&s| u32::from(s < worst)).sum();
            if n_near == 0 {
                continue;
            }
            for (lane, &square) in squares[..n_lanes].iter().enumerate() {
                if square < worst && (!are_own || first + lane != cell) {
                    insert(neighbors, (square, (first + lane) as u32), k);
                    worst = worst_of(neighbors, k);
                }
            }
        }
    }
    found
}

/// The squared distance below which a cell belongs to the neighbours.
fn worst_of(neighbors: &[Neighbor], k: usize) -> f32 {
    if neighbors.len() < k {
        f32::INFINITY
    } else {
        neighbors[k - 1].0
    }
}

/// Inserts behind every neighbour that is not farther; keeps k.
fn insert(neighbors: &mut Vec<Neighbor>, new: Neighbor, k: usize) {
    let place = neighbors.partition_point(|neighbor| neighbor.0 <= new.0);
    neighbors.insert(place, new);
    neighbors.truncate(k);
}

fn write_row(
    neighbors: &[Neighbor],
    mut indices: ArrayViewMut1<u32>,
    mut distances: ArrayViewMut1<f32>,
) {
    for (place, &(square, neighbor)) in neighbors.iter().enumerate() {
        indices[place] = neighbor;
        distances[place] = square.max(0.0).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_a_full_sort() {
        let z = Array2::from_shape_fn((70, 3), |(i, j)| ((i * 37 + j * 11 + i * i) % 29) as f32);
        let (indices, distances) = nearest(z.view(), 6);
        for i in 0..70 {
            let squared = |j: usize| -> f32 { (&z.row(i) - &z.row(j)).mapv(|d| d * d).sum() };
            let mut order: Vec<usize> = (0..70).filter(|&j| j != i).collect();
            order.sort_by(|&a, &b| squared(a).total_cmp(&squared(b)));
            order.insert(0, i);
            for place in 0..6 {
                assert_eq!(indices[(i, place)] as usize, order[place]);
                assert_eq!(
                    distances[(i, place)].to_bits(),
                    squared(order[place]).sqrt().to_bits()
                );
            }
        }
    }

    #[test]
    fn some_cells_are_searched_as_all_are() {
        let z = Array2::from_shape_fn((40, 3), |(i, j)| ((i * 37 + j * 11 + i * i) % 29) as f32);
        let others: Vec<usize> = (0..40).step_by(3).collect();
        let (indices, distances) = nearest_among(z.view(), &others, 4);
        for i in 0..40 {
            let squared =
                |j: usize| -> f32 { (&z.row(i) - &z.row(others[j])).mapv(|d| d * d).sum() };
            let mut order: Vec<usize> = (0..others.len()).collect();
            order.sort_by(|&a, &b| squared(a).total_cmp(&squared(b)));
            for place in 0..4 {
                assert_eq!(indices[(i, place)] as usize, order[place]);
                assert_eq!(
                    distances[(i, place)].to_bits(),
                    squared(order[place]).sqrt().to_bits()
                );
            }
        }
    }

    #[test]
    fn a_cell_comes_first_among_equals() {
        let (indices, distances) = nearest(Array2::zeros((5, 2)).view(), 3);
        assert_eq!(indices.row(4).to_vec(), [4, 0, 1]);
        assert!(distances.iter().all(|&distance| distance == 0.0));
    }

    #[test]
    fn values_that_are_not_finite_leave_places_empty() {
        let z = ndarray::array![[0.0], [f32::NAN], [1.0]];
        let (indices, distances) = nearest(z.view(), 3);
        assert_eq!(indices.row(1).to_vec(), [1, 1, 1]);
        assert_eq!(distances.row(0).to_vec(), [0.0, 1.0, f32::INFINITY]);
    }
}
