//! Mini-batches of the training cells, drawn by seeded permutations.

use std::borrow::Cow;

use ndarray::Axis;
use rand::{
    Rng,
    seq::{SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use super::training_batch::TrainingBatch;
use crate::{
    counts::Csr,
    graph::{GraphError, Representation, SubsetGraphs},
    kernels::{CountTarget, GraphTarget, tensor::from_array},
    model::{contrast::ContrastTarget, decoder::one_hot, graph_conv::GraphOperator},
    preprocess::{Batches, Prepared},
    seed::{Stream, stream},
};

/// What mini-batches are made of.
#[derive(Debug, Clone, Copy)]
pub struct MiniBatchSource<'a> {
    /// All cells.
    pub prepared: &'a Prepared,
    /// The training cells, positions in `prepared`, ascending.
    pub cells: &'a [usize],
    /// What graphs are built from.
    pub representation: &'a Representation,
    /// Graphs of any few cells.
    pub graphs: &'a SubsetGraphs,
    /// What the embedding starts from, all cells × d, where the model adds to something.
    pub base: Option<&'a ndarray::Array2<f32>>,
    /// Batches of all cells, where the decoder is conditioned on them.
    pub batches: Option<&'a Batches>,
    /// The sum of the views' graphs of the training cells, where neighbours are contrasted: half of a mini-batch are then drawn as
    /// neighbours of the other half.
    pub joint: Option<&'a Csr>,
    /// Genes that a step reproduces the counts of, drawn at random; all of them where `None`.
    pub n_genes: Option<usize>,
    /// Where mini-batches lie.
    pub device: Device,
}

/// Draws mini-batches without end. In every pass over the data each cell is once drawn in its own right; mini-batches differ by at
/// most one such cell in size.
#[derive(Debug)]
pub struct MiniBatches<'a> {
    source: MiniBatchSource<'a>,
    /// Z-scores of the training cells, where they are kept.
    zscores: Option<Tensor>,
    order: Vec<usize>,
    per_pass: usize,
    drawn: usize,
    rng: ChaCha8Rng,
    genes: ChaCha8Rng,
    ahead: Option<Result<Drawn, GraphError>>,
}

/// A mini-batch.
#[derive(Debug)]
pub struct Drawn {
    /// Its cells, as places among the training cells.
    pub cells: Vec<usize>,
    /// What is learnt from them.
    pub batch: TrainingBatch<'static>,
}

impl<'a> MiniBatches<'a> {
    /// Mini-batches of at most `batch_size` (at least 2) cells in the order that `seed` draws.
    #[must_use]
    pub fn new(source: MiniBatchSource<'a>, batch_size: usize, seed: u64) -> Self {
        let n_cells = source.cells.len();
        let anchors = match source.joint {
            Some(_) => batch_size / 2,
            None => batch_size,
        };
        let MiniBatchSource {
            prepared,
            cells,
            device,
            ..
        } = source;
        // Of many cells, each is drawn a few times only.
        let zscores =
            (prepared.are_few(cells)).then(|| from_array(prepared.zscores(cells).view(), device));
        Self {
            source,
            zscores,
            order: (0..n_cells).collect(),
            per_pass: n_cells.div_ceil(anchors),
            drawn: 0,
            rng: stream(seed, Stream::MiniBatches),
            genes: stream(seed, Stream::Genes),
            ahead: None,
        }
    }

    /// Mini-batches in a pass over all cells.
    #[must_use]
    pub fn per_pass(&self) -> usize {
        self.per_pass
    }

    /// The next mini-batch.
    ///
    /// Cost: B² · features operations and B · genes floats, whatever the number of cells.
    ///
    /// # Errors
    ///
    /// Where the cells have no graph.
    pub fn draw(&mut self) -> Result<Drawn, GraphError> {
        match self.ahead.take() {
            Some(drawn) => drawn,
            None => self.draw_now(),
        }
    }

    /// Makes the next mini-batch ready, so that [`Self::draw`] has only to hand it over.
    pub fn draw_ahead(&mut self) {
        if self.ahead.is_none() {
            self.ahead = Some(self.draw_now());
        }
    }

