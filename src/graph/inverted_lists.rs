//! Nearest neighbours of very many cells, by an inverted file.
//!
//! k-means puts the cells into lists, and a cell is compared with the cells of the lists nearest to its own only
//! (Jégou, Douze & Schmid 2011, doi:10.1109/TPAMI.2010.57; without their compression).

use std::ops::Range;

use rand::seq::index;
use rayon::prelude::*;

use super::{
    cosine::{Directions, distance},
    neighbors::{Neighbor, Neighborhoods, of_queries},
};
use crate::{
    seed::{Stream, stream},
    unit::scale_to_unit,
};

/// Cells of a list, on average.
const LIST: usize = 400;

/// Cells that the lists' centres are found on, per list.
const PER_LIST: usize = 64;

/// Rounds of k-means.
const ROUNDS: usize = 6;

/// Cells whose neighbours are found exactly, to see how many lists have to be searched.
const PROBED: usize = 512;

/// Share of their neighbours that has to be found.
const RECALL: f64 = 0.97;

/// Most cells that a cell is compared with, on average: beyond, the search would be quadratic.
const MOST_COMPARED: usize = 1 << 15;

/// Cells that are multiplied at a time, by cells that they are compared with: half a megabyte of products.
const ROWS: usize = 128;
const COLUMNS: usize = 1024;

/// Neighbours, and how many of the true ones are among them.
pub(super) struct Approximate {
    /// Of every cell, nearest first; of equally near ones the one of lower index first.
    pub neighborhoods: Neighborhoods,
    /// Share of the true neighbours that were found, measured on 512 cells.
    pub recall: f64,
}

/// The `count` nearest others of every cell, most of them right: as many lists are searched as it takes to find 97 % of
/// the true neighbours of 512 cells, or all that it takes to compare a cell with 32,768 others.
///
/// The result depends on `seed`, and not on the number of threads. O(n · √n · features) time where cells lie in groups, no more
/// than O(n · 32,768 · features) in any case; O(n · features) memory.
pub(super) fn among_many(cells: &Directions, count: usize, seed: u64) -> Approximate {
    let lists = Lists::of(cells, seed);
    let (n_probed, recall) = lists.probes(cells, count, seed);
    Approximate {
        neighborhoods: lists.search(count, n_probed),
        recall,
    }
}

/// Cells in lists of cells that lie together.
struct Lists {
    /// Which cells: those of the first list, then those of the second.
    order: Vec<u32>,
    /// Where each list begins in `order`, and where the last one ends.
    starts: Vec<usize>,
    /// The list of every cell.
    list_of: Vec<u32>,
    /// The cells in that order.
    sorted: Directions,
    /// For every list all of them, the nearest first.
    nearest: Vec<Vec<u32>>,
}

impl Lists {
    fn of(cells: &Directions, seed: u64) -> Self {
        let n_lists = (cells.n_cells() / LIST).max(1);
        let centers = centers(cells, n_lists, seed);
        let list_of = closest(cells, &centers);
        let mut starts = vec![0; n_lists + 1];
        for &list in &list_of {
            starts[list as usize + 1] += 1;
        }
        for list in 0..n_lists {
            starts[list + 1] += starts[list];
        }
        let mut order: Vec<u32> = (0..cells.n_cells() as u32).collect();
        order.sort_by_key(|&cell| list_of[cell as usize]);
        Self {
            sorted: cells.select(&order),
            order,
            starts,
            list_of,
            nearest: by_nearness(&centers),
        }
    }

    fn range(&self, list: usize) -> Range<usize> {
        self.starts[list]..self.starts[list + 1]
    }

