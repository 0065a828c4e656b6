//! The labelled cells that a model keeps, and how far from them a cell is known.

use ndarray::{Array2, ArrayView2, Axis};
use rand::seq::index;

use super::vote::{VOTERS, mean_distance};
use crate::{
    graph::nearest_others,
    grouping::sizes,
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

/// Share of the training cells that lie within the limit.
pub(super) const KNOWN: f64 = 0.99;

/// Fewest cells of a cluster with a limit of its own.
const LEAST_FOR_LIMIT: usize = 50;

/// The reference cells of a run: all of its cells, or of more than 20,000 a random sample of every cluster in proportion to
/// its size, 100 cells at least.
///
/// `z`: the embedding of all cells, n × d; `labels`: their clusters; `truth`: their types, where known; `deviations`: how far
/// cells deviate from the cluster that they fit best. A cluster's limit is
/// the distance that 99 % of its cells stay within, each measured to its nearest *other* reference cells; a cluster of
/// fewer than 50 cells has the limit of all cells. O(m² d) time for m reference cells.
#[must_use]
pub fn reference_cells(
    z: &Array2<f32>,
    labels: &[usize],
    truth: Option<&Truth>,
    deviations: impl Fn(&[usize]) -> Vec<f32>,
    seed: u64,
) -> ReferenceCells {
    let cells = stratified(labels, seed);
    let embedding = z.select(Axis(0), &cells);
    let clusters: Vec<usize> = cells.iter().map(|&cell| labels[cell]).collect();
    let celltypes = truth.map(|truth| truth.names.clone()).unwrap_or_default();
    let type_of = |&cell: &usize| truth.and_then(|truth| truth.codes[cell]);
    let celltype_of_cell = cells
        .iter()
        .map(|cell| type_of(cell).unwrap_or(celltypes.len()));
    let celltype_of_cell = celltype_of_cell.collect();
    ReferenceCells {
        sizes: sizes(labels),
        centers: to_array(&centers(z.view(), labels)),
        limits: limits(embedding.view(), &clusters),
        celltype_of_cell,
        deviations: deviations(&cells),
        embedding,
        clusters,
        celltypes,
    }
}

/// Positions of the cells that are kept, ascending.
fn stratified(labels: &[usize], seed: u64) -> Vec<usize> {
    let n_cells = labels.len();
    if n_cells <= MOST_CELLS {
        return (0..n_cells).collect();
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); sizes(labels).len()];
    for (cell, &label) in labels.iter().enumerate() {
        members[label].push(cell);
    }
    let mut rng = stream(seed, Stream::Reference);
    let mut kept = Vec::new();
    for members in members {
        let share = MOST_CELLS * members.len() / n_cells;
        let n_kept = share.max(LEAST_OF_CLUSTER).min(members.len());
        let drawn = index::sample(&mut rng, members.len(), n_kept).into_vec();
        kept.extend(drawn.into_iter().map(|member| members[member]));
    }
    kept.sort_unstable();
    kept
}

/// How far from the others the cells of every cluster are.
fn limits(embedding: ArrayView2<'_, f32>, clusters: &[usize]) -> Vec<f32> {
    let distances: Vec<f64> = nearest_others(embedding, VOTERS)
        .iter()
        .map(|near| f64::from(mean_distance(near)))
        .collect();
    let of_all = known_within(distances.clone(), KNOWN) as f32;
    let of_cluster = |cluster: usize| {
        let members = clusters.iter().zip(&distances);
        let members: Vec<f64> = members
            .filter(|(label, _)| **label == cluster)
            .map(|(_, &distance)| distance)
            .collect();
        if members.len() < LEAST_FOR_LIMIT {
            of_all
        } else {
            known_within(members, KNOWN) as f32
        }
    };
    (0..sizes(clusters).len()).map(of_cluster).collect()
}

/// The value that this share of some values do not exceed; 0 of none.
pub(super) fn known_within(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_cluster_keeps_its_cells() {
        let labels: Vec<usize> = (0..60_000)
            .map(|cell| usize::from(cell % 600 == 0))
            .collect();
        let kept = stratified(&labels, 1);
        let rare = kept.iter().filter(|&&cell| labels[cell] == 1).count();
        assert_eq!(rare, 100);
        assert!(kept.len() <= MOST_CELLS + LEAST_OF_CLUSTER);
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(kept, stratified(&labels, 1));
        assert_ne!(kept, stratified(&labels, 2));
    }

    #[test]
    fn the_limit_is_a_quantile() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!((known_within(values, 0.99) - 99.0).abs() < 1e-12);
        assert!(known_within(Vec::new(), 0.99).abs() < 1e-12);
    }
}
