//! Cells in lists of cells that lie together, by k-means.

use std::ops::Range;

use rand::seq::index;
use rayon::prelude::*;

use super::{cosine::Directions, sweep::Sweep};
use crate::{
    grouping::in_groups,
    seed::{Stream, stream},
    unit::scale_to_unit,
};

/// Cells of a list, on average.
const LIST: usize = 400;

/// Cells that the lists' centres are found on, per list.
const PER_LIST: usize = 64;

/// Rounds of k-means.
const ROUNDS: usize = 6;

/// Cells that are compared with all centres at a time.
const ROWS: usize = 64;

/// Cosines of a group, the largest of which stands for it.
const IN_GROUP: usize = 16;

/// Cells in lists of cells that lie together; lists that follow each other are near each other, mostly.
pub(super) struct Lists {
    /// Which cells: those of the first list, then those of the second.
    pub order: Vec<u32>,
    /// Where each list begins in `order`, and where the last one ends.
    starts: Vec<usize>,
    /// The list of every cell.
    pub list_of: Vec<u32>,
    /// The lists' centres.
    pub centers: Directions,
}

impl Lists {
    /// As `seed` decides, whatever the number of threads. O(n² / 400 · features) time.
    pub(super) fn of(cells: &Directions, seed: u64) -> Self {
        let n_lists = (cells.n_cells() / LIST).max(1);
        let centers = neighbors_in_turn(&centers(cells, n_lists, seed), seed);
        let list_of = closest(cells, &centers);
        let (order, starts) = in_groups(&list_of, n_lists);
        Self {
            order,
            starts,
            list_of,
            centers,
        }
    }

    /// Number of lists.
    pub(super) fn len(&self) -> usize {
        self.centers.n_cells()
    }

    /// Where the cells of a list are.
    pub(super) fn range(&self, list: usize) -> Range<usize> {
        self.starts[list]..self.starts[list + 1]
    }

    /// For every list, those of some rows of `sorted`, the cells in the order of the lists, that it is one of the `n_nearest` lists
    /// of, ascending; of equally near lists the first ones count.
    pub(super) fn probing(
        &self,
        sorted: &Directions,
        rows: Range<usize>,
        n_nearest: usize,
        sweep: Sweep,
    ) -> Vec<Vec<u32>> {
        let n_lists = self.len();
        let mut probing = vec![Vec::new(); n_lists];
        let mut cosines = vec![0.0; ROWS * n_lists];
        for first in rows.clone().step_by(ROWS) {
            let rows = first..(first + ROWS).min(rows.end);
            let cosines = &mut cosines[..rows.len() * n_lists];
            self.centers
                .cosines((sorted, rows.clone()), 0..n_lists, cosines);
            for (row, cosines) in rows.zip(cosines.chunks_exact_mut(n_lists)) {
                for_largest(cosines, n_nearest, sweep, |list| {
                    probing[list].push(row as u32);
                });
            }
        }
        probing
    }
}

/// Calls `visit` with the places of the `count` largest cosines, ascending; of equal ones the first count. Moves the cosines up
/// by 2.
fn for_largest(cosines: &mut [f32], count: usize, sweep: Sweep, mut visit: impl FnMut(usize)) {
    // The bits of floats above 0 are in the order of the floats.
    for cosine in &mut *cosines {
        *cosine += 2.0;
    }
    let bound = bound_of_largest(cosines, count);
    let mut bits = Vec::new();
    sweep.each_at_least(cosines, bound, |place| {
        bits.push(cosines[place].to_bits());
    });
    let last = bits.len() - count;
    let (_, &mut least, larger) = bits.select_nth_unstable(last);
    let mut n_equal = count - larger.iter().filter(|&&bits| bits > least).count();
    let least = f32::from_bits(least);
    sweep.each_at_least(cosines, least, |place| {
        if cosines[place] > least {
            visit(place);
        } else if n_equal > 0 {
            n_equal -= 1;
            visit(place);
        }
    });
}

/// A value that at least `count` of the cosines, all above 0, reach, and few more: as many groups of [`IN_GROUP`] of them have a
/// largest one that reaches it. 0 where there are no more groups than that.
fn bound_of_largest(cosines: &[f32], count: usize) -> f32 {
    let n_groups = cosines.len() / IN_GROUP;
    if n_groups <= count {
        return 0.0;
    }
    let mut largest = vec![0.0_f32; n_groups];
    for row in cosines.chunks(n_groups) {
        for (largest, &cosine) in largest.iter_mut().zip(row) {
            *largest = if cosine > *largest { cosine } else { *largest };
        }
    }
    let mut bits: Vec<u32> = largest.iter().map(|cosine| cosine.to_bits()).collect();
    f32::from_bits(*bits.select_nth_unstable(n_groups - count).1)
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
        let sorted = cells.select(&lists.order);
        let probing = lists.probing(&sorted, 100..300, 2, Sweep::new());
        for row in 100..300_u32 {
            let of_row: Vec<usize> = (0..5).filter(|&l| probing[l].contains(&row)).collect();
            assert_eq!(of_row.len(), 2);
            let own = lists.list_of[lists.order[row as usize] as usize] as usize;
            assert!(of_row.contains(&own) && lists.range(own).contains(&(row as usize)));
        }
    }

    #[test]
    fn the_largest_of_many_are_those_that_sorting_finds() {
        let of = |place: usize| ((place * 7919) % 601) as f32 / 601.0 - 0.5;
        for (n, count) in [(3000, 5), (3000, 186), (3000, 187), (3000, 3000), (40, 1)] {
            let mut visited = Vec::new();
            let mut cosines: Vec<f32> = (0..n).map(of).collect();
            for_largest(&mut cosines, count, Sweep::new(), |place| {
                visited.push(place);
            });
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
        let mut cosines = [0.5, -0.5, 0.5, 0.9, 0.5];
        for_largest(&mut cosines, 3, Sweep::new(), |place| visited.push(place));
        assert_eq!(visited, [0, 2, 3]);
    }
}