    fn draw_now(&mut self) -> Result<Drawn, GraphError> {
        let rows = self.draw_rows();
        let MiniBatchSource {
            prepared,
            representation,
            graphs,
            base,
            batches,
            joint,
            device,
            ..
        } = self.source;
        let cells: Vec<usize> = rows.iter().map(|&row| self.source.cells[row]).collect();
        let (weights, target) = graphs.of(&rows, representation.of(prepared, &cells).view())?;
        let batch = TrainingBatch {
            x: self.zscores(&rows, &cells),
            base: base.map(|base| from_array(base.select(Axis(0), &cells).view(), device)),
            graph: GraphOperator::stored(&weights, device).aggregating(
                graphs.aggregation(),
                cells.len(),
                device,
            ),
            target: GraphTarget::stored(Cow::Owned(target), device),
            batches: batches.map(|batches| one_hot(batches, &cells, device)),
            counts: self.counts(&cells),
            contrast: joint.map(|joint| ContrastTarget::new(joint, &rows, device)),
        };
        Ok(Drawn { cells: rows, batch })
    }

    /// Z-scores of some training cells, at these places among them.
    fn zscores(&self, rows: &[usize], cells: &[usize]) -> Tensor {
        let MiniBatchSource {
            prepared, device, ..
        } = self.source;
        match &self.zscores {
            None => from_array(prepared.zscores(cells).view(), device),
            Some(all) => {
                let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
                all.index_select(0, &Tensor::from_slice(&rows).to_device(device))
            }
        }
    }

    fn counts(&mut self, cells: &[usize]) -> CountTarget {
        let prepared = self.source.prepared;
        let size_factors = prepared.size_factors_of(cells);
        match self.source.n_genes {
            Some(n_genes) if n_genes < prepared.n_genes() => {
                let mut genes =
                    index::sample(&mut self.genes, prepared.n_genes(), n_genes).into_vec();
                genes.sort_unstable();
                let counts = prepared.counts_of_genes(cells, &genes);
                CountTarget::of_genes(counts, &genes, size_factors)
            }
            _ => CountTarget::new(prepared.counts_of(cells), size_factors),
        }
    }

    /// The cells of the next mini-batch, ascending where they are drawn with neighbours.
    fn draw_rows(&mut self) -> Vec<usize> {
        let batch = self.drawn % self.per_pass;
        if batch == 0 {
            self.order.shuffle(&mut self.rng);
        }
        self.drawn += 1;
        let n_cells = self.order.len();
        let edge = |batch: usize| batch * n_cells / self.per_pass;
        let mut rows = self.order[edge(batch)..edge(batch + 1)].to_vec();
        if let Some(joint) = self.source.joint {
            for place in 0..rows.len() {
                rows.extend(neighbor(joint, rows[place], &mut self.rng));
            }
            rows.sort_unstable();
            rows.dedup();
        }
        rows
    }
}

/// One of a cell's neighbours, drawn in proportion to the weights; `None` where there is none.
fn neighbor(graph: &Csr, cell: usize, rng: &mut ChaCha8Rng) -> Option<usize> {
    let row = graph.outer_view(cell)?;
    let total: f32 = row.data().iter().sum();
    let mut left = rng.random::<f32>() * total;
    for (other, &weight) in row.iter() {
        left -= weight;
        if left < 0.0 {
            return Some(other);
        }
    }
    row.indices().last().map(|&last| last as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::{CellGraph, GraphConfig, Method},
        preprocess::prepare,
    };

    #[test]
    fn batches_drawn_ahead_are_those_drawn_in_turn() {
        let count = |(cell, gene): (usize, usize)| ((cell * 5 + gene * 7) % 6 + 1) as f32;
        let counts = ndarray::Array2::from_shape_fn((40, 12), count);
        let prepared = prepare(&Csr::csr_from_dense(counts.view(), 0.0), 12).expect("cells");
        let cells: Vec<usize> = (0..40).collect();
        let representation = Representation::Expression;
        let config = GraphConfig::published(Method::Gauss, false, 5);
        let rows = representation.of(&prepared, &cells);
        let graph = CellGraph::build(rows.view(), &config).expect("a graph");
        let graphs = SubsetGraphs::new(&config, &graph, &cells, &cells, &prepared, &representation);
        let source = MiniBatchSource {
            prepared: &prepared,
            cells: &cells,
            representation: &representation,
            graphs: &graphs,
            base: None,
            batches: None,
            joint: None,
            n_genes: Some(3),
            device: Device::Cpu,
        };
        let [mut in_turn, mut ahead] = [(); 2].map(|()| MiniBatches::new(source, 10, 1));
        for step in 0..9 {
            if step % 3 > 0 {
                ahead.draw_ahead();
            }
            let [expected, found] = [&mut in_turn, &mut ahead].map(MiniBatches::draw);
            let (expected, found) = (expected.expect("a batch"), found.expect("a batch"));
            assert_eq!(found.cells, expected.cells);
            assert!(found.batch.x.equal(&expected.batch.x));
        }
    }
}
