//! Clusters of the training cells, and the labels of all others.

use anyhow::ensure;
use ndarray::{Array2, ArrayView2, Axis};

use super::{Run, views::Seen};
use crate::{
    cluster::{ChosenResolution, choose_clusters, leiden},
    config::{LeidenGraph, Resolution},
    graph::{Adjacency, View, Views, gauss_weights},
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
    /// How the resolution was chosen, where it was not given.
    pub resolution: Option<ChosenResolution>,
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
            Resolution::Auto => "Leiden at several resolutions".to_owned(),
        };
        self.stage("leiden", &what);
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
                resolution: None,
            });
        }
        let cells: Vec<usize> = rows.iter().map(|&row| cells[row]).collect();
        let totals: Vec<f32> = cells.iter().map(|&cell| prepared.totals[cell]).collect();
        let views = views(graph, seen, of_rows.view(), &totals)?;
        let (labels, resolution) = match self.config.resolution {
            Resolution::Fixed(resolution) => (leiden(&views.joint, resolution, seed)?.labels, None),
            Resolution::Auto => {
                let expression = prepared.lognorm(&cells);
                let found = choose_clusters(&views, expression.view(), seed)?;
                self.say_what_was_chosen(&found.resolution);
                (found.partition.labels, Some(found.resolution))
            }
        };
        Ok(Clusters {
            rows,
            labels,
            resolution,
        })
    }

    fn say_what_was_chosen(&self, resolution: &ChosenResolution) {
        let ChosenResolution { chosen, candidates } = resolution;
        self.progress.note(&format!(
            "resolution {} chosen of {}: {} clusters, silhouette {:.2}, told apart by {:.0} genes",
            chosen.resolution,
            candidates.len(),
            chosen.n_clusters,
            chosen.silhouette.unwrap_or_default(),
            chosen.separating_genes
        ));
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
