//! The label of a cell from the reference cells nearest to it.

use crate::graph::Neighbor;
pub(super) use crate::partition::vote::VOTERS;

/// What a cell is taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote {
    /// The label with most votes, of equals that of the nearest cell; or the likeliest type.
    pub label: usize,
    /// Its share of the votes, or how likely it is: from 0 to 1.
    pub confidence: f32,
}

/// The vote of the reference cells nearest to a cell, nearest first, each with the weight one over its distance; `label` is
/// theirs, `None` for one that does not vote. `None` where no one votes.
///
/// Where cells coincide with it (distance 0), these alone vote: a cell that the model was trained on keeps its label. These are
/// the weights of scikit-learn's `KNeighborsClassifier(weights="distance")`.
pub fn vote(near: &[Neighbor], label: impl Fn(usize) -> Option<usize>) -> Option<Vote> {
    let voters: Vec<(usize, f32)> = near
        .iter()
        .filter_map(|voter| Some((label(voter.cell as usize)?, voter.distance)))
        .collect();
    let coincide = voters.first().is_some_and(|&(_, distance)| distance <= 0.0);
    let mut votes: Vec<(usize, f32)> = Vec::new();
    for (label, distance) in voters {
        let weight = match (coincide, distance > 0.0) {
            (true, false) => 1.0,
            (true, true) => 0.0,
            (false, _) => 1.0 / distance,
        };
        match votes.iter_mut().find(|(named, _)| *named == label) {
            Some((_, sum)) => *sum += weight,
            None => votes.push((label, weight)),
        }
    }
    let all: f32 = votes.iter().map(|&(_, weight)| weight).sum();
    let most = votes.iter().map(|&(_, weight)| weight).reduce(f32::max)?;
    let first = votes.iter().find(|&&(_, weight)| weight >= most)?;
    Some(Vote {
        label: first.0,
        confidence: first.1 / all,
    })
}

/// The mean distance of a cell's neighbours; infinite without any.
pub fn mean_distance(near: &[Neighbor]) -> f32 {
    if near.is_empty() {
        return f32::INFINITY;
    }
    near.iter().map(|voter| voter.distance).sum::<f32>() / near.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::at;

    #[test]
    fn near_cells_outvote_far_ones() {
        let labels = [0, 1, 1];
        let vote = vote(&at(&[0.1, 0.4, 0.4]), |cell| Some(labels[cell])).expect("voters");
        assert_eq!(vote.label, 0);
        assert!((vote.confidence - 10.0 / 15.0).abs() < 1e-6);
    }

    #[test]
    fn a_cell_that_is_known_keeps_its_label() {
        let labels = [3, 1, 1];
        let found = vote(&at(&[0.0, 0.001, 0.001]), |cell| Some(labels[cell]));
        let expected = Vote {
            label: 3,
            confidence: 1.0,
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn cells_without_a_label_do_not_vote() {
        let labels = [None, Some(2), None];
        let found = vote(&at(&[0.1, 0.2, 0.3]), |cell| labels[cell]).expect("a voter");
        assert_eq!(found.label, 2);
        assert_eq!(vote(&at(&[0.1]), |_| None), None);
        assert!((mean_distance(&at(&[0.1, 0.3])) - 0.2).abs() < 1e-6);
    }
}
