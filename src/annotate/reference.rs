//! The labelled cells that a model keeps.

use ndarray::{Array2, Axis};
use rand::seq::index;

use crate::{
    grouping::{Members, n_groups, sizes},
    kernels::tensor::to_array,
    metrics::Truth,
    model_file::ReferenceCells,
    seed::{Stream, stream},
    train::labels::centers,
};

/// Most cells that a model keeps: their embedding takes 2.6 MB at the default width.
const MOST_CELLS: usize = 20_000;

/// Cells that are kept of every cluster that has as many.
const LEAST_OF_CLUSTER: usize = 100;

/// Most of these that are judged by others, so that it is known how strange known cells are.
const MOST_JUDGED: usize = 5_000;

/// The reference cells of a run: `cells`, which [`kept_cells`] chose.
///
/// `z`: the embedding of all cells, n × d; `labels`: their clusters; `truth`: their types, where known.
#[must_use]
pub fn reference_cells(
    z: &Array2<f32>,
    labels: &[usize],
    truth: Option<&Truth>,
    cells: &[usize],
) -> ReferenceCells {
    let celltypes = truth.map(|truth| truth.names.clone()).unwrap_or_default();
    let type_of = |&cell: &usize| truth.and_then(|truth| truth.codes[cell]);
    let celltype_of_cell = cells
        .iter()
        .map(|cell| type_of(cell).unwrap_or(celltypes.len()));
    ReferenceCells {
        sizes: sizes(labels),
        centers: to_array(&centers(z.view(), labels)),
        celltype_of_cell: celltype_of_cell.collect(),
        embedding: z.select(Axis(0), cells),
        clusters: cells.iter().map(|&cell| labels[cell]).collect(),
        celltypes,
    }
}

/// Positions of at most 5,000 of so many reference cells, at random, ascending: those that are judged by others.
#[must_use]
pub fn judged_cells(n_kept: usize, seed: u64) -> Vec<usize> {
    let mut rng = stream(seed, Stream::Judged);
    let mut judged = index::sample(&mut rng, n_kept, n_kept.min(MOST_JUDGED)).into_vec();
    judged.sort_unstable();
    judged
}

/// Positions of the cells that a model keeps, ascending: all, or of more than 20,000 a random sample of every cluster in proportion
/// to its size, 100 cells at least.
#[must_use]
pub fn kept_cells(labels: &[usize], seed: u64) -> Vec<usize> {
    let n_cells = labels.len();
    if n_cells <= MOST_CELLS {
        return (0..n_cells).collect();
    }
    let n_labels = n_groups(labels);
    let members = Members::of(labels.iter().copied(), n_labels);
    let mut rng = stream(seed, Stream::Reference);
    let mut kept = Vec::new();
    for label in 0..n_labels {
        let members = members.cells(label);
        let share = MOST_CELLS * members.len() / n_cells;
        let n_kept = share.max(LEAST_OF_CLUSTER).min(members.len());
        let drawn = index::sample(&mut rng, members.len(), n_kept).into_vec();
        kept.extend(drawn.into_iter().map(|member| members[member] as usize));
    }
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_cluster_keeps_its_cells() {
        let labels: Vec<usize> = (0..60_000)
            .map(|cell| usize::from(cell % 600 == 0))
            .collect();
        let kept = kept_cells(&labels, 1);
        let rare = kept.iter().filter(|&&cell| labels[cell] == 1).count();
        assert_eq!(rare, 100);
        assert!(kept.len() <= MOST_CELLS + LEAST_OF_CLUSTER);
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(kept, kept_cells(&labels, 1));
        assert_ne!(kept, kept_cells(&labels, 2));
    }
}
