//! Rank sums of one gene's values, cluster by cluster.

use super::entry::Entry;

/// What a gene's values add up to in every cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GeneSums {
    /// Sums of ranks, from 1 for the lowest value; equal values share the mean of their ranks.
    pub ranks: Vec<f64>,
    /// Sums of values.
    pub values: Vec<f64>,
    /// Cells that the gene is detected in.
    pub detected: Vec<usize>,
}

/// Sorts a gene's values above 0 and ranks them; all other cells of the clusters have a 0.
///
/// Ranks are whole or half, so that their sums are exact.
pub(super) fn sums(stored: &mut [Entry], sizes: &[usize]) -> GeneSums {
    stored.sort_unstable();
    let n_zeros = sizes.iter().sum::<usize>() - stored.len();
    let mut sums = GeneSums {
        ranks: vec![0.0; sizes.len()],
        values: vec![0.0; sizes.len()],
        detected: vec![0; sizes.len()],
    };
    let mut below = n_zeros;
    for ties in stored.chunk_by(|a, b| a.value().to_bits() == b.value().to_bits()) {
        let rank = mean_rank(below, ties.len());
        for entry in ties {
            let cluster = entry.cluster();
            sums.ranks[cluster] += rank;
            sums.values[cluster] += f64::from(entry.value());
            sums.detected[cluster] += 1;
        }
        below += ties.len();
    }
    let rank_of_zero = mean_rank(0, n_zeros);
    for ((rank, size), detected) in sums.ranks.iter_mut().zip(sizes).zip(&sums.detected) {
        *rank += rank_of_zero * (size - detected) as f64;
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
    use proptest::prelude::*;

    fn entries(values: &[f32], clusters: &[usize]) -> Vec<Entry> {
        let pairs = values.iter().zip(clusters);
        let stored = pairs.filter(|(value, _)| **value > 0.0);
        stored
            .map(|(&value, &cluster)| Entry::new(value, cluster))
            .collect()
    }

    #[test]
    fn ranks_of_six_cells() {
        // Values 0 0 1 1 3 2 have the ranks 1.5 1.5 3.5 3.5 6 5.
        let clusters = [0, 1, 1, 0, 1, 0];
        let mut stored = entries(&[0., 0., 1., 1., 3., 2.], &clusters);
        let sums = sums(&mut stored, &[3, 3]);
        assert_eq!(sums.ranks, [1.5 + 3.5 + 5.0, 1.5 + 3.5 + 6.0]);
        assert_eq!(sums.values, [3.0, 4.0]);
        assert_eq!(sums.detected, [2, 2]);
    }

    proptest! {
        #[test]
        fn a_rank_is_the_number_of_lower_cells_and_half_the_equal_ones(
            cells in prop::collection::vec((0..5_u16, 0..3_usize), 1..40)
        ) {
            let values: Vec<u16> = cells.iter().map(|cell| cell.0).collect();
            let clusters: Vec<usize> = cells.iter().map(|cell| cell.1).collect();
            let mut expected = [0.0; 3];
            let thirds: Vec<f32> = values.iter().map(|&value| f32::from(value) / 3.0).collect();
            let mut sizes = [0; 3];
            for (value, cluster) in values.iter().zip(&clusters) {
                let lower = values.iter().filter(|other| *other < value).count();
                let equal = values.iter().filter(|other| *other == value).count();
                expected[*cluster] += lower as f64 + 0.5 * (equal + 1) as f64;
                sizes[*cluster] += 1;
            }
            let sums = sums(&mut entries(&thirds, &clusters), &sizes);
            prop_assert_eq!(sums.ranks, expected);
        }
    }
}
