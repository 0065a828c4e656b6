//! Cells in lists of cells that lie together, by k-means.

use std::ops::Range;

use rand::seq::index;
use rayon::prelude::*;

use super::{cosine::Directions, sweep::Sweep};
use crate::{
    grouping::Members,
    seed::{Stream, stream},
    unit::scale_to_unit,
};

/// Cells of a list, on average, of up to a million cells. Of more, a list has 0.4 √n, or it would take longer to find the lists than
/// to search them.
const LIST: usize = 400;

/// Cells that the lists' centres are found on, per list.
const PER_LIST: usize = 64;

/// Rounds of k-means.
const ROUNDS: usize = 6;

/// Lists that those of a cell to search are chosen from: the nearest to the list that it is in.
const NEAR: usize = 512;

/// Cells in lists of cells that lie together; lists that follow each other are near each other, mostly.
pub(super) struct Lists {
    /// The cells of every list.
    members: Members,
    /// The list of every cell.
    pub list_of: Vec<u32>,
    /// The lists' centres.
    centers: Directions,
}

impl Lists {
    /// As `seed` decides, whatever the number of threads. O(n · √n · features) time.
    pub(super) fn of(cells: &Directions, seed: u64) -> Self {
        let n_lists = n_lists(cells.n_cells());
        let centers = neighbors_in_turn(&centers(cells, n_lists, seed), seed);
        let list_of = closest(cells, &centers);
        let lists = list_of.iter().map(|&list| list as usize);
        Self {
            members: Members::of(lists, n_lists),
            list_of,
            centers,
        }
    }

    /// Number of lists.
    pub(super) fn len(&self) -> usize {
        self.centers.n_cells()
    }

    /// Which cells: those of the first list, then those of the second.
    pub(super) fn order(&self) -> &[u32] {
        &self.members.in_order
    }

    pub(super) fn into_order(self) -> Vec<u32> {
        self.members.in_order
    }

    /// Where the cells of a list are in that order.
    pub(super) fn range(&self, list: usize) -> Range<usize> {
        self.members.range(list)
    }

    /// The lists that the cells of some rows, in the order of the lists, are in. There is a row.
    pub(super) fn of_rows(&self, rows: &Range<usize>) -> Range<usize> {
        let list_of = |row: usize| self.list_of[self.order()[row] as usize] as usize;
        list_of(rows.start)..list_of(rows.end - 1) + 1
    }

    /// The lists near one of them, ascending: itself, and as many others as make [`NEAR`], or all.
    pub(super) fn near(&self, list: usize) -> Near {
        let n_lists = self.len();
        let mut cosines = vec![0.0; n_lists];
        self.centers
            .cosines((&self.centers, list..list + 1), 0..n_lists, &mut cosines);
        let mut lists = Vec::new();
        for_largest(&cosines, NEAR.min(n_lists), |list| lists.push(list as u32));
        Near {
            centers: self.centers.select(&lists),
            lists,
        }
    }

    /// For every list, those of some rows of `sorted`, the cells in the order of the lists, that it is one of the `n_nearest` lists
    /// of, ascending. A cell's nearest lists are those of the lists near its own; of equally near ones the first ones count.
    pub(super) fn probing(
        &self,
        sorted: &Directions,
        rows: Range<usize>,
        n_nearest: usize,
    ) -> Vec<Vec<u32>> {
        let mut probing = vec![Vec::new(); self.len()];
        for list in self.of_rows(&rows) {
            let of_list = self.range(list);
            let of_list = of_list.start.max(rows.start)..of_list.end.min(rows.end);
            let near = self.near(list);
            let cosines = near.cosines(sorted, of_list.clone());
            for (row, cosines) in of_list.zip(cosines.chunks_exact(near.lists.len())) {
                for_largest(cosines, n_nearest.min(cosines.len()), |place| {
                    probing[near.lists[place] as usize].push(row as u32);
                });
            }
        }
        probing
    }
}

fn n_lists(n_cells: usize) -> usize {
    let list = LIST * n_cells.isqrt().max(1000) / 1000;
    (n_cells / list).max(1)
}

/// Lists that lie near each other.
pub(super) struct Near {
    /// Which lists, ascending.
    pub lists: Vec<u32>,
    centers: Directions,
}

