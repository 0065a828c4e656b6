//! Labels of cells that were not clustered themselves.

use ndarray::{ArrayView2, Axis};

use crate::graph::nearest;

/// Clustered cells that vote for another cell's label.
const VOTERS: usize = 15;

/// Cells that are labelled at a time.
const BLOCK: usize = 8192;

/// Which clustered cell every cell is labelled like.
#[derive(Debug, Clone)]
pub struct Voted {
    /// Its place among the clustered cells; for a clustered cell its own.
    pub like: Vec<usize>,
    /// Share of the votes that its label got, from 0 to 1; `None` for a clustered cell.
    pub share: Vec<Option<f32>>,
}

/// Labels every cell: a clustered one as it is, another by a vote of the 15 clustered cells nearest to it by cosine. Of
/// clusters with as many votes, that of the nearest cell is taken.
///
/// `z`: the embedding of all cells, n × d; `clustered`: positions of the m clustered cells, ascending; `labels`: their
/// clusters. O((n − m) · m · d) time.
#[must_use]
pub fn vote(z: ArrayView2<'_, f32>, clustered: &[usize], labels: &[usize]) -> Voted {
    let mut all: Vec<Option<(usize, Option<f32>)>> = vec![None; z.nrows()];
    for (place, &cell) in clustered.iter().enumerate() {
        all[cell] = Some((place, None));
    }
    let others: Vec<usize> = (0..z.nrows()).filter(|&cell| all[cell].is_none()).collect();
    let known = z.select(Axis(0), clustered);
    for block in others.chunks(BLOCK) {
        let voters = nearest(known.view(), z.select(Axis(0), block).view(), VOTERS);
        for (&cell, voters) in block.iter().zip(&voters) {
            all[cell] = elected(voters, labels).map(|(place, share)| (place, Some(share)));
        }
    }
    let (like, share) = all.into_iter().flatten().unzip();
    Voted { like, share }
}

/// The first voter with the label that most have, and their share; of equals, the label that was named first.
fn elected(voters: &[u32], labels: &[usize]) -> Option<(usize, f32)> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for &voter in voters {
        let label = labels[voter as usize];
        match counts.iter_mut().find(|(first, _)| labels[*first] == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((voter as usize, 1)),
        }
    }
    let most = counts.iter().map(|&(_, count)| count).max()?;
    let first = counts.iter().find(|&&(_, count)| count == most);
    first.map(|&(voter, count)| (voter, count as f32 / voters.len() as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn equal_votes_go_to_the_nearest() {
        let labels = [1, 2, 1, 2];
        assert_eq!(elected(&[3, 0, 2, 1], &labels), Some((3, 0.5)));
        assert_eq!(elected(&[3, 2, 0], &labels), Some((2, 2.0 / 3.0)));
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
        let voted = vote(z.view(), &clustered, &labels);
        let found: Vec<usize> = voted.like.iter().map(|&place| labels[place]).collect();
        let expected: Vec<usize> = (0..40).map(|cell| cell % 2).collect();
        assert_eq!(found, expected);
        assert_eq!(voted.like[4], 2);
        // Thirteen other clustered cells of its kind are there, and two of the other kind make up fifteen.
        assert_eq!((voted.share[3], voted.share[4]), (Some(13.0 / 15.0), None));
    }
}