    /// How many lists have to be searched, and the share of true neighbours in these.
    fn probes(&self, cells: &Directions, count: usize, seed: u64) -> (usize, f64) {
        let mut rng = stream(seed, Stream::Neighbors);
        let probed = index::sample(&mut rng, cells.n_cells(), PROBED.min(cells.n_cells()));
        let probed: Vec<u32> = probed.iter().map(|cell| cell as u32).collect();
        // A cell is its own nearest.
        let truth = of_queries(cells, &cells.select(&probed), count + 1);
        let n_lists = self.nearest.len();
        let mut found_in = vec![0_usize; n_lists];
        for (&cell, near) in probed.iter().zip(&truth) {
            let order = &self.nearest[self.list_of[cell as usize] as usize];
            let mut rank_of = vec![0; n_lists];
            for (rank, &list) in order.iter().enumerate() {
                rank_of[list as usize] = rank;
            }
            for other in near.iter().filter(|other| other.cell != cell) {
                found_in[rank_of[self.list_of[other.cell as usize] as usize]] += 1;
            }
        }
        let total: usize = found_in.iter().sum();
        let most = (MOST_COMPARED * n_lists / cells.n_cells()).clamp(1, n_lists);
        let mut found = 0;
        for (n_probed, more) in (1..).zip(found_in) {
            found += more;
            let recall = found as f64 / total.max(1) as f64;
            if recall >= RECALL || n_probed == most {
                return (n_probed, recall);
            }
        }
        (n_lists, 1.0)
    }

    fn search(&self, count: usize, n_probed: usize) -> Neighborhoods {
        let of_lists: Vec<Neighborhoods> = (0..self.nearest.len())
            .into_par_iter()
            .map(|list| self.search_list(list, count, n_probed))
            .collect();
        let mut all: Neighborhoods = vec![Vec::new(); self.order.len()];
        for (&cell, near) in self.order.iter().zip(of_lists.into_iter().flatten()) {
            all[cell as usize] = near;
        }
        all
    }

    /// Of the cells of one list.
    fn search_list(&self, list: usize, count: usize, n_probed: usize) -> Neighborhoods {
        let rows = self.range(list);
        let mut nearest: Vec<Nearest> = rows.clone().map(|_| Nearest::of(count)).collect();
        let mut cosines = vec![0.0; ROWS * COLUMNS];
        for &other in &self.nearest[list][..n_probed] {
            for columns in chunks(self.range(other as usize), COLUMNS) {
                for rows_of_block in chunks(rows.clone(), ROWS) {
                    let cosines = &mut cosines[..rows_of_block.len() * columns.len()];
                    let queries = (&self.sorted, rows_of_block.clone());
                    self.sorted.cosines(queries, columns.clone(), cosines);
                    let cells = &self.order[columns.clone()];
                    for (row, cosines) in rows_of_block.zip(cosines.chunks_exact(columns.len())) {
                        nearest[row - rows.start].see(self.order[row], cells, cosines);
                    }
                }
            }
        }
        nearest.into_iter().map(|nearest| nearest.kept).collect()
    }
}

/// The nearest of the cells that one cell has been compared with so far.
struct Nearest {
    kept: Vec<Neighbor>,
    count: usize,
    /// No cosine below it is among the nearest.
    least: f32,
}

impl Nearest {
    fn of(count: usize) -> Self {
        Self {
            kept: Vec::with_capacity(count + 1),
            count,
            least: f32::NEG_INFINITY,
        }
    }

    fn see(&mut self, itself: u32, cells: &[u32], cosines: &[f32]) {
        const AT_A_TIME: usize = 16;
        for (cells, cosines) in cells.chunks(AT_A_TIME).zip(cosines.chunks(AT_A_TIME)) {
            let largest = cosines
                .iter()
                .fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
            if largest < self.least {
                continue;
            }
            for (&cell, &cosine) in cells.iter().zip(cosines) {
                if cosine >= self.least && cell != itself {
                    self.keep(Neighbor {
                        cell,
                        distance: distance(cosine),
                    });
                }
            }
        }
    }

    fn keep(&mut self, near: Neighbor) {
        let place = self
            .kept
            .partition_point(|kept| (kept.distance, kept.cell) < (near.distance, near.cell));
        self.kept.insert(place, near);
        self.kept.truncate(self.count);
        if let (true, Some(last)) = (self.kept.len() == self.count, self.kept.last()) {
            // Lower by rounding, so that no equal distance is passed over.
            self.least = 1.0 - last.distance - 2.0 * super::ROUNDING;
        }
    }
}

