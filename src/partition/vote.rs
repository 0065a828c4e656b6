//! Labels of cells that were not clustered themselves.

use ndarray::{ArrayView2, Axis};

use crate::graph::nearest;

/// Labelled cells that vote for another cell's label.
pub(crate) const VOTERS: usize = 15;

/// Cells that are labelled at a time.
const BLOCK: usize = 8192;

/// Labels of all cells: a clustered one keeps its own, another gets that of most of the 15 clustered cells nearest to it by
/// cosine. Of clusters with as many votes, that of the nearest cell is taken.
///
/// `z`: the embedding of all n cells, n × d; `clustered`: positions of m clustered cells, at least one, ascending; `labels`:
/// their clusters. O((n − m) · m · d) time.
#[must_use]
pub fn vote(z: ArrayView2<'_, f32>, clustered: &[usize], labels: &[usize]) -> Vec<usize> {
    let mut all: Vec<Option<usize>> = vec![None; z.nrows()];
    for (&cell, &label) in clustered.iter().zip(labels) {
        all[cell] = Some(label);
    }
    let others: Vec<usize> = (0..z.nrows()).filter(|&cell| all[cell].is_none()).collect();
    let known = z.select(Axis(0), clustered);
    for block in others.chunks(BLOCK) {
        let voters = nearest(known.view(), z.select(Axis(0), block).view(), VOTERS);
        for (&cell, voters) in block.iter().zip(&voters) {
            all[cell] = elected(voters, labels);
        }
    }
    all.into_iter().flatten().collect()
}

/// The label that most voters have; of equals, the one that was named first.
fn elected(voters: &[u32], labels: &[usize]) -> Option<usize> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for &voter in voters {
        let label = labels[voter as usize];
        match counts.iter_mut().find(|(named, _)| *named == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((label, 1)),
        }
    }
    let most = counts.iter().map(|&(_, count)| count).max()?;
    let first = counts.iter().find(|&&(_, count)| count == most);
    first.map(|&(label, _)| label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn equal_votes_go_to_the_nearest() {
        let labels = [1, 2, 1, 2];
        assert_eq!(elected(&[3, 0, 2, 1], &labels), Some(2));
        assert_eq!(elected(&[3, 2, 0], &labels), Some(1));
        assert_eq!(elected(&[], &labels), None);
    }

    #[test]
    fn clustered_cells_keep_their_labels_and_the_others_get_their_neighbours() {
        // Forty cells in two directions; every third one was not clustered.
        let z = Array2::from_shape_fn((40, 2), |(cell, column)| {
            f32::from(u8::from(cell % 2 == column)) + cell as f32 * 1e-3
        });
        let clustered: Vec<usize> = (0..40).filter(|cell| cell % 3 != 0).collect();
        let labels: Vec<usize> = clustered.iter().map(|cell| cell % 2).collect();
        let found = vote(z.view(), &clustered, &labels);
        let expected: Vec<usize> = (0..40).map(|cell| cell % 2).collect();
        assert_eq!(found, expected);
    }
}
