//! The clusters that the clustering stage begins with.

use anyhow::ensure;
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

impl Embedded {
    fn checked(self) -> anyhow::Result<Self> {
        ensure!(
            self.z.iter().all(|value| value.is_finite()),
            "the embedding is not finite after training; try a smaller -lr"
        );
        Ok(self)
    }
}

impl Run<'_> {
    /// The cells that the first clusters are found on, [`MOST_TO_CLUSTER`] at most; an error where their embedding is
    /// not finite.
    pub(super) fn embedding_to_cluster(
        &self,
        model: &Autoencoder,
        prepared: &Prepared,
        reference: &Reference<'_>,
        pass: &mut Pass,
    ) -> anyhow::Result<Embedded> {
        let some_of = |n_cells| sample_cells(n_cells, MOST_TO_CLUSTER, self.config.seed);
        if self.config.train.batch_size.is_some() {
            model.settle_statistics(reference.x, reference.operator);
            let cells = some_of(prepared.n_cells());
            let z = embed_cells(model, prepared, reference, &cells);
            let rows = cells.clone();
            return Embedded { cells, rows, z }.checked();
        }
        // With the noise that the clustering stage trains with, so that its first centres fit what it sees.
        let encoded = tch::no_grad(|| model.encode(reference.x, reference.operator, pass));
        let rows = some_of(reference.cells.len());
        Embedded {
            cells: rows.iter().map(|&row| reference.cells[row]).collect(),
            z: to_array(&encoded.z).select(Axis(0), &rows),
            rows,
        }
        .checked()
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
                let views = views(graph, prepared, embedded)?;
                let expression = prepared.lognorm(&embedded.cells);
                let found = choose_clusters(&views, expression.view(), seed)?;
                let ChosenResolution { chosen, candidates } = &found.resolution;
                self.progress.note(&format!(
                    "resolution {} chosen of {}: {} clusters, silhouette {:.2}, told apart by {:.0} genes",
                    chosen.resolution,
                    candidates.len(),
                    chosen.n_clusters,
                    chosen.silhouette.unwrap_or_default(),
                    chosen.separating_genes
                ));
                Ok((found.partition.labels, Some(found.resolution)))
            }
        }
    }
}

/// The published graph of an embedding.
fn graph_of_embedding(z: &Array2<f32>) -> anyhow::Result<Adjacency> {
    let n_neighbors = EMBEDDING_NEIGHBORS.min(z.nrows());
    Ok(Adjacency::Sparse(gauss_weights(z.view(), n_neighbors)?))
}

/// The expression after each transformation, the embedding, or both, as views of the cells.
fn views(graph: LeidenGraph, prepared: &Prepared, embedded: &Embedded) -> anyhow::Result<Views> {
    let transformations = match graph {
        LeidenGraph::Embedding => &[][..],
        LeidenGraph::Expression | LeidenGraph::Joint => &Transformation::ALL,
    };
    let components = transformations
        .iter()
        .map(|transformation| transformation.components(prepared, &embedded.cells, N_COMPONENTS))
        .collect::<Result<Vec<_>, PreprocessError>>()?;
    let mut features: Vec<_> = components.iter().map(|scores| scores.view()).collect();
    if graph != LeidenGraph::Expression {
        features.push(embedded.z.view());
    }
    let totals: Vec<f32> = embedded
        .cells
        .iter()
        .map(|&cell| prepared.totals[cell])
        .collect();
    Ok(Views::of(&features, &totals)?)
}
