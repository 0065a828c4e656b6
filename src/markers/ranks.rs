//! Rank sums of one gene's values, batch by batch and cluster by cluster.

use super::{entry::Entry, groups::Groups};

/// What a gene's values add up to in every group: each cluster of the first batch, then of the second, and so on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GeneSums {
    /// Sums of ranks within the batch, from 1 for its lowest value; equal values share the mean of their ranks.
    pub ranks: Vec<f64>,
    /// Sums of values.
    pub values: Vec<f64>,
    /// Cells that the gene is detected in.
    pub detected: Vec<usize>,
}

/// Sorts a gene's values above 0 and ranks them in each batch; all other cells of the groups have a 0.
///
/// Ranks are whole or half, so that their sums are exact.
pub(super) fn sums(stored: &mut [Entry], groups: &Groups) -> GeneSums {
    stored.sort_unstable();
    let n_groups = groups.sizes.len();
    let batch_of = |entry: &Entry| entry.group() / groups.n_clusters;
    let mut n_zeros = groups.batch_sizes.clone();
    for entry in stored.iter() {
        n_zeros[batch_of(entry)] -= 1;
    }
    let mut sums = GeneSums {
        ranks: vec![0.0; n_groups],
        values: vec![0.0; n_groups],
        detected: vec![0; n_groups],
    };
    let mut below = n_zeros.clone();
    let is_equal = |a: &Entry, b: &Entry| a.value().to_bits() == b.value().to_bits();
    // Equal values lie in the order of their groups, and so of their batches.
    for ties in stored.chunk_by(|a, b| is_equal(a, b) && batch_of(a) == batch_of(b)) {
        let below = &mut below[batch_of(&ties[0])];
        let rank = mean_rank(*below, ties.len());
        for entry in ties {
            let group = entry.group();
            sums.ranks[group] += rank;
            sums.values[group] += f64::from(entry.value());
            sums.detected[group] += 1;
        }
        *below += ties.len();
    }
    for (group, &size) in groups.sizes.iter().enumerate() {
        let rank_of_zero = mean_rank(0, n_zeros[group / groups.n_clusters]);
        sums.ranks[group] += rank_of_zero * (size - sums.detected[group]) as f64;
    }
    sums
}

/// Mean of the ranks of `ties` equal values above `below` lower ones.
fn mean_rank(below: usize, ties: usize) -> f64 {
    f64::midpoint((below + 1) as f64, (below + ties) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Batches;
    use proptest::prelude::*;

    fn entries(values: &[f32], groups: &[usize]) -> Vec<Entry> {
        let pairs = values.iter().zip(groups);
        let stored = pairs.filter(|(value, _)| **value > 0.0);
        stored
            .map(|(&value, &group)| Entry::new(value, group))
            .collect()
    }

    #[test]
    fn ranks_of_six_cells() {
        // Values 0 0 1 1 3 2 have the ranks 1.5 1.5 3.5 3.5 6 5.
        let clusters = [0, 1, 1, 0, 1, 0];
        let mut stored = entries(&[0., 0., 1., 1., 3., 2.], &clusters);
        let sums = sums(&mut stored, &Groups::of(&clusters, None));
        assert_eq!(sums.ranks, [1.5 + 3.5 + 5.0, 1.5 + 3.5 + 6.0]);
        assert_eq!(sums.values, [3.0, 4.0]);
        assert_eq!(sums.detected, [2, 2]);
    }

    proptest! {
        #[test]
        fn a_rank_is_the_number_of_lower_cells_of_the_batch_and_half_the_equal_ones(
            cells in prop::collection::vec((0..5_u16, 0..3_usize, 0..2_usize), 1..40)
        ) {
            let clusters: Vec<usize> = cells.iter().map(|cell| cell.1).collect();
            let names: Vec<usize> = cells.iter().map(|cell| cell.2).collect();
            let groups = Groups::of(&clusters, Some(&Batches::of_all(&names)));
            let mut expected = vec![0.0; groups.sizes.len()];
            for ((value, _, batch), group) in cells.iter().zip(&groups.of_cell) {
                let others = || cells.iter().filter(|other| other.2 == *batch);
                let lower = others().filter(|other| other.0 < *value).count();
                let equal = others().filter(|other| other.0 == *value).count();
                expected[*group] += lower as f64 + 0.5 * (equal + 1) as f64;
            }
            let thirds: Vec<f32> = cells.iter().map(|cell| f32::from(cell.0) / 3.0).collect();
            let sums = sums(&mut entries(&thirds, &groups.of_cell), &groups);
            prop_assert_eq!(sums.ranks, expected);
        }
    }
}
