//! The nearest other cells of each of many cells.

use std::{
    cmp::Ordering,
    iter,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;

/// One of the cells near a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Which cell.
    pub cell: u32,
    /// How far away it is.
    pub distance: f32,
}

impl Neighbor {
    /// Which of two is nearer; of equally near ones the one of lower index.
    pub(super) fn compared(self, other: Self) -> Ordering {
        let by_distance = self.distance.total_cmp(&other.distance);
        by_distance.then(self.cell.cmp(&other.cell))
    }
}

/// Cells whose neighbours are found before they are written down together.
const AT_A_TIME: usize = 1024;

/// No cell: what fills the rows of cells that have fewer neighbours.
pub(super) const NO_CELL: u32 = u32::MAX;

const NOBODY: Neighbor = Neighbor {
    cell: NO_CELL,
    distance: f32::INFINITY,
};

/// Of each cell the nearest others, nearest first; of equally near ones the one of lower index first. 8 bytes each.
#[derive(Debug, Clone)]
pub(super) struct Neighborhoods {
    /// Rows of the same width.
    near: Vec<Neighbor>,
    width: usize,
}

impl Neighborhoods {
    /// Of so many cells, none of which has a neighbour yet, but room for `width` of them.
    pub(super) fn empty(n_cells: usize, width: usize) -> Self {
        let width = width.max(1);
        Self {
            near: vec![NOBODY; n_cells * width],
            width,
        }
    }

    /// Of cells whose at most `width` neighbours `find` finds, nearest first.
    pub(super) fn of_each(
        n_cells: usize,
        width: usize,
        find: impl Fn(usize) -> Vec<Neighbor> + Sync,
    ) -> Self {
        let mut all = Self::empty(n_cells, width);
        all.near
            .par_chunks_mut(all.width)
            .enumerate()
            .for_each(|(cell, row)| copy(&find(cell), row));
        all
    }

    /// The same, one cell after the other of `order`, all of them: where those that lie together follow each other, what is looked
    /// at of a cell and of those near it is often at hand. `find` is given the place in the order.
    pub(super) fn of_each_in(
        order: &[u32],
        width: usize,
        find: impl Fn(usize) -> Vec<Neighbor> + Sync,
    ) -> Self {
        let all = Mutex::new(Self::empty(order.len(), width));
        order
            .par_chunks(AT_A_TIME)
            .enumerate()
            .for_each(|(chunk, cells)| {
                let first = chunk * AT_A_TIME;
                let found: Vec<_> = (first..first + cells.len()).map(&find).collect();
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                for (&cell, near) in cells.iter().zip(&found) {
                    all.set(cell as usize, near);
                }
            });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of several runs of cells, one after the other; each has room for `width`.
    pub(super) fn concat(runs: Vec<Self>, width: usize) -> Self {
        Self {
            near: runs.into_iter().flat_map(|run| run.near).collect(),
            width: width.max(1),
        }
    }

    /// The same with each cell itself before its neighbours.
    pub(super) fn with_each_itself(&self) -> Self {
        Self::of_each(self.len(), self.width + 1, |cell| {
            let itself = Neighbor {
                cell: cell as u32,
                distance: 0.0,
            };
            let neighbors = self.of(cell).iter().copied();
            iter::once(itself).chain(neighbors).collect()
        })
    }

    /// Sets the neighbours of one cell, nearest first.
    pub(super) fn set(&mut self, cell: usize, near: &[Neighbor]) {
        copy(near, &mut self.near[cell * self.width..][..self.width]);
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.near.len() / self.width
    }

    /// The neighbours of one cell.
    pub(super) fn of(&self, cell: usize) -> &[Neighbor] {
        known(&self.near[cell * self.width..][..self.width])
    }

    /// Of every cell the first one that it coincides with, if it does.
    pub(super) fn twins(&self) -> impl Iterator<Item = Option<usize>> {
        let first = self.iter().map(|near| near.first());
        first
            .map(|near| near.filter(|near| near.distance <= 0.0))
            .map(|near| near.map(|near| near.cell as usize))
    }

    /// The neighbours of every cell, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[Neighbor]> {
        self.near.chunks_exact(self.width).map(known)
    }

    /// The same by several threads.
    pub(super) fn par_iter(&self) -> impl IndexedParallelIterator<Item = &[Neighbor]> {
        (0..self.len()).into_par_iter().map(|cell| self.of(cell))
    }
}

fn copy(near: &[Neighbor], row: &mut [Neighbor]) {
    let (to, rest) = row.split_at_mut(near.len());
    to.copy_from_slice(near);
    rest.fill(NOBODY);
}

fn known(row: &[Neighbor]) -> &[Neighbor] {
    let n_known = row.partition_point(|near| near.cell != NO_CELL);
    &row[..n_known]
}

/// Neighbours 0, 1, … at these distances.
#[cfg(test)]
pub(crate) fn at(distances: &[f32]) -> Vec<Neighbor> {
    let neighbor = |(cell, &distance)| Neighbor { cell, distance };
    (0_u32..).zip(distances).map(neighbor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_have_fewer_neighbours_than_there_is_room_for() {
        let rows = [at(&[0.1, 0.2]), at(&[]), at(&[0.5])];
        let mut all = Neighborhoods::of_each(3, 2, |cell| rows[cell].clone());
        assert_eq!((all.len(), all.of(2)), (3, &rows[2][..]));
        assert!(all.iter().eq(rows.iter().map(|row| &row[..])));
        all.set(0, &rows[2]);
        let turned =
            Neighborhoods::of_each_in(&[2, 0, 1], 2, |place| rows[(place + 2) % 3].clone());
        assert!(turned.iter().eq(rows.iter().map(|row| &row[..])));
        let with_itself = all.with_each_itself();
        let twins: Vec<Option<usize>> = with_itself.twins().collect();
        assert_eq!(twins, [Some(0), Some(1), Some(2)]);
        assert!(all.twins().eq([None, None, None]));
        let cells = |cell| with_itself.of(cell).iter().map(|near| near.cell);
        assert!(cells(1).eq([1]) && cells(2).eq([2, 0]));
        let twice = Neighborhoods::concat(vec![all.clone(), all], 2);
        let sizes: Vec<usize> = twice.par_iter().map(<[_]>::len).collect();
        assert_eq!(sizes, [1, 0, 1, 1, 0, 1]);
    }

    #[test]
    fn there_may_be_no_room() {
        let none = Neighborhoods::of_each(2, 0, |_| Vec::new());
        assert_eq!((none.len(), none.of(1).len()), (2, 0));
    }
}
