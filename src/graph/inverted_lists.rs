//! Nearest neighbours of very many cells, by an inverted file.
//!
//! k-means puts the cells into lists, and a cell is compared with the cells of the lists nearest to it only (Jégou, Douze &
//! Schmid 2011, doi:10.1109/TPAMI.2010.57; without their compression).

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use rand::seq::index;
use rayon::prelude::*;

use super::{
    cosine::{Directions, distance},
    lists::Lists,
    neighborhoods::{NO_CELL, Neighbor, Neighborhoods},
    neighbors::of_queries,
    sweep::Sweep,
};
use crate::seed::{Stream, stream};

/// Cells whose neighbours are found exactly, to see how many lists have to be searched.
const PROBED: usize = 512;

/// Which of their neighbours, at most: the nearest.
const NEAREST: usize = 14;

/// Share of these that has to be found.
const RECALL: f64 = 0.97;

/// Most cells that a cell is compared with, on average: beyond, the search would be quadratic.
const MOST_COMPARED: usize = 80_000;

/// Cells that are searched for together: the more, the more of them are compared with the same list.
const BLOCK: usize = 2048;

/// Cells that are multiplied at a time, by cells that they are compared with: half a megabyte of products.
const ROWS: usize = 128;
const COLUMNS: usize = 1024;

/// What a search found of every cell, and how many of the true neighbours are among it.
pub(super) struct Approximate<T> {
    pub found: T,
    /// Share of the 14 nearest true neighbours, or all if they are fewer, that were found, measured on 512 cells.
    pub recall: f64,
}

/// The `count` nearest others of every cell, most of them right: of each cell, as many of the lists nearest to it are searched
/// as it takes to find 97 % of the 14 nearest of 512 cells, or all that it takes to compare a cell with 80,000 others. Of equally
/// near ones the one of lower index comes first.
///
/// The result depends on `seed`, and not on the number of threads. O(n · √n · features) time where cells lie in groups, about
/// O(n · 80,000 · features) at most; O(n · features) memory.
pub(super) fn among_many(cells: Directions, count: usize, seed: u64) -> Approximate<Neighborhoods> {
    let mut found = Neighborhoods::empty(cells.n_cells(), count);
    let see = |_, cell, near: &[Neighbor]| found.set(cell, near);
    let (_, recall) = each_of_many(cells, count, seed, see);
    Approximate { found, recall }
}

/// Cells, and those near each of them.
pub(super) struct Names {
    /// All cells, in an order in which those that lie together follow each other.
    pub order: Vec<u32>,
    /// Of each cell in that order so many others, nearest first; [`NO_CELL`] where it has fewer.
    pub near: Vec<u32>,
}

/// The same without distances.
pub(super) fn names_among_many(cells: Directions, count: usize, seed: u64) -> Approximate<Names> {
    let mut named = vec![NO_CELL; cells.n_cells() * count];
    let see = |row, _, near: &[Neighbor]| {
        let row = &mut named[row * count..][..count];
        row.iter_mut()
            .zip(near)
            .for_each(|(to, near)| *to = near.cell);
    };
    let (order, recall) = each_of_many(cells, count, seed, see);
    Approximate {
        found: Names { order, near: named },
        recall,
    }
}

/// Shows the nearest others of every cell to `see`, after its row in the order of the lists and itself; in any order of the rows.
/// Gives the order of the lists, and the recall. With millions of cells memory is dear: the cells are held once, in that order,
/// while the lists are searched.
fn each_of_many(
    cells: Directions,
    count: usize,
    seed: u64,
    see: impl FnMut(usize, usize, &[Neighbor]) + Send,
) -> (Vec<u32>, f64) {
    let lists = Lists::of(&cells, seed);
    let (n_probed, recall) = probes(&lists, &cells, count, seed);
    let sorted = cells.select(lists.order());
    drop(cells);
    search((&lists, &sorted), count, n_probed, see);
    (lists.into_order(), recall)
}

