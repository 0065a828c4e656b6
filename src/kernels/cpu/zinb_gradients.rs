//! The decoder's output layers, ZINB losses and their gradients on the CPU, a run of genes per task.
//!
//! A task holds a run of genes of the three output layers. For one block of cells after the other it multiplies the hidden
//! layer by the output layers' weights, puts the losses' gradients in the place of the products while these are in the
//! cache, and multiplies them back: the gradients by its weights are the task's own, those by the hidden layer are
//! summed over tasks, in order. Each product is one thread's: results do not depend on the number of threads.

use faer::{Accum, MatRef, Par, linalg::matmul::matmul};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use tch::Tensor;

use super::zinb_row::{PreActivationRows, Scratch, zinb_row};
use crate::kernels::{
    Affine, HIDDEN_WIDTH, OutputLayers, ZinbGradients,
    count_target::HostCounts,
    tensor::{rows_mut, values, values_mut},
};

/// Most genes of a task.
const MOST_GENES: usize = 256;

/// Tasks that there are at least, of equal size, where the genes are few.
const FEWEST_TASKS: usize = 4;

/// Cells that pass through a task at a time.
const CELLS: usize = 128;

/// Cells after which the tasks' gradients by the hidden layer are summed.
const CELLS_PER_SUM: usize = 1024;

/// Loss and gradients of `hidden` (n × 256, contiguous) through the output layers for π, θ and μ.
pub(super) fn zinb_gradients(
    hidden: &Tensor,
    layers: [Affine<'_>; 3],
    target: &HostCounts,
    wanted: OutputLayers,
) -> ZinbGradients {
    let mut by_hidden = hidden.zeros_like();
    let mut by_weights = layers.map(|layer| Gradient::of(layer, wanted));
    let value = {
        let fixed = layers.map(|layer| (values(layer.weight), layer.bias.map(values)));
        let mut runs = gene_runs(fixed, &mut by_weights, target.n_genes());
        let hidden = values(hidden).chunks(CELLS_PER_SUM * HIDDEN_WIDTH);
        let sums = values_mut(&mut by_hidden).chunks_mut(CELLS_PER_SUM * HIDDEN_WIDTH);
        let blocks = hidden.zip(sums).enumerate();
        blocks
            .map(|(block, (hidden, sum))| {
                add_cells(&mut runs, hidden, block * CELLS_PER_SUM, target, sum)
            })
            .sum()
    };
    ZinbGradients {
        value,
        by_hidden,
        by_weights: (wanted == OutputLayers::Trained).then(|| {
            by_weights
                .map(|gradient| (gradient.weight, gradient.bias))
                .into()
        }),
    }
}

/// Gradients of an output layer's weights, empty where they are not wanted.
struct Gradient {
    weight: Tensor,
    bias: Tensor,
}

impl Gradient {
    fn of(layer: Affine<'_>, wanted: OutputLayers) -> Self {
        let n_genes = match wanted {
            OutputLayers::Trained => layer.weight.size()[0],
            OutputLayers::Frozen => 0,
        };
        Self {
            weight: Tensor::zeros([n_genes, HIDDEN_WIDTH as i64], tch::kind::FLOAT_CPU),
            bias: Tensor::zeros([n_genes], tch::kind::FLOAT_CPU),
        }
    }
}

/// A run of genes: weights of the three output layers, their gradients, and what the last cells added.
struct GeneRun<'a> {
    first: usize,
    layers: [LayerRun<'a>; 3],
    by_hidden: Vec<f32>,
    loss: f64,
    scratch: Scratch,
}

/// One output layer of a run of genes.
struct LayerRun<'a> {
    /// genes × 256.
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    /// genes × 256, or empty.
    by_weight: &'a mut [f32],
    by_bias: &'a mut [f32],
    /// Products, then gradients, of a block of cells: cells × genes.
    outputs: Vec<f32>,
}

fn gene_runs<'a>(
    layers: [(&'a [f32], Option<&'a [f32]>); 3],
    gradients: &'a mut [Gradient; 3],
    n_genes: usize,
) -> Vec<GeneRun<'a>> {
    let mut layers = layers
        .into_iter()
        .zip(gradients)
        .map(|((weight, bias), by)| {
            let (by_weight, by_bias) = (values_mut(&mut by.weight), values_mut(&mut by.bias));
            head_runs(weight, bias, by_weight, by_bias, n_genes)
        });
    let mut next = || layers.next().into_iter().flatten();
    let (pi, disp, mean) = (next(), next(), next());
    pi.zip(disp)
        .zip(mean)
        .enumerate()
        .map(|(run, ((pi, disp), mean))| GeneRun {
            first: run * task_genes(n_genes),
            layers: [pi, disp, mean],
            by_hidden: Vec::new(),
            loss: 0.0,
            scratch: Scratch::default(),
        })
        .collect()
}

/// Genes of a task, the last one's may be fewer.
fn task_genes(n_genes: usize) -> usize {
    n_genes.div_ceil(FEWEST_TASKS).clamp(1, MOST_GENES)
}