/// Centres of lists, by k-means on the cosine (Dhillon & Modha 2001, doi:10.1023/A:1007612920971).
fn centers(cells: &Directions, n_lists: usize, seed: u64) -> Directions {
    let mut rng = stream(seed, Stream::Lists);
    let n_sample = (n_lists * PER_LIST).min(cells.n_cells());
    let sample = index::sample(&mut rng, cells.n_cells(), n_sample);
    let sample: Vec<u32> = sample.iter().map(|cell| cell as u32).collect();
    let sample = cells.select(&sample);
    let mut centers = sample.select(&(0..n_lists as u32).collect::<Vec<_>>());
    for _ in 0..ROUNDS {
        let mut sums = vec![vec![0.0_f32; sample.n_features()]; n_lists];
        for (row, list) in sample.view().outer_iter().zip(closest(&sample, &centers)) {
            let sum = &mut sums[list as usize];
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += value);
        }
        for (list, mut sum) in sums.into_iter().enumerate() {
            // A list that no cell is closest to stays where it was.
            if sum.iter().any(|&value| value != 0.0) {
                scale_to_unit(&mut sum);
                centers.set(list, &sum);
            }
        }
    }
    centers
}

/// The centre of largest cosine to each cell; the first of equals.
fn closest(cells: &Directions, centers: &Directions) -> Vec<u32> {
    let blocks: Vec<Vec<u32>> = centers
        .blocks(cells.n_cells())
        .map(|rows| {
            let mut cosines = vec![0.0; rows.len() * centers.n_cells()];
            centers.cosines((cells, rows), 0..centers.n_cells(), &mut cosines);
            let largest = |cosines: &[f32]| {
                let first = (0, f32::NEG_INFINITY);
                let larger = |best: (u32, f32), (list, &cosine): (u32, &f32)| {
                    if cosine > best.1 {
                        (list, cosine)
                    } else {
                        best
                    }
                };
                (0..).zip(cosines).fold(first, larger).0
            };
            cosines
                .chunks_exact(centers.n_cells())
                .map(largest)
                .collect()
        })
        .collect();
    blocks.concat()
}

/// For every list all lists, the nearest first; of equally near ones the one of lower index first.
fn by_nearness(centers: &Directions) -> Vec<Vec<u32>> {
    let n_lists = centers.n_cells();
    let of_list = |list: usize| {
        let mut cosines = vec![0.0; n_lists];
        centers.cosines((centers, list..list + 1), 0..n_lists, &mut cosines);
        cosines[list] = f32::INFINITY;
        let mut order: Vec<u32> = (0..n_lists as u32).collect();
        order.sort_by(|&a, &b| cosines[b as usize].total_cmp(&cosines[a as usize]));
        order
    };
    (0..n_lists).into_par_iter().map(of_list).collect()
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
        let found = among_many(&cells, 14, 3);
        let exact = super::super::neighbors::among(&cells, 14);
        let right = |(found, exact): (&Vec<Neighbor>, &Vec<Neighbor>)| {
            let is_there = |near: &&Neighbor| found.iter().any(|found| found.cell == near.cell);
            exact.iter().filter(is_there).count()
        };
        let pairs = found.neighborhoods.iter().zip(&exact);
        let recall = pairs.map(right).sum::<usize>() as f64 / (6000.0 * 14.0);
        assert!(
            recall > 0.95 && (recall - found.recall).abs() < 0.02,
            "{recall}"
        );
        for near in &found.neighborhoods {
            assert_eq!(near.len(), 14);
            assert!(near.is_sorted_by_key(|near| near.distance));
        }
    }

    #[test]
    fn where_all_lists_are_searched_neighbours_are_exact() {
        let cells = cells();
        let lists = Lists::of(&cells, 3);
        let found = lists.search(14, lists.nearest.len());
        let exact = super::super::neighbors::among(&cells, 14);
        for (found, exact) in found.iter().zip(&exact) {
            for (found, exact) in found.iter().zip(exact) {
                assert!((found.distance - exact.distance).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn equal_cells_are_named_in_order() {
        let same = Directions::of(&Array2::ones((900, 3)).view());
        let found = among_many(&same, 3, 0);
        let of = |cell: usize| -> Vec<u32> {
            found.neighborhoods[cell]
                .iter()
                .map(|near| near.cell)
                .collect()
        };
        assert_eq!((of(0), of(899)), (vec![1, 2, 3], vec![0, 1, 2]));
    }
}
