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

/// All members, one group after the other, each in ascending order; and where each of `n_groups` groups begins, and the last one ends.
pub(crate) fn in_groups(groups: &[u32], n_groups: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; n_groups + 1];
    for &group in groups {
        starts[group as usize + 1] += 1;
    }
    for group in 0..n_groups {
        starts[group + 1] += starts[group];
    }
    let mut next = starts.clone();
    let mut members = vec![0; groups.len()];
    for (member, &group) in groups.iter().enumerate() {
        let place = &mut next[group as usize];
        members[*place] = member as u32;
        *place += 1;
    }
    (members, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_may_be_empty() {
        assert_eq!(sizes(&[2, 0, 2]), [1, 0, 2]);
        assert_eq!((n_groups(&[2, 0, 2]), n_groups(&[])), (3, 0));
        let expected = (vec![1, 0, 2], vec![0, 1, 1, 3]);
        assert_eq!(in_groups(&[2, 0, 2], 3), expected);
    }
}