impl Near {
    /// Cosines of some cells to the lists' centres: cells × lists.
    pub(super) fn cosines(&self, cells: &Directions, rows: Range<usize>) -> Vec<f32> {
        let mut cosines = vec![0.0; rows.len() * self.lists.len()];
        self.centers
            .cosines((cells, rows), 0..self.lists.len(), &mut cosines);
        cosines
    }
}

/// Calls `visit` with the places of the `count` largest cosines, ascending; of equal ones the first count. There are that many, and
/// at least one.
fn for_largest(cosines: &[f32], count: usize, mut visit: impl FnMut(usize)) {
    let mut ordered = cosines.to_vec();
    let (larger, &mut least, _) = ordered.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
    let n_larger = larger.iter().filter(|&&cosine| cosine > least).count();
    let mut n_equal = count - n_larger;
    for (place, &cosine) in cosines.iter().enumerate() {
        if cosine > least {
            visit(place);
        } else if cosine >= least && n_equal > 0 {
            n_equal -= 1;
            visit(place);
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

/// The centres in an order in which those that follow each other are near each other: by groups of them.
fn neighbors_in_turn(centers_of_lists: &Directions, seed: u64) -> Directions {
    let n_groups = centers_of_lists.n_cells().isqrt().max(1);
    let groups = closest(centers_of_lists, &centers(centers_of_lists, n_groups, seed));
    let mut order: Vec<u32> = (0..centers_of_lists.n_cells() as u32).collect();
    order.sort_by_key(|&list| groups[list as usize]);
    centers_of_lists.select(&order)
}

/// The centre of largest cosine to each cell; the first of equals.
fn closest(cells: &Directions, centers: &Directions) -> Vec<u32> {
    let n_centers = centers.n_cells();
    let sweep = Sweep::new();
    let blocks: Vec<Vec<u32>> = centers
        .blocks(cells.n_cells())
        .map(|rows| {
            let mut cosines = vec![0.0; rows.len() * n_centers];
            centers.cosines((cells, rows), 0..n_centers, &mut cosines);
            let of_cells = cosines.chunks_exact(n_centers);
            of_cells.map(|row| sweep.largest(row) as u32).collect()
        })
        .collect();
    blocks.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn every_cell_is_in_the_list_of_its_nearest_centre_and_probes_it() {
        let features = Array2::from_shape_fn((2000, 5), |(cell, feature)| {
            ((cell * 31 + feature * 17 + cell * feature) % 97) as f32 - 48.0
        });
        let cells = Directions::of(&features.view());
        let lists = Lists::of(&cells, 1);
        assert_eq!((lists.len(), lists.range(4).end), (5, 2000));
        let sorted = cells.select(lists.order());
        let probing = lists.probing(&sorted, 100..300, 2);
        for row in 100..300_u32 {
            let of_row: Vec<usize> = (0..5).filter(|&l| probing[l].contains(&row)).collect();
            assert_eq!(of_row.len(), 2);
            let own = lists.list_of[lists.order()[row as usize] as usize] as usize;
            assert!(of_row.contains(&own) && lists.range(own).contains(&(row as usize)));
        }
    }

    #[test]
    fn lists_grow_beyond_a_million_cells() {
        let found = [0, 399, 200_000, 1_000_000, 4_000_000].map(n_lists);
        assert_eq!(found, [1, 1, 500, 2500, 5000]);
    }

    #[test]
    fn the_largest_of_many_are_those_that_sorting_finds() {
        let of = |place: usize| ((place * 7919) % 601) as f32 / 601.0 - 0.5;
        for (n, count) in [(3000, 5), (3000, 186), (3000, 187), (3000, 3000), (40, 1)] {
            let mut visited = Vec::new();
            let cosines: Vec<f32> = (0..n).map(of).collect();
            for_largest(&cosines, count, |place| visited.push(place));
            let mut expected: Vec<usize> = (0..n).collect();
            expected.sort_by(|&a, &b| of(b).total_cmp(&of(a)).then(a.cmp(&b)));
            expected.truncate(count);
            expected.sort_unstable();
            assert_eq!(visited, expected, "{count} of {n}");
        }
    }

    #[test]
    fn of_equal_ones_the_first_count() {
        let mut visited = Vec::new();
        let cosines = [0.5, -0.5, 0.5, 0.9, 0.5];
        for_largest(&cosines, 3, |place| visited.push(place));
        assert_eq!(visited, [0, 2, 3]);
    }
}