/// How many lists have to be searched, and the share of true neighbours in these.
fn probes(lists: &Lists, cells: &Directions, count: usize, seed: u64) -> (usize, f64) {
    let mut rng = stream(seed, Stream::Neighbors);
    let probed = index::sample(&mut rng, cells.n_cells(), PROBED.min(cells.n_cells()));
    let probed: Vec<u32> = probed.iter().map(|cell| cell as u32).collect();
    let queries = cells.select(&probed);
    // A cell is its own nearest.
    let truth = of_queries(cells, &queries, count.min(NEAREST) + 1);
    let mut found_in = vec![0_usize; lists.len()];
    let mut total = 0_usize;
    for (place, (&cell, near)) in probed.iter().zip(truth.iter()).enumerate() {
        let lists_near = lists.near(lists.list_of[cell as usize] as usize);
        let to_lists = lists_near.cosines(&queries, place..place + 1);
        for other in near.iter().filter(|other| other.cell != cell) {
            total += 1;
            let list = lists.list_of[other.cell as usize];
            let Ok(list) = lists_near.lists.binary_search(&list) else {
                continue;
            };
            let is_before = |&(other, &cosine): &(usize, &f32)| {
                cosine > to_lists[list] || (cosine >= to_lists[list] && other < list)
            };
            found_in[to_lists.iter().enumerate().filter(is_before).count()] += 1;
        }
    }
    let most = (MOST_COMPARED * lists.len() / cells.n_cells()).clamp(1, lists.len());
    let recalls = found_in[..most].iter().scan(0_usize, |found, more| {
        *found += more;
        Some(*found as f64 / total.max(1) as f64)
    });
    let recalls: Vec<f64> = recalls.collect();
    let enough = recalls.iter().position(|&recall| recall >= RECALL);
    let last = enough.unwrap_or(most - 1);
    (last + 1, recalls[last])
}

/// `lists`: with the cells in their order.
fn search(
    lists: (&Lists, &Directions),
    count: usize,
    n_probed: usize,
    see: impl FnMut(usize, usize, &[Neighbor]) + Send,
) {
    let order = lists.0.order();
    let see = Mutex::new(see);
    (0..order.len().div_ceil(BLOCK))
        .into_par_iter()
        .for_each(|block| {
            let rows = block * BLOCK..((block + 1) * BLOCK).min(order.len());
            let found = search_block(lists, rows.clone(), count, n_probed);
            let mut see = see.lock().unwrap_or_else(PoisonError::into_inner);
            for (row, near) in rows.zip(&found) {
                see(row, order[row] as usize, near);
            }
        });
}

/// Of the cells of some rows of the lists, each of which is compared with the cells of the lists nearest to it.
fn search_block(
    (lists, sorted): (&Lists, &Directions),
    rows: Range<usize>,
    count: usize,
    n_probed: usize,
) -> Vec<Vec<Neighbor>> {
    let sweep = Sweep::new();
    let mut nearest: Vec<Nearest> = rows.clone().map(|_| Nearest::of(count)).collect();
    let mut cosines = vec![0.0; ROWS * COLUMNS];
    let probing = lists.probing(sorted, rows.clone(), n_probed);
    // The cells' own lists first: the others hold few that are nearer.
    let own = lists.of_rows(&rows);
    let others = (0..own.start).chain(own.end..lists.len());
    for list in own.chain(others) {
        let probing = &probing[list];
        for rows_of_list in probing.chunks(ROWS) {
            let queries = sorted.select(rows_of_list);
            for columns in chunks(lists.range(list), COLUMNS) {
                let cells = &lists.order()[columns.clone()];
                let nearest_of = |row: u32| &nearest[row as usize - rows.start];
                if (rows_of_list.iter()).all(|&row| nearest_of(row).are_settled_before(cells[0])) {
                    break;
                }
                let cosines = &mut cosines[..rows_of_list.len() * columns.len()];
                let of_queries = (&queries, 0..rows_of_list.len());
                sorted.cosines(of_queries, columns.clone(), cosines);
                let of_rows = cosines.chunks_exact(columns.len());
                for (&row, cosines) in rows_of_list.iter().zip(of_rows) {
                    let row = row as usize;
                    nearest[row - rows.start].see(lists.order()[row], cells, cosines, sweep);
                }
            }
        }
    }
    nearest.into_iter().map(Nearest::in_order).collect()
}

/// The nearest of the cells that one cell has been compared with so far.
struct Nearest {
    /// The nearest, in any order, and fewer than as many again that are not ruled out yet.
    kept: Vec<Neighbor>,
    count: usize,
    /// No cosine below it is among the nearest.
    least: f32,
    /// All of the nearest coincide with the cell; the one of highest index, where it is known to be so.
    last_that_coincides: Option<u32>,
}

impl Nearest {
    fn of(count: usize) -> Self {
        Self {
            kept: Vec::with_capacity(2 * count),
            count,
            least: f32::NEG_INFINITY,
            last_that_coincides: None,
        }
    }

