//! Batches of all prepared cells, drawn by seeded permutations.

use std::borrow::Cow;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::Device;

use super::{
    batch::Batch, graph_conv::GraphOperator, graph_loss::GraphTarget, reconstruction::CountTarget,
    tensor::from_array,
};
use crate::{
    graph::{BatchGraphs, Features, GraphError},
    preprocess::Prepared,
    seed::{Stream, stream},
};

/// Draws batches without end. In every pass over the data each cell is in one batch; batches differ by at most one
/// cell in size.
#[derive(Debug)]
pub struct MiniBatches<'a> {
    prepared: &'a Prepared,
    features: &'a Features,
    graphs: &'a BatchGraphs,
    device: Device,
    order: Vec<usize>,
    per_pass: usize,
    drawn: usize,
    rng: ChaCha8Rng,
}

/// A batch.
#[derive(Debug)]
pub struct Drawn {
    /// Positions of its cells.
    pub cells: Vec<usize>,
    /// What is learnt from them.
    pub batch: Batch<'static>,
}

impl<'a> MiniBatches<'a> {
    /// Batches of at most `batch_size` (at least 1) cells in the order that `seed` draws.
    #[must_use]
    pub fn new(
        prepared: &'a Prepared,
        features: &'a Features,
        graphs: &'a BatchGraphs,
        batch_size: usize,
        seed: u64,
        device: Device,
    ) -> Self {
        let n_cells = prepared.n_cells();
        Self {
            prepared,
            features,
            graphs,
            device,
            order: (0..n_cells).collect(),
            per_pass: n_cells.div_ceil(batch_size),
            drawn: 0,
            rng: stream(seed, Stream::Batches),
        }
    }

    /// Batches in a pass over all cells.
    #[must_use]
    pub fn per_pass(&self) -> usize {
        self.per_pass
    }

    /// The next batch.
    ///
    /// Cost: B² · features operations and B · genes floats, whatever the number of cells.
    ///
    /// # Errors
    ///
    /// Where the cells have no graph.
    pub fn draw(&mut self) -> Result<Drawn, GraphError> {
        let cells = self.draw_cells();
        let features = self.features.of(self.prepared, &cells);
        let (weights, target) = self.graphs.of(&cells, features.view())?;
        let batch = Batch {
            x: from_array(self.prepared.zscores(&cells).view(), self.device),
            graph: GraphOperator::stored(&weights, self.device).aggregating(
                self.graphs.aggregation(),
                cells.len(),
                self.device,
            ),
            target: GraphTarget::stored(Cow::Owned(target), self.device),
            counts: CountTarget::new(
                self.prepared.counts_of(&cells),
                self.prepared.size_factors_of(&cells),
            ),
        };
        Ok(Drawn { cells, batch })
    }

    fn draw_cells(&mut self) -> Vec<usize> {
        let batch = self.drawn % self.per_pass;
        if batch == 0 {
            self.order.shuffle(&mut self.rng);
        }
        self.drawn += 1;
        let n_cells = self.order.len();
        let edge = |batch: usize| batch * n_cells / self.per_pass;
        self.order[edge(batch)..edge(batch + 1)].to_vec()
    }
}
