//! The clusters that the clustering stage begins with.

use anyhow::Context;
use ndarray::{Array2, Axis};

use super::Run;
use crate::{
    cluster::{ChosenResolution, choose_clusters, leiden},
    config::{LeidenGraph, Resolution},
    graph::{Adjacency, Views, gauss_weights},
    model::{
        autoencoder::{Autoencoder, Pass},
        every_cell::{Reference, embed_cells},
        tensor::to_array,
    },
    preprocess::{Prepared, PreprocessError, Transformation, sample_cells},
};

/// Neighbourhood of the dense gauss graph of the embedding.
const EMBEDDING_NEIGHBORS: usize = 15;

/// Principal components of each transformation of the counts.
const N_COMPONENTS: usize = 50;

/// Most cells that the first clusters are found on: time and memory of their graphs are quadratic.
///
/// Deviation: the published script takes all training cells, however many.
const MOST_TO_CLUSTER: usize = 5000;

/// Some cells and their embedding.
pub(super) struct Embedded {
    /// Positions among the prepared cells.
    pub cells: Vec<usize>,
    /// Positions among the training cells.
    pub rows: Vec<usize>,
    /// Cells × d.
    pub z: Array2<f32>,
}

impl Run<'_> {
    /// The cells that the first clusters are found on, [`MOST_TO_CLUSTER`] at most.
    pub(super) fn embedding_to_cluster(
        &self,
        model: &Autoencoder,
        prepared: &Prepared,
        reference: &Reference<'_>,
        pass: &mut Pass,
    ) -> Embedded {
        let some_of = |n_cells| sample_cells(n_cells, MOST_TO_CLUSTER, self.config.seed);
        if self.config.train.batch_size.is_some() {
            model.settle_statistics(reference.x, reference.operator);
            let cells = some_of(prepared.n_cells());
            let z = embed_cells(model, prepared, reference, &cells);
            let rows = cells.clone();
            return Embedded { cells, rows, z };
        }
        // With the noise that the clustering stage trains with, so that its first centres fit what it sees.
        let encoded = tch::no_grad(|| model.encode(reference.x, reference.operator, pass));
        let rows = some_of(reference.cells.len());
        Embedded {
            cells: rows.iter().map(|&row| reference.cells[row]).collect(),
            z: to_array(&encoded.z).select(Axis(0), &rows),
            rows,
        }
    }

    /// Clusters of these cells, and how they were chosen, where the resolution was not given.
    pub(super) fn first_clusters(
        &mut self,
        prepared: &Prepared,
        embedded: &Embedded,
    ) -> anyhow::Result<(Vec<usize>, Option<ChosenResolution>)> {
        let (graph, seed) = (self.config.leiden_graph, self.config.seed);
        match self.config.resolution {
            Resolution::Fixed(resolution) => {
                self.stage("leiden", &format!("Leiden at resolution {resolution}"));
                let graph = match graph {
                    LeidenGraph::Embedding => graph_of_embedding(&embedded.z)?,
                    LeidenGraph::Expression | LeidenGraph::Joint => {
                        views(graph, prepared, embedded)?.joint
                    }
                };
                Ok((leiden(&graph, resolution, seed)?.labels, None))
            }
            Resolution::Auto => {
                self.stage("leiden", "Leiden at several resolutions");
                let found = choose_clusters(&views(graph, prepared, embedded)?, seed)?;
                let ChosenResolution { chosen, candidates } = &found.resolution;
                self.progress.note(&format!(
                    "resolution {} chosen of {}: {} clusters, agreement {:.2} with the others",
                    chosen.resolution,
                    candidates.len(),
                    chosen.n_clusters,
                    chosen.agreement
                ));
                Ok((found.partition.labels, Some(found.resolution)))
            }
        }
    }
}

/// The published graph of an embedding.
fn graph_of_embedding(z: &Array2<f32>) -> anyhow::Result<Adjacency> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    let weights = gauss_weights(z.view(), n_neighbors).context(NOT_FINITE)?;
    Ok(Adjacency::Sparse(weights))
}

/// The embedding and the expression after each transformation, as views of the cells.
fn views(graph: LeidenGraph, prepared: &Prepared, embedded: &Embedded) -> anyhow::Result<Views> {
    let transformations = match graph {
        LeidenGraph::Embedding => &[][..],
        LeidenGraph::Expression | LeidenGraph::Joint => &Transformation::ALL,
    };
    let components = transformations
        .iter()
        .map(|transformation| transformation.components(prepared, &embedded.cells, N_COMPONENTS))
        .collect::<Result<Vec<_>, PreprocessError>>()?;
    let expression: Vec<_> = components.iter().map(|scores| scores.view()).collect();
    let embedding = embedded.z.view();
    let totals: Vec<f32> = embedded
        .cells
        .iter()
        .map(|&cell| prepared.totals[cell])
        .collect();
    let views = match graph {
        LeidenGraph::Embedding => Views::of(&[embedding], &[], &totals),
        LeidenGraph::Expression => Views::of(&expression, &[embedding], &totals),
        LeidenGraph::Joint => Views::of(&[&[embedding], &expression[..]].concat(), &[], &totals),
    };
    views.context(NOT_FINITE)
}

const NOT_FINITE: &str = "the embedding is not finite after training; try a smaller -lr";