fn head_runs<'a>(
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    by_weight: &'a mut [f32],
    by_bias: &'a mut [f32],
    n_genes: usize,
) -> Vec<LayerRun<'a>> {
    let genes = task_genes(n_genes);
    let mut by_weight = by_weight.chunks_mut(genes * HIDDEN_WIDTH);
    let mut by_bias = by_bias.chunks_mut(genes);
    let weights = weight.chunks(genes * HIDDEN_WIDTH);
    (0..n_genes)
        .step_by(genes)
        .zip(weights)
        .map(|(first, weight)| LayerRun {
            weight,
            bias: bias.map(|bias| &bias[first..(first + genes).min(n_genes)]),
            by_weight: by_weight.next().unwrap_or_default(),
            by_bias: by_bias.next().unwrap_or_default(),
            outputs: Vec::new(),
        })
        .collect()
}

/// Passes some cells through all runs of genes; their gradient by the hidden layer, and their loss.
fn add_cells(
    runs: &mut [GeneRun<'_>],
    hidden: &[f32],
    first_cell: usize,
    target: &HostCounts,
    by_hidden: &mut [f32],
) -> f64 {
    runs.par_iter_mut().for_each(|run| {
        run.loss = 0.0;
        run.by_hidden.clear();
        run.by_hidden.resize(hidden.len(), 0.0);
        for (block, hidden) in hidden.chunks(CELLS * HIDDEN_WIDTH).enumerate() {
            run.pass(hidden, block * CELLS, first_cell, target);
        }
    });
    by_hidden
        .par_chunks_mut(CELLS * HIDDEN_WIDTH)
        .enumerate()
        .for_each(|(block, sum)| {
            for run in runs.iter() {
                let part = &run.by_hidden[block * CELLS * HIDDEN_WIDTH..];
                sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
            }
        });
    runs.iter().map(|run| run.loss).sum()
}

impl GeneRun<'_> {
    /// Passes a block of cells, `place` cells behind `first_cell`.
    fn pass(&mut self, hidden: &[f32], place: usize, first_cell: usize, target: &HostCounts) {
        let n_cells = hidden.len() / HIDDEN_WIDTH;
        let hidden = MatRef::from_row_major_slice(hidden, n_cells, HIDDEN_WIDTH);
        for layer in &mut self.layers {
            layer.decode(hidden);
        }
        self.loss += pulp::Arch::new().dispatch(ReplaceByGradients {
            run: self,
            cells: first_cell + place..first_cell + place + n_cells,
            target,
        });
        let by_hidden = &mut self.by_hidden[place * HIDDEN_WIDTH..][..n_cells * HIDDEN_WIDTH];
        for layer in &mut self.layers {
            layer.carry_back(hidden, by_hidden);
        }
    }
}

impl LayerRun<'_> {
    fn n_genes(&self) -> usize {
        self.weight.len() / HIDDEN_WIDTH
    }

    fn weight(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(self.weight, self.n_genes(), HIDDEN_WIDTH)
    }

    /// hidden · Wᵀ + b
    fn decode(&mut self, hidden: MatRef<'_, f32>) {
        let n_genes = self.n_genes();
        self.outputs.resize(hidden.nrows() * n_genes, 0.0);
        for row in self.outputs.chunks_mut(n_genes) {
            match self.bias {
                Some(bias) => row.copy_from_slice(bias),
                None => row.fill(0.0),
            }
        }
        let weight = MatRef::from_row_major_slice(self.weight, n_genes, HIDDEN_WIDTH);
        let outputs = rows_mut(&mut self.outputs, n_genes);
        matmul(
            outputs,
            Accum::Add,
            hidden,
            weight.transpose(),
            1.0,
            Par::Seq,
        );
    }

    /// Adds what the gradients in `outputs` mean for the hidden layer and, where wanted, for the weights.
    fn carry_back(&mut self, hidden: MatRef<'_, f32>, by_hidden: &mut [f32]) {
        let n_genes = self.n_genes();
        let outputs = MatRef::from_row_major_slice(&self.outputs, hidden.nrows(), n_genes);
        let by_hidden = rows_mut(by_hidden, HIDDEN_WIDTH);
        matmul(by_hidden, Accum::Add, outputs, self.weight(), 1.0, Par::Seq);
        if self.by_weight.is_empty() {
            return;
        }
        let by_weight = rows_mut(self.by_weight, HIDDEN_WIDTH);
        matmul(
            by_weight,
            Accum::Add,
            outputs.transpose(),
            hidden,
            1.0,
            Par::Seq,
        );
        for row in self.outputs.chunks(n_genes) {
            let sums = self.by_bias.iter_mut();
            sums.zip(row).for_each(|(sum, x)| *sum += x);
        }
    }
}

/// Puts gradients in the place of a block's outputs, as vector code; the sum of the losses.
struct ReplaceByGradients<'a, 'b> {
    run: &'a mut GeneRun<'b>,
    cells: std::ops::Range<usize>,
    target: &'a HostCounts,
}

impl WithSimd for ReplaceByGradients<'_, '_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let GeneRun {
            first,
            layers,
            scratch,
            ..
        } = self.run;
        let [pi, disp, mean] = layers;
        let n_genes = pi.n_genes();
        let scale = self.target.scale() as f32;
        let rows = pi
            .outputs
            .chunks_mut(n_genes)
            .zip(disp.outputs.chunks_mut(n_genes))
            .zip(mean.outputs.chunks_mut(n_genes));
        let mut loss = 0.0;
        for (cell, ((pi, disp), mean)) in self.cells.zip(rows) {
            let counts = self.target.cell(cell, *first..*first + n_genes);
            loss += zinb_row(
                counts,
                &mut PreActivationRows { pi, disp, mean },
                scale,
                scratch,
            );
        }
        loss
    }
}
