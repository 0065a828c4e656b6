//! Cells in groups that are numbered from 0.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_may_be_empty() {
        assert_eq!(sizes(&[2, 0, 2]), [1, 0, 2]);
        assert_eq!((n_groups(&[2, 0, 2]), n_groups(&[])), (3, 0));
    }
}
