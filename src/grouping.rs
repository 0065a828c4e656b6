//! Cells in groups that are numbered from 0.

use std::ops::Range;

/// Number of groups, from the group of every cell: the highest number and one more.
pub(crate) fn n_groups(groups: &[usize]) -> usize {
    groups.iter().max().map_or(0, |last| last + 1)
}

/// Number of cells of every group.
pub(crate) fn sizes(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; n_groups(groups)];
    for &group in groups {
        sizes[group] += 1;
    }
    sizes
}

/// The cells of every group.
#[derive(Debug)]
pub(crate) struct Members {
    /// Those of the first group, then those of the second; ascending within a group.
    pub in_order: Vec<u32>,
    /// Where each group begins in these, and where the last one ends.
    starts: Vec<usize>,
}

impl Members {
    /// From the group of every cell, below `n_groups`.
    pub(crate) fn of(groups: impl Iterator<Item = usize> + Clone, n_groups: usize) -> Self {
        let mut starts = vec![0; n_groups + 1];
        for group in groups.clone() {
            starts[group + 1] += 1;
        }
        for group in 0..n_groups {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut in_order = vec![0; starts[n_groups]];
        for (cell, group) in groups.enumerate() {
            in_order[next[group]] = cell as u32;
            next[group] += 1;
        }
        Self { in_order, starts }
    }

    /// Where in the order the cells of a group are.
    pub(crate) fn range(&self, group: usize) -> Range<usize> {
        self.starts[group]..self.starts[group + 1]
    }

    /// The cells of a group.
    pub(crate) fn cells(&self, group: usize) -> &[u32] {
        &self.in_order[self.range(group)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_may_be_empty() {
        assert_eq!(sizes(&[2, 0, 2]), [1, 0, 2]);
        assert_eq!((n_groups(&[2, 0, 2]), n_groups(&[])), (3, 0));
        let members = Members::of([2, 0, 2].into_iter(), 3);
        let cells = [0, 1, 2].map(|group| members.cells(group));
        assert_eq!(cells, [&[1][..], &[], &[0, 2]]);
    }
}
