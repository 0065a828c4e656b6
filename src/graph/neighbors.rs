//! Nearest neighbours, exactly.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{
    cosine::Directions,
    neighborhoods::{Neighbor, Neighborhoods},
    sweep::Sweep,
};
use crate::counts::Csr;

/// Whether the rows of a distance matrix are among its columns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows {
    /// The first row is this column, the next row the next column: a cell is not its own neighbour.
    From(usize),
    /// They are other cells.
    Elsewhere,
}

/// The `count` nearest others of every cell, a block of distances at a time. O(n² · features) time.
pub(super) fn among(cells: &Directions, count: usize) -> Neighborhoods {
    let nearest = |block: Range<usize>| {
        let rows = Rows::From(block.start);
        in_rows(&cells.distances(block), rows, count)
    };
    Neighborhoods::concat(cells.blocks(cells.n_cells()).map(nearest).collect(), count)
}

/// The `count` cells nearest to each of the `queries`, a block of distances at a time.
pub(super) fn of_queries(cells: &Directions, queries: &Directions, count: usize) -> Neighborhoods {
    let nearest = |block: Range<usize>| {
        let distances = cells.distances_from(queries, block);
        in_rows(&distances, Rows::Elsewhere, count)
    };
    Neighborhoods::concat(
        cells.blocks(queries.n_cells()).map(nearest).collect(),
        count,
    )
}

/// The `count` cells nearest to each query by cosine, nearest first; of equally near ones the one of lower index first.
///
/// `cells` are n × features, `queries` m × features, of any scale. O(n · m · features) time.
#[must_use]
pub fn nearest(
    cells: ArrayView2<'_, f32>,
    queries: ArrayView2<'_, f32>,
    count: usize,
) -> Vec<Vec<u32>> {
    neighbors_of(cells, queries, count)
        .into_iter()
        .map(|near| near.iter().map(|neighbor| neighbor.cell).collect())
        .collect()
}

/// The same with their distances, 1 − cosine.
#[must_use]
pub fn neighbors_of(
    cells: ArrayView2<'_, f32>,
    queries: ArrayView2<'_, f32>,
    count: usize,
) -> Vec<Vec<Neighbor>> {
    let found = of_queries(&Directions::of(&cells), &Directions::of(&queries), count);
    found.iter().map(<[_]>::to_vec).collect()
}

/// The `count` others nearest to each of the cells, n × features, by cosine, with their distances, 1 − cosine. O(n² · features)
/// time.
#[must_use]
pub fn nearest_others(cells: ArrayView2<'_, f32>, count: usize) -> Vec<Vec<Neighbor>> {
    let found = among(&Directions::of(&cells), count);
    found.iter().map(<[_]>::to_vec).collect()
}

/// The `count` nearest columns of each row of a distance matrix.
pub(super) fn in_rows(distances: &Array2<f32>, rows: Rows, count: usize) -> Neighborhoods {
    let itself = |row| match rows {
        Rows::From(first) => Some(first + row),
        Rows::Elsewhere => None,
    };
    let sweep = Sweep::new();
    Neighborhoods::of_each(distances.nrows(), count, |row| {
        let distances = distances.row(row);
        let Some(distances) = distances.as_slice() else {
            unreachable!("a row of a matrix lies together");
        };
        smallest(distances, itself(row), count, sweep)
    })
}

/// The `count` smallest distances but `itself`, in one sweep that keeps the smallest so far in order.
fn smallest(distances: &[f32], itself: Option<usize>, count: usize, sweep: Sweep) -> Vec<Neighbor> {
    let mut nearest: Vec<Neighbor> = Vec::with_capacity(count + 1);
    let mut limit = f32::INFINITY;
    let mut seen = 0;
    while let Some(more) = sweep.first_below(&distances[seen..], limit) {
        let cell = seen + more;
        seen = cell + 1;
        if itself == Some(cell) {
            continue;
        }
        let distance = distances[cell];
        let place = nearest.partition_point(|kept| kept.distance <= distance);
        let cell = cell as u32;
        nearest.insert(place, Neighbor { cell, distance });
        nearest.truncate(count);
        if nearest.len() == count {
            limit = nearest.last().map_or(0.0, |last| last.distance);
        }
    }
    nearest
}

/// A sparse matrix of cells × `n_columns` that holds `value(cell, neighbour)` for each neighbour,
/// except where it is 0.
pub(super) fn to_sparse(
    neighborhoods: &Neighborhoods,
    n_columns: usize,
    value: impl Fn(usize, Neighbor) -> f32,
) -> Csr {
    let n_stored = neighborhoods.iter().map(<[_]>::len).sum();
    let mut offsets = vec![0];
    let (mut columns, mut values) = (Vec::with_capacity(n_stored), Vec::with_capacity(n_stored));
    for (cell, neighbors) in neighborhoods.iter().enumerate() {
        let mut entries: Vec<(u32, f32)> = neighbors
            .iter()
            .map(|&neighbor| (neighbor.cell, value(cell, neighbor)))
            .filter(|&(_, value)| value != 0.0)
            .collect();
        entries.sort_unstable_by_key(|&(column, _)| column);
        columns.extend(entries.iter().map(|&(column, _)| column));
        values.extend(entries.iter().map(|&(_, value)| value));
        offsets.push(columns.len());
    }
    Csr::new((neighborhoods.len(), n_columns), offsets, columns, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn cells(neighbors: &[Neighbor]) -> Vec<u32> {
        neighbors.iter().map(|neighbor| neighbor.cell).collect()
    }

    #[test]
    fn ties_go_to_the_lower_index() {
        let distances = array![[0.5, 0.0, 0.2, 0.5, 0.2]];
        let nearest = |rows| in_rows(&distances, rows, 3);
        assert_eq!(cells(nearest(Rows::Elsewhere).of(0)), [1, 2, 4]);
        assert_eq!(cells(nearest(Rows::From(1)).of(0)), [2, 4, 0]);
    }

    #[test]
    fn sparse_rows_are_sorted_and_hold_no_zeros() {
        let distances = array![[0.3, 0.1, 0.0], [0.2, 0.4, 0.6]];
        let nearest = in_rows(&distances, Rows::Elsewhere, 3);
        let sparse = to_sparse(&nearest, 3, |_, neighbor| neighbor.distance);
        assert_eq!(sparse.indices(), [0, 1, 0, 1, 2]);
        assert_eq!(sparse.data(), [0.3, 0.1, 0.2, 0.4, 0.6]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn as_sorting_every_row(values in prop::collection::vec(0_u8..9, 36), count in 1_usize..6) {
            let distances = Array2::from_shape_fn((6, 6), |(i, j)| f32::from(values[6 * i + j]));
            let found = in_rows(&distances, Rows::From(0), count);
            for (row, found) in found.iter().enumerate() {
                let mut others: Vec<usize> = (0..6).filter(|&column| column != row).collect();
                others.sort_by(|&a, &b| distances[[row, a]].total_cmp(&distances[[row, b]]));
                let expected: Vec<u32> = others[..count].iter().map(|&cell| cell as u32).collect();
                prop_assert_eq!(cells(found), expected);
            }
        }
    }
}