    /// Whether no cell from `cell` on, in ascending order, can be among the nearest any more. Without this, many cells that are
    /// alike, which are in one list, would all be compared with each other.
    fn are_settled_before(&self, cell: u32) -> bool {
        self.last_that_coincides.is_some_and(|last| last < cell)
    }

    fn see(&mut self, itself: u32, cells: &[u32], cosines: &[f32], sweep: Sweep) {
        let mut seen = 0;
        while let Some(more) = sweep.first_at_least(&cosines[seen..], self.least) {
            let cell = cells[seen + more];
            if cell != itself {
                let distance = distance(cosines[seen + more]);
                self.keep(Neighbor { cell, distance });
            }
            seen += more + 1;
        }
    }

    fn keep(&mut self, near: Neighbor) {
        self.kept.push(near);
        if self.kept.len() < 2 * self.count {
            return;
        }
        let (_, last, _) = self
            .kept
            .select_nth_unstable_by(self.count - 1, |a, b| a.compared(*b));
        // Lower by rounding, so that no equal distance is passed over.
        self.least = 1.0 - last.distance - 2.0 * super::ROUNDING;
        self.last_that_coincides = (last.distance <= 0.0).then_some(last.cell);
        self.kept.truncate(self.count);
    }

    fn in_order(mut self) -> Vec<Neighbor> {
        self.kept.sort_unstable_by(|a, b| a.compared(*b));
        self.kept.truncate(self.count);
        self.kept
    }
}

/// Runs of at most this length, in order.
fn chunks(range: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    range
        .clone()
        .step_by(length)
        .map(move |start| start..(start + length).min(range.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use rand::Rng;

    /// 6,000 cells around 12 directions of 20 features.
    fn cells() -> Directions {
        let mut rng = stream(1, Stream::Sample);
        let mut around = || rng.random_range(-1.0_f32..1.0);
        let kinds = Array2::from_shape_fn((12, 20), |_| around());
        let cells = Array2::from_shape_fn((6000, 20), |(cell, feature)| {
            kinds[[cell % 12, feature]] + 0.3 * around()
        });
        Directions::of(&cells.view())
    }

    #[test]
    fn most_neighbours_are_the_true_ones_and_the_share_is_told() {
        let cells = cells();
        let found = among_many(cells.clone(), 14, 3);
        let exact = super::super::neighbors::among(&cells, 14);
        let right = |(found, exact): (&[Neighbor], &[Neighbor])| {
            let is_there = |near: &&Neighbor| found.iter().any(|found| found.cell == near.cell);
            exact.iter().filter(is_there).count()
        };
        let pairs = found.found.iter().zip(exact.iter());
        let recall = pairs.map(right).sum::<usize>() as f64 / (6000.0 * 14.0);
        assert!(
            recall > 0.95 && (recall - found.recall).abs() < 0.02,
            "{recall}"
        );
        let names = names_among_many(cells, 14, 3).found;
        for (&cell, names) in names.order.iter().zip(names.near.chunks(14)) {
            let near = found.found.of(cell as usize);
            assert!(near.iter().map(|near| near.cell).eq(names.iter().copied()));
            assert!(near.is_sorted_by_key(|near| near.distance));
        }
        let mut order = names.order;
        order.sort_unstable();
        assert!(order.into_iter().eq(0..6000));
    }

    #[test]
    fn where_all_lists_are_searched_neighbours_are_exact() {
        let cells = cells();
        let lists = Lists::of(&cells, 3);
        let exact = super::super::neighbors::among(&cells, 14);
        let sorted = cells.select(lists.order());
        let mut n_seen = 0;
        search((&lists, &sorted), 14, lists.len(), |_, cell, found| {
            for (found, exact) in found.iter().zip(exact.of(cell)) {
                assert!((found.distance - exact.distance).abs() < 1e-6);
            }
            n_seen += found.len();
        });
        assert_eq!(n_seen, 6000 * 14);
    }

    #[test]
    fn equal_cells_are_named_in_order() {
        // In one list, whose later cells are passed over.
        let same = Directions::of(&Array2::ones((4000, 3)).view());
        let found = among_many(same, 3, 0).found;
        let of =
            |cell: usize| -> Vec<u32> { found.of(cell).iter().map(|near| near.cell).collect() };
        assert_eq!((of(0), of(3999)), (vec![1, 2, 3], vec![0, 1, 2]));
    }
}
