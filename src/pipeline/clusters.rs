//! Clusters of the cells.

use std::borrow::Cow;

use anyhow::ensure;
use ndarray::{Array2, ArrayView2, Axis};

use super::{Run, views::Seen};
use crate::{
    graph::{Adjacency, JointGraph, gauss_weights, near_graph},
    partition::{
        Counted, Found, LeidenGraph, Resolution, by_size, find_types, leiden, leiden_in_place,
        vote::vote,
    },
    plot::umap_layout,
    preprocess::{Prepared, sample_cells},
    seed::Stream,
};

/// Neighbourhood of the dense gauss graph of the embedding.
const EMBEDDING_NEIGHBORS: usize = 15;

/// Most cells that are clustered on the dense graph of the embedding: its time and memory are quadratic.
///
/// Deviation: the published script takes all training cells, however many.
const MOST_ON_DENSE_GRAPH: usize = 5000;

/// Share of the nearest neighbours below which the user is told.
const LEAST_RECALL: f64 = 0.95;

/// Clusters of cells.
pub(super) struct Clusters {
    /// Which cells were clustered, places among those that were given, ascending.
    pub rows: Vec<usize>,
    /// Their clusters, 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// The tree that they were cut from, where no resolution was given.
    types: Option<Found>,
    /// The graph that was clustered, where it holds all cells that were given.
    graph: Option<Adjacency>,
}

/// Clusters of all prepared cells.
pub(super) struct Labelled {
    /// 0.. by decreasing size.
    pub labels: Vec<usize>,
    /// The tree that they were cut from, where they were.
    pub types: Option<Found>,
    /// The graph that was clustered, where it holds all cells.
    pub graph: Option<Adjacency>,
}

impl Labelled {
    /// Labels that the model learnt.
    pub(super) fn by_model(labels: Vec<usize>) -> Self {
        Self {
            labels,
            types: None,
            graph: None,
        }
    }

    /// Of all cells, whose embedding `z` is, by the clusters of some.
    fn of(clusters: Clusters, z: &Array2<f32>) -> Self {
        let labels = if clusters.rows.len() == z.nrows() {
            clusters.labels
        } else {
            // The others may make another cluster the largest.
            by_size(&vote(z.view(), &clusters.rows, &clusters.labels))
        };
        Self {
            labels,
            types: clusters.types,
            graph: clusters.graph,
        }
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
    /// Clusters of some cells (positions in `prepared`, ascending), whose embedding `z` is; `expression` is the graph of
    /// their expression, where there is one.
    pub(super) fn clusters(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        expression: JointGraph,
        z: &Array2<f32>,
    ) -> anyhow::Result<Clusters> {
        let (graph, seed) = (self.config.leiden_graph, self.config.seed);
        let resolution = self.config.resolution;
        if let (LeidenGraph::Dense, Resolution::Fixed(resolution)) = (graph, resolution) {
            let rows = sample_cells(cells.len(), MOST_ON_DENSE_GRAPH, seed, Stream::Sample);
            let graph = dense_graph(z.select(Axis(0), &rows).view())?;
            return Ok(Clusters {
                labels: leiden(&graph, resolution, seed)?.labels,
                rows,
                types: None,
                graph: None,
            });
        }
        let mut joint = expression;
        if graph != LeidenGraph::Expression {
            joint.add(&z.view(), seed)?;
        }
        self.neighbors_recall = joint.recall();
        self.say_if_neighbors_are_missing();
        let totals: Vec<f32> = cells.iter().map(|&cell| prepared.totals[cell]).collect();
        let mut joint = joint.balanced(&totals);
        let (labels, types) = match resolution {
            Resolution::Fixed(resolution) => {
                (leiden_in_place(&mut joint, resolution, seed)?.labels, None)
            }
            Resolution::Tree(cut) => {
                let counts = if cells.len() == prepared.n_cells() {
                    Cow::Borrowed(&prepared.counts)
                } else {
                    Cow::Owned(prepared.counts.select(cells))
                };
                let batches = prepared.batches.as_ref();
                let batches = batches.map(|batches| batches.select(cells));
                let counted = Counted {
                    counts: &counts,
                    judging: prepared.judging.as_deref(),
                    totals: &totals,
                    batches: batches.as_ref(),
                };
                let found = find_types(&mut joint, counted, cut, seed)?;
                (found.labels.clone(), Some(found))
            }
        };
        Ok(Clusters {
            rows: (0..cells.len()).collect(),
            labels,
            types,
            graph: Some(joint),
        })
    }

    /// Clusters of all prepared cells, whose embedding `z` is. `cells` are the training cells.
    pub(super) fn label(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
        seen: Option<&mut Seen>,
        z: &Array2<f32>,
    ) -> anyhow::Result<Labelled> {
        self.say_what_is_clustered();
        let expression = match seen {
            Some(seen) if self.config.leiden_graph.holds_expression() => {
                seen.take_joint_of_all(cells, self.config.seed)?
            }
            _ => JointGraph::default(),
        };
        let all: Vec<usize> = (0..prepared.n_cells()).collect();
        let clusters = self.clusters(prepared, &all, expression, z)?;
        Ok(Labelled::of(clusters, z))
    }

    /// Where the cells, whose embedding `z` is, lie in the plane, if a figure or the report is to show it: by the graph that was
    /// clustered, or, where there is none of all cells, by the neighbours in the embedding.
    pub(super) fn lay_out(
        &mut self,
        graph: Option<Adjacency>,
        z: &Array2<f32>,
    ) -> anyhow::Result<Option<Array2<f32>>> {
        if !(self.config.save.umap || self.config.save.report) {
            return Ok(None);
        }
        self.stage("layout", "Laying out the cells in the plane");
        let seed = self.config.seed;
        let graph = graph.map_or_else(|| near_graph(&z.view(), seed), Ok)?;
        Ok(Some(umap_layout(z.view(), &graph, seed)?))
    }

    pub(super) fn say_what_is_clustered(&mut self) {
        let what = match self.config.resolution {
            Resolution::Fixed(resolution) => format!("Leiden at resolution {resolution}"),
            Resolution::Tree(_) => "Growing the tree of clusters".to_owned(),
        };
        self.stage("partition", &what);
    }

    fn say_if_neighbors_are_missing(&self) {
        if self.neighbors_recall < LEAST_RECALL {
            self.progress.note(&format!(
                "only {:.0} % of the nearest neighbours were found; it would take hours to find all of them",
                100.0 * self.neighbors_recall
            ));
        }
    }
}

/// The published graph of an embedding.
fn dense_graph(z: ArrayView2<'_, f32>) -> anyhow::Result<Adjacency> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    Ok(Adjacency::Sparse(gauss_weights(z, n_neighbors)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_numbered_by_their_size_among_all_cells() {
        // Of the second kind fewer cells were clustered, but there are more in all.
        let kind = |cell: usize| usize::from(cell >= 20);
        let z = Array2::from_shape_fn((60, 2), |(cell, column)| {
            f32::from(u8::from(kind(cell) == column))
        });
        let clusters = Clusters {
            rows: (0..36).collect(),
            labels: (0..36).map(kind).collect(),
            types: None,
            graph: None,
        };
        let expected: Vec<usize> = (0..60).map(|cell| 1 - kind(cell)).collect();
        assert_eq!(Labelled::of(clusters, &z).labels, expected);
    }

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
