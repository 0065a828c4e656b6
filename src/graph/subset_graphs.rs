//! Graphs of a few cells at a time, on the scale of the graph of all cells.

use ndarray::ArrayView2;

use super::{
    Adjacency, Aggregation, CellGraph, GraphConfig, GraphError, Kernel, Pairs, Representation,
    cosine::Directions, gauss::dense_weights,
};
use crate::preprocess::Prepared;

/// Cells outside the graph whose bandwidths are found at a time.
const BLOCK: usize = 1024;

/// What gives any few cells their weights and targets.
#[derive(Debug)]
pub struct SubsetGraphs {
    config: GraphConfig,
    /// Bandwidths of the training cells, where the kernel is dense.
    bandwidths: Option<Vec<f32>>,
    /// Cells of the graph that weights add up over.
    n_reference: usize,
}

impl SubsetGraphs {
    /// Graphs of mini-batches of the `training` cells (positions in `prepared`, ascending).
    ///
    /// `reference` is the graph of the cells at `cells`, some of these, built with `config`.
    /// The dense gauss kernel takes every cell's bandwidth from its nearest cells there; the others have a
    /// neighbourhood within each mini-batch.
    ///
    /// Cost: cells · reference cells · features operations; one `f32` per cell.
    #[must_use]
    pub fn new(
        config: &GraphConfig,
        reference: &CellGraph,
        cells: &[usize],
        training: &[usize],
        prepared: &Prepared,
        representation: &Representation,
    ) -> Self {
        Self {
            config: *config,
            bandwidths: reference.bandwidths_of(cells, training, prepared, representation),
            n_reference: cells.len(),
        }
    }

    /// What a graph convolution makes of a cell's neighbours.
    #[must_use]
    pub fn aggregation(&self) -> Aggregation {
        self.config.aggregation
    }

    /// The graph of a mini-batch, weights and targets: `cells` are places among the training cells, `features` theirs,
    /// cells × features.
    ///
    /// With the dense kernel, weights are multiplied by reference cells / mini-batch cells, so that sums over a mini-batch
    /// have the scale of sums over the reference whatever the mini-batch's size. Sums over neighbours have it anyway.
    ///
    /// # Errors
    ///
    /// Where a feature is not finite.
    pub fn of(
        &self,
        cells: &[usize],
        features: ArrayView2<f32>,
    ) -> Result<(Adjacency, Adjacency), GraphError> {
        let Some(bandwidths) = &self.bandwidths else {
            let config = GraphConfig {
                n_neighbors: self.config.n_neighbors.min(cells.len()),
                ..self.config
            };
            let graph = CellGraph::build(features, &config)?;
            let Pairs::Stored {
                connectivities,
                target,
            } = graph.pairs
            else {
                unreachable!("the graph of neighbours is stored");
            };
            return Ok((connectivities, target));
        };
        let directions = Directions::of(&features);
        let distances = directions.all_distances();
        let own: Vec<f32> = cells.iter().map(|&cell| bandwidths[cell]).collect();
        let mut weights = dense_weights(distances.clone(), &own, &own);
        weights *= self.n_reference as f32 / cells.len() as f32;
        let target = self.config.aim.of_dense(distances);
        Ok((Adjacency::Dense(weights), Adjacency::Dense(target)))
    }
}

impl CellGraph {
    /// Bandwidths of the training cells, of which `members` are in the graph; `None` where the kernel is not dense.
    fn bandwidths_of(
        &self,
        members: &[usize],
        training: &[usize],
        prepared: &Prepared,
        representation: &Representation,
    ) -> Option<Vec<f32>> {
        let Kernel::Dense(kernel) = &self.kernel else {
            return None;
        };
        let mut all = vec![0.0; training.len()];
        let mut others = Vec::new();
        for (row, cell) in training.iter().enumerate() {
            match members.binary_search(cell) {
                Ok(member) => all[row] = kernel.bandwidths()[member],
                Err(_) => others.push(row),
            }
        }
        for rows in others.chunks(BLOCK) {
            let block: Vec<usize> = rows.iter().map(|&row| training[row]).collect();
            let queries = Directions::of(&representation.of(prepared, &block).view());
            for (&row, bandwidth) in rows.iter().zip(kernel.bandwidths_of(&queries)) {
                all[row] = bandwidth;
            }
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        counts::Csr,
        graph::{Aim, Method},
        preprocess::prepare,
    };

    /// Thirty cells of three kinds.
    fn prepared() -> Prepared {
        let mut counts = sprs::TriMatI::<f32, u32>::new((30, 12));
        for cell in 0..30 {
            for gene in 0..12 {
                let marker = if gene % 3 == cell % 3 { 20 } else { 1 };
                counts.add_triplet(cell, gene, (marker + (cell * 5 + gene * 7) % 6) as f32);
            }
        }
        let counts: Csr = counts.to_csr();
        prepare(&counts, 12).expect("cells that can be prepared")
    }

    fn dense(matrix: &Adjacency) -> ndarray::Array2<f32> {
        matrix.dense_rows(0..matrix.shape().0)
    }

    #[test]
    fn a_batch_of_all_cells_has_the_graph_of_all_cells() {
        let (prepared, representation) = (prepared(), Representation::Expression);
        let all: Vec<usize> = (0..30).collect();
        let rows = representation.of(&prepared, &all);
        for (method, knn) in [
            (Method::Gauss, false),
            (Method::Gauss, true),
            (Method::Umap, true),
        ] {
            let config = GraphConfig {
                aim: Aim::Similarities,
                ..GraphConfig::published(method, knn, 5)
            };
            let graph = CellGraph::build(rows.view(), &config).expect("a graph");
            let graphs = SubsetGraphs::new(&config, &graph, &all, &all, &prepared, &representation);
            let (weights, target) = graphs.of(&all, rows.view()).expect("a graph");
            let Pairs::Stored {
                connectivities,
                target: of_all,
            } = &graph.pairs
            else {
                panic!("a small graph is stored");
            };
            assert_eq!(dense(&weights), dense(connectivities), "{config:?}");
            assert_eq!(dense(&target), dense(of_all), "{config:?}");
        }
    }

    #[test]
    fn weights_of_a_batch_add_up_as_those_of_the_reference() {
        let (prepared, representation) = (prepared(), Representation::Expression);
        let reference: Vec<usize> = (0..30).step_by(2).collect();
        let config = GraphConfig::published(Method::Gauss, false, 5);
        let rows = representation.of(&prepared, &reference);
        let graph = CellGraph::build(rows.view(), &config).expect("a graph");
        let all: Vec<usize> = (0..30).collect();
        let graphs = SubsetGraphs::new(
            &config,
            &graph,
            &reference,
            &all,
            &prepared,
            &representation,
        );
        let batch = [1, 3, 10];
        let of_batch = representation.of(&prepared, &batch);
        let (weights, _) = graphs.of(&batch, of_batch.view()).expect("a graph");
        // A cell's weight to itself is 1, times 15 reference cells over 3 of the mini-batch.
        for i in 0..3 {
            assert!((dense(&weights)[[i, i]] - 5.0).abs() < 1e-6);
        }
        // Cell 1 has the bandwidth that it has as a query of the reference.
        let bridge = dense(&graph.bridge(of_batch.view()));
        let position = reference.iter().position(|&cell| cell == 10).expect("10");
        assert!((dense(&weights)[[0, 2]] / 5.0 - bridge[[0, position]]).abs() < 1e-6);
    }
}
