//! Graphs of a few cells at a time, on the scale of the graph of all cells.

use ndarray::ArrayView2;

use super::{
    Adjacency, CellGraph, Features, GraphConfig, GraphError, Kernel, Pairs, cosine::Directions,
    gauss::dense_weights,
};
use crate::preprocess::Prepared;

/// Cells outside the graph whose bandwidths are found at a time.
const BLOCK: usize = 1024;

/// What gives any few cells their weights and distances.
#[derive(Debug)]
pub struct BatchGraphs {
    config: GraphConfig,
    /// Bandwidths of all cells, where the kernel is dense.
    bandwidths: Option<Vec<f32>>,
    /// Cells of the graph that weights add up over.
    n_reference: usize,
}

impl BatchGraphs {
    /// Graphs of batches of the prepared cells.
    ///
    /// `reference` is the graph of the cells at `cells` (positions in `prepared`, ascending), built with `config`.
    /// The dense gauss kernel takes every cell's bandwidth from its nearest cells there; the others have a
    /// neighbourhood within each batch.
    ///
    /// Cost: cells · reference cells · features operations; one `f32` per cell.
    #[must_use]
    pub fn new(
        config: &GraphConfig,
        reference: &CellGraph,
        cells: &[usize],
        prepared: &Prepared,
        features: &Features,
    ) -> Self {
        Self {
            config: *config,
            bandwidths: reference.bandwidths_of_all(cells, prepared, features),
            n_reference: cells.len(),
        }
    }

    /// The graph of a batch: `features` are those of `cells`, cells × features.
    ///
    /// With the dense kernel, weights are multiplied by reference cells / batch cells, so that sums over a batch
    /// have the scale of sums over the reference whatever the batch's size. Sums over neighbours have it anyway.
    ///
    /// # Errors
    ///
    /// Where a feature is not finite, or a batch is smaller than a neighbourhood.
    pub fn of(
        &self,
        cells: &[usize],
        features: ArrayView2<f32>,
    ) -> Result<(Adjacency, Adjacency), GraphError> {
        let Some(bandwidths) = &self.bandwidths else {
            let graph = CellGraph::build(features, &self.config)?;
            let Pairs::Stored {
                connectivities,
                distances,
            } = graph.pairs
            else {
                unreachable!("the graph of neighbours is stored");
            };
            return Ok((connectivities, distances));
        };
        let directions = Directions::of(&features);
        let distances = directions.all_distances();
        let own: Vec<f32> = cells.iter().map(|&cell| bandwidths[cell]).collect();
        let mut weights = dense_weights(distances.clone(), &own, &own);
        weights *= self.n_reference as f32 / cells.len() as f32;
        Ok((Adjacency::Dense(weights), Adjacency::Dense(distances)))
    }
}

impl CellGraph {
    /// Bandwidths of all prepared cells; `None` where the kernel is not dense.
    fn bandwidths_of_all(
        &self,
        members: &[usize],
        prepared: &Prepared,
        features: &Features,
    ) -> Option<Vec<f32>> {
        let Kernel::Dense(kernel) = &self.kernel else {
            return None;
        };
        let mut all = vec![0.0; prepared.n_cells()];
        for (&cell, &bandwidth) in members.iter().zip(kernel.bandwidths()) {
            all[cell] = bandwidth;
        }
        let others: Vec<usize> = (0..prepared.n_cells())
            .filter(|cell| members.binary_search(cell).is_err())
            .collect();
        for block in others.chunks(BLOCK) {
            let queries = Directions::of(&features.of(prepared, block).view());
            for (&cell, bandwidth) in block.iter().zip(kernel.bandwidths_of(&queries)) {
                all[cell] = bandwidth;
            }
        }
        Some(all)
    }
}
