//! The embedding of every cell: the sampled ones together, all others by blocks against them.

use ndarray::{Array2, s};

use super::{
    autoencoder::Autoencoder,
    graph_conv::GraphOperator,
    pretrain::TrainingSet,
    tensor::{from_array, to_array},
};
use crate::{
    graph::{CellGraph, Features},
    preprocess::Prepared,
};

/// Cells outside the sample that are embedded at a time.
const BLOCK: usize = 1024;

/// Who was trained on, and what connects the other cells with them.
#[derive(Debug)]
pub struct Sample<'a> {
    /// Positions of the sampled cells in the prepared data, ascending.
    pub cells: &'a [usize],
    /// Their inputs and weights, as they were trained on.
    pub set: &'a TrainingSet<'a>,
    /// Their cell graph.
    pub graph: &'a CellGraph,
    /// What cell graphs are built from.
    pub features: &'a Features,
}

/// Embeds all prepared cells, in their order: n × d.
///
/// A cell outside the sample attends to, and has graph weights to, sampled cells only: time is linear in n, and
/// memory beyond the result is that of one block.
#[must_use]
pub fn embed_every_cell(
    model: &Autoencoder,
    prepared: &Prepared,
    sample: &Sample<'_>,
) -> Array2<f32> {
    tch::no_grad(|| {
        let device = sample.set.x.device();
        let (z, landmarks) = model.embed_sample(&sample.set.x, &sample.set.graph);
        let z = to_array(&z);
        let mut all = Array2::zeros((prepared.n_cells(), z.ncols()));
        scatter(&mut all, sample.cells, &z);
        for block in others(sample.cells, prepared.n_cells()).chunks(BLOCK) {
            let bridge = sample
                .graph
                .bridge(sample.features.of(prepared, block).view());
            let x = from_array(prepared.zscores(block).view(), device);
            let z = model.embed(&x, &GraphOperator::new(&bridge, device), &landmarks);
            scatter(&mut all, block, &to_array(&z));
        }
        all
    })
}

/// The positions below `n` that `sample` (ascending) leaves out.
fn others(sample: &[usize], n: usize) -> Vec<usize> {
    (0..n)
        .filter(|cell| sample.binary_search(cell).is_err())
        .collect()
}

fn scatter(all: &mut Array2<f32>, cells: &[usize], rows: &Array2<f32>) {
    for (&cell, row) in cells.iter().zip(rows.rows()) {
        all.slice_mut(s![cell, ..]).assign(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_those_outside_the_sample() {
        assert_eq!(others(&[1, 3], 5), [0, 2, 4]);
        assert!(others(&[0, 1, 2], 3).is_empty());
    }
}
