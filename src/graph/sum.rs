//! The sum of two sparse graphs of the same cells.

use std::cmp::Ordering;

use crate::counts::Csr;

/// Adds `more` to `graph`, both n × n, in the memory of `graph`: with millions of cells there is no room for a third one. O(entries)
/// time.
///
/// Rows are merged from the last entry to the first: an entry never moves to a lower place, so that none is overwritten before
/// it is read.
///
/// # Panics
///
/// If the two have different numbers of cells.
pub(super) fn add(graph: Csr, more: &Csr) -> Csr {
    let shape = graph.shape();
    assert_eq!(shape, more.shape(), "graphs of the same cells");
    let offsets_of_sum = offsets(&graph, more);
    let (offsets, mut columns, mut weights) = graph.into_raw_storage();
    let n_new = offsets_of_sum[shape.0] - columns.len();
    columns.reserve_exact(n_new);
    weights.reserve_exact(n_new);
    columns.resize(offsets_of_sum[shape.0], 0);
    weights.resize(offsets_of_sum[shape.0], 0.0);
    for row in (0..shape.0).rev() {
        let added = more.indptr().outer_inds_sz(row);
        let (first, mut from, mut to) = (offsets[row], offsets[row + 1], offsets_of_sum[row + 1]);
        let added = more.indices()[added.clone()]
            .iter()
            .zip(&more.data()[added]);
        for (&column, &weight) in added.rev() {
            while from > first && columns[from - 1] > column {
                (from, to) = (from - 1, to - 1);
                (columns[to], weights[to]) = (columns[from], weights[from]);
            }
            to -= 1;
            let both = from > first && columns[from - 1] == column;
            from -= usize::from(both);
            weights[to] = if both { weights[from] + weight } else { weight };
            columns[to] = column;
        }
        let rest = first..from;
        columns.copy_within(rest.clone(), to - rest.len());
        weights.copy_within(rest.clone(), to - rest.len());
    }
    Csr::new(shape, offsets_of_sum, columns, weights)
}

/// Where the rows of the sum begin, and where the last one ends.
fn offsets(graph: &Csr, more: &Csr) -> Vec<usize> {
    let mut offsets = vec![0];
    for (one, other) in graph.outer_iterator().zip(more.outer_iterator()) {
        let (one, other) = (one.indices(), other.indices());
        let (mut i, mut j, mut n_both) = (0, 0, 0);
        while i < one.len() && j < other.len() {
            let order = one[i].cmp(&other[j]);
            i += usize::from(order != Ordering::Greater);
            j += usize::from(order != Ordering::Less);
            n_both += usize::from(order == Ordering::Equal);
        }
        offsets.push(offsets[offsets.len() - 1] + one.len() + other.len() - n_both);
    }
    offsets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sprs::TriMatI;

    use super::*;

    fn graph(entries: &[(usize, usize, u8)]) -> Csr {
        let mut triplets = TriMatI::<f32, u32>::new((5, 5));
        for &(a, b, weight) in entries {
            triplets.add_triplet(a, b, f32::from(weight));
        }
        triplets.to_csr()
    }

    #[test]
    fn by_hand() {
        let one = graph(&[(0, 1, 1), (0, 3, 2), (2, 2, 3)]);
        let other = graph(&[(0, 0, 4), (0, 3, 5), (0, 4, 6), (4, 1, 7)]);
        let expected = [
            (0, 0, 4),
            (0, 1, 1),
            (0, 3, 7),
            (0, 4, 6),
            (2, 2, 3),
            (4, 1, 7),
        ];
        assert_eq!(add(one, &other), graph(&expected));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn as_sprs_adds(
            one in prop::collection::vec((0_usize..5, 0_usize..5, 1_u8..9), 0..20),
            other in prop::collection::vec((0_usize..5, 0_usize..5, 1_u8..9), 0..20),
        ) {
            let (one, other) = (graph(&one), graph(&other));
            let expected = &one + &other;
            prop_assert_eq!(add(one, &other), expected);
        }
    }
}
