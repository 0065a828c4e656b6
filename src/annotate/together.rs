//! New cells judged together with the new cells around them.
//!
//! A single cell tells little: its counts are few, and much of what sets it apart is chance. Cells of a type that the model does not
//! know lie together, and chance differs from one to the next: their mean score tells more than that of each.

use ndarray::{ArrayView2, Axis};
use sha2::{Digest, Sha256};

use super::{novelty::mean_score, vote::VOTERS};
use crate::{graph::neighbors_of, model_file::KnownNovelty};

/// Most new cells among which the neighbours of each are looked for.
const MOST_CELLS: usize = 20_000;

/// Cells whose neighbours are looked for at a time.
const BLOCK: usize = 8192;

/// What is found of new cells together.
pub(super) struct Novelty {
    /// How far each is from all that is known; above 1 it is new.
    pub distance: Vec<f32>,
    /// Whether most of them are as strange as the stranger half of known cells: what sets them apart as a whole.
    pub are_apart: bool,
}

/// How far cells are from all that is known, from their embedding (n × d) and their scores; 0 for one that `coincides` with a
/// reference cell.
///
/// Another cell is as far as e to the power of what its score is above the limit of known cells; or of what the mean of its score
/// and those of its 15 nearest new cells is above the limit for these, if that is more. What sets all cells apart, such as another
/// laboratory, is taken from both: the lower decile of their scores, as far as it is above that of known cells. Fewer than 16 new
/// cells are judged alone.
///
/// Neighbours are among at most 20,000 new cells, which their content chooses, so that the order of cells does not matter.
/// O(n · d) time.
pub(super) fn novelty(
    known: &KnownNovelty,
    z: ArrayView2<'_, f32>,
    scores: &[f32],
    coincides: &[bool],
) -> Novelty {
    let limits = known.limits;
    let new: Vec<usize> = (0..scores.len()).filter(|&cell| !coincides[cell]).collect();
    let mut distance = vec![0.0; scores.len()];
    if new.len() <= VOTERS {
        for cell in new {
            distance[cell] = (scores[cell] - limits.alone).exp();
        }
        return Novelty {
            distance,
            are_apart: false,
        };
    }
    let shift = known.shift(scores);
    for (&cell, mean) in new.iter().zip(mean_scores(z, scores, &new)) {
        let above = (scores[cell] - limits.alone).max(mean - limits.together);
        distance[cell] = (above - shift).exp();
    }
    Novelty {
        distance,
        are_apart: limits.low + shift > limits.median,
    }
}

/// The mean of the score of each of some cells and those of the 15 nearest of these.
fn mean_scores(z: ArrayView2<'_, f32>, scores: &[f32], cells: &[usize]) -> Vec<f32> {
    let sample = sample(z, scores, cells);
    let mut place = vec![None; scores.len()];
    for (row, &cell) in (0_u32..).zip(&sample) {
        place[cell] = Some(row);
    }
    let of_sample = z.select(Axis(0), &sample);
    let mut means = Vec::with_capacity(cells.len());
    for block in cells.chunks(BLOCK) {
        let queries = z.select(Axis(0), block);
        let near = neighbors_of(of_sample.view(), queries.view(), VOTERS + 1);
        for (&cell, near) in block.iter().zip(near) {
            let others = near.iter().filter(|near| Some(near.cell) != place[cell]);
            let around = others.take(VOTERS);
            let around = around.map(|near| scores[sample[near.cell as usize]]);
            means.push(mean_score(scores[cell], around));
        }
    }
    means
}

/// At most 20,000 of some cells, in an order that does not depend on theirs: that of the digests of their values.
fn sample(z: ArrayView2<'_, f32>, scores: &[f32], cells: &[usize]) -> Vec<usize> {
    let digest = |&cell: &usize| {
        let mut digest = Sha256::new();
        for value in z.row(cell).iter().chain([&scores[cell]]) {
            digest.update(value.to_le_bytes());
        }
        digest.finalize()
    };
    let mut sample = cells.to_vec();
    sample.sort_by_cached_key(digest);
    sample.truncate(MOST_CELLS);
    sample
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;
    use crate::model_file::{N_MEASURES, NoveltyLimits};

    fn known() -> KnownNovelty {
        KnownNovelty {
            measures: Array2::zeros((N_MEASURES, 1)),
            usual: Array2::zeros((1, N_MEASURES)),
            limits: NoveltyLimits {
                alone: 5.0,
                together: 2.0,
                low: -1.0,
                median: 1.0,
            },
        }
    }

    /// 80 known cells in one direction and 20 others in another; all differ a little.
    fn embedding() -> Array2<f32> {
        Array2::from_shape_fn((100, 2), |(cell, column)| {
            f32::from(u8::from((cell >= 80) == (column == 1))) + cell as f32 * 1e-3
        })
    }

    #[test]
    fn cells_of_an_unknown_type_are_told_together() {
        let z = embedding();
        // Each alone is within the limit.
        let scores: Vec<f32> = (0..100)
            .map(|cell| if cell < 80 { -1.0 } else { 4.0 })
            .collect();
        let found = novelty(&known(), z.view(), &scores, &[false; 100]);
        let is_new: Vec<bool> = found.distance.iter().map(|far| *far > 1.0).collect();
        assert_eq!(is_new, (0..100).map(|cell| cell >= 80).collect::<Vec<_>>());
        let turned: Vec<usize> = (0..100).rev().collect();
        let turned_scores: Vec<f32> = turned.iter().map(|&cell| scores[cell]).collect();
        let again = novelty(
            &known(),
            z.select(Axis(0), &turned).view(),
            &turned_scores,
            &[false; 100],
        );
        let back: Vec<f32> = again.distance.into_iter().rev().collect();
        assert_eq!(back, found.distance);
    }

    #[test]
    fn what_sets_all_cells_apart_is_no_type() {
        let z = embedding();
        let found = novelty(&known(), z.view(), &[4.0; 100], &[false; 100]);
        assert!(found.distance.iter().all(|far| *far <= 1.0) && found.are_apart);
    }

    #[test]
    fn reference_cells_are_known_and_not_counted_among_new_cells() {
        let z = Array2::from_shape_fn((100, 2), |(cell, column)| {
            1.0 + (cell * column) as f32 * 1e-3
        });
        // One in five is new, among reference cells on either side.
        let coincides: Vec<bool> = (0..100).map(|cell| cell % 5 > 0).collect();
        let scores: Vec<f32> = coincides
            .iter()
            .map(|&known| if known { -1.0 } else { 4.0 })
            .collect();
        let found = novelty(&known(), z.view(), &scores, &coincides);
        let is_known: Vec<bool> = found.distance.iter().map(|far| *far <= 1.0).collect();
        assert_eq!(is_known, coincides);
    }

    #[test]
    fn few_cells_are_judged_alone() {
        let z = embedding();
        let few = z.slice(s![..2, ..]);
        let found = novelty(&known(), few, &[4.0, 6.0], &[false; 2]);
        assert!(found.distance[0] < 1.0 && found.distance[1] > 1.0 && !found.are_apart);
    }
}
