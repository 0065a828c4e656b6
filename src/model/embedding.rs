//! The embedding of any cells: the reference cells together, all others by blocks against them.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::{
    autoencoder::Autoencoder,
    graph_conv::GraphOperator,
    landmarks::{CellInputs, Landmarks},
};
use crate::{
    graph::{Aggregation, CellGraph, Representation},
    kernels::tensor::{from_array, to_array},
    preprocess::Prepared,
};

/// Cells outside the reference that are embedded at a time.
pub const BLOCK: usize = 1024;

/// The cells that every cell is embedded against, and what connects others with them.
#[derive(Debug)]
pub struct Reference<'a> {
    /// Their positions in the prepared data, ascending.
    pub cells: &'a [usize],
    /// What the model sees of them.
    pub inputs: &'a CellInputs,
    /// Their weights to each other.
    pub operator: &'a GraphOperator,
    /// Their cell graph.
    pub graph: &'a CellGraph,
    /// What cell graphs are built from.
    pub representation: &'a Representation,
    /// The components that the embedding of every prepared cell starts from, n × d, where the model has a residual part.
    pub base: Option<&'a Array2<f32>>,
}

/// What the model sees of some cells (positions in `prepared`). `base` are their scores in the components that the views
/// share, where the model has a residual part.
#[must_use]
pub fn inputs(
    prepared: &Prepared,
    base: Option<&Array2<f32>>,
    cells: &[usize],
    device: tch::Device,
) -> CellInputs {
    CellInputs {
        x: from_array(prepared.zscores(cells).view(), device),
        base: base.map(|base| from_array(base.view(), device)),
    }
}

/// Embeds some of the prepared cells (positions, ascending), in their order: cells × d; and what others need of the
/// reference cells.
///
/// A cell outside the reference attends to, and has graph weights to, reference cells only: time is linear in the
/// number of cells, and memory beyond the result is that of one block.
#[must_use]
pub fn embed_cells(
    model: &Autoencoder,
    prepared: &Prepared,
    reference: &Reference<'_>,
    cells: &[usize],
) -> (Array2<f32>, Landmarks) {
    tch::no_grad(|| {
        let device = reference.inputs.x.device();
        let (z, landmarks) = model.embed_reference(reference.inputs, reference.operator);
        let z = to_array(&z);
        let mut all = Array2::zeros((cells.len(), z.ncols()));
        let mut others = Vec::new();
        for (row, cell) in cells.iter().enumerate() {
            match reference.cells.binary_search(cell) {
                Ok(member) => all.slice_mut(s![row, ..]).assign(&z.row(member)),
                Err(_) => others.push(row),
            }
        }
        let embedder = Embedder {
            model,
            landmarks: &landmarks,
            graph: reference.graph,
            aggregation: reference.operator.aggregation(),
        };
        for rows in others.chunks(BLOCK) {
            let block: Vec<usize> = rows.iter().map(|&row| cells[row]).collect();
            let base = reference.base.map(|base| base.select(Axis(0), &block));
            let inputs = inputs(prepared, base.as_ref(), &block, device);
            let z = embedder.embed(
                reference.representation.of(prepared, &block).view(),
                &inputs,
            );
            for (&row, z) in rows.iter().zip(z.rows()) {
                all.slice_mut(s![row, ..]).assign(&z);
            }
        }
        (all, landmarks)
    })
}

/// A model, and the reference cells that it embeds any cell against.
#[derive(Debug, Clone, Copy)]
pub struct Embedder<'a> {
    /// The model.
    pub model: &'a Autoencoder,
    /// What other cells need of the reference cells.
    pub landmarks: &'a Landmarks,
    /// The reference cells' graph.
    pub graph: &'a CellGraph,
    /// What a graph convolution makes of a cell's neighbours.
    pub aggregation: Aggregation,
}

impl Embedder<'_> {
    /// Embeds a block of cells: cells × d. `features` are what the reference cells' graph was built from, of these cells. A
    /// cell does not see the others of its block.
    #[must_use]
    pub fn embed(&self, features: ArrayView2<'_, f32>, inputs: &CellInputs) -> Array2<f32> {
        let device = inputs.x.device();
        let n_reference = self.landmarks.states.start.size()[0] as usize;
        tch::no_grad(|| {
            let bridge = GraphOperator::stored(&self.graph.bridge(features), device);
            let bridge = bridge.aggregating(self.aggregation, n_reference, device);
            to_array(&self.model.embed(inputs, &bridge, self.landmarks))
        })
    }
}
