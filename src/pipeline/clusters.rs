//! Clusters of the training cells, and the labels of all others.

use anyhow::ensure;
use ndarray::{Array2, ArrayView2, Axis};

use super::{Run, views::Seen};
use crate::{
    config::{LeidenGraph, Resolution},
    graph::{Adjacency, View, Views, gauss_weights},
    partition::{Found, find_types, leiden, vote::vote},
    preprocess::{Prepared, sample_cells},
};

/// Neighbourhood of the dense gauss graph of the embedding.
const EMBEDDING_NEIGHBORS: usize = 15;

/// Most cells that are clustered on the dense graph of the embedding: its time and memory are quadratic.
///
/// Deviation: the published script takes all training cells, however many.
const MOST_ON_DENSE_GRAPH: usize = 5000;

/// Some of the training cells with their clusters.
pub(super) struct Clusters {
    /// Places among the training cells, ascending.
    pub rows: Vec<usize>,
    /// Their clusters, 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// The tree that they were cut from, where no resolution was given.
    pub types: Option<Found>,
}

impl Clusters {
    /// Labels of all cells, embedded in `z`, and their types; `cells` are the training cells.
    pub(super) fn of_all(self, z: &Array2<f32>, cells: &[usize]) -> (Vec<usize>, Option<Found>) {
        let clustered: Vec<usize> = self.rows.iter().map(|&row| cells[row]).collect();
        let voted = vote(z.view(), &clustered, &self.labels);
        let labels = voted.like.iter().map(|&place| self.labels[place]).collect();
        (labels, self.types.map(|types| types.of_all(&voted)))
    }
}

/// An error where an embedding is not finite: no cluster could be trusted.
pub(super) fn check_finite(z: &Array2<f32>, after: &str) -> anyhow::Result<()> {
    let n_bad = z
        .outer_iter()
        .filter(|cell| cell.iter().any(|value| !value.is_finite()))
        .count();
    ensure!(
        n_bad == 0,
        "the embedding of {n_bad} of {} cells is not finite after {after}; try a smaller -lr",
        z.nrows()
    );
    Ok(())
}

impl Run<'_> {
    /// Clusters of the training cells (positions in `prepared`), whose embedding `z` is.
    pub(super) fn clusters(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&Seen>,
        z: &Array2<f32>,
    ) -> anyhow::Result<Clusters> {
        let (graph, seed) = (self.config.leiden_graph, self.config.seed);
        let what = match self.config.resolution {
            Resolution::Fixed(resolution) => format!("Leiden at resolution {resolution}"),
            Resolution::Tree(_) => "Growing the tree of clusters".to_owned(),
        };
        self.stage("partition", &what);
        let most = match graph {
            LeidenGraph::Dense => MOST_ON_DENSE_GRAPH,
            _ => cells.len(),
        };
        let rows = sample_cells(cells.len(), most, seed);
        let of_rows = z.select(Axis(0), &rows);
        if let (LeidenGraph::Dense, Resolution::Fixed(resolution)) = (graph, self.config.resolution)
        {
            let labels = leiden(&dense_graph(of_rows.view())?, resolution, seed)?.labels;
            return Ok(Clusters {
                rows,
                labels,
                types: None,
            });
        }
        let cells: Vec<usize> = rows.iter().map(|&row| cells[row]).collect();
        let totals: Vec<f32> = cells.iter().map(|&cell| prepared.totals[cell]).collect();
        let views = views(graph, seen, of_rows.view(), &totals)?;
        let (labels, types) = match self.config.resolution {
            Resolution::Fixed(resolution) => (leiden(&views.joint, resolution, seed)?.labels, None),
            Resolution::Tree(cut) => {
                let counts = prepared.counts_of(&cells);
                let found = find_types(&views.joint, &counts, &totals, cut, seed)?;
                (found.labels.clone(), Some(found))
            }
        };
        Ok(Clusters {
            rows,
            labels,
            types,
        })
    }
}

/// The published graph of an embedding.
fn dense_graph(z: ArrayView2<'_, f32>) -> anyhow::Result<Adjacency> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    Ok(Adjacency::Sparse(gauss_weights(z, n_neighbors)?))
}

/// The expression after each transformation, the embedding, or both, as views of the cells.
fn views(
    graph: LeidenGraph,
    seen: Option<&Seen>,
    z: ArrayView2<'_, f32>,
    totals: &[f32],
) -> anyhow::Result<Views> {
    let expression = || seen.map(|seen| seen.views.each.clone()).unwrap_or_default();
    let each = match graph {
        LeidenGraph::Expression => expression(),
        LeidenGraph::Embedding | LeidenGraph::Dense => vec![View::of(&z)?],
        LeidenGraph::Joint => {
            let mut each = expression();
            each.push(View::of(&z)?);
            each
        }
    };
    Ok(Views::of(each, totals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_that_is_not_finite_is_an_error() {
        let mut z = Array2::zeros((4, 2));
        assert!(check_finite(&z, "pretraining").is_ok());
        z[(1, 0)] = f32::NAN;
        z[(3, 1)] = f32::INFINITY;
        let error = check_finite(&z, "pretraining").expect_err("two cells are bad");
        assert_eq!(
            error.to_string(),
            "the embedding of 2 of 4 cells is not finite after pretraining; try a smaller -lr"
        );
    }
}
