//! The reconstruction loss: decoder heads, ZINB likelihood and their gradients by blocks of cells.
//!
//! The heads are linear, so the gradients by the last hidden layer and by the heads' weights follow from those
//! by the heads' outputs, which one pass over a block writes in place of the outputs themselves. No
//! n × genes matrix outlives its block: memory is 3 · 256 · genes floats, whatever n.

use ndarray::Array1;
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{
    decoder::Decoder,
    layers::Linear,
    loss::LossTerm,
    tensor::{values, values_mut},
    zinb_plain,
    zinb_row::{CellCounts, HeadRows, Scratch, zinb_row},
};
use crate::counts::Csr;

/// Cells that are decoded at a time.
const BLOCK: usize = 256;

/// The raw counts that the decoder is to reproduce.
#[derive(Debug)]
pub struct CountTarget {
    counts: Csr,
    ln_factorials: Vec<f32>,
    size_factors: Array1<f32>,
}

/// Whether the heads themselves are being trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadWeights {
    /// Their gradients are wanted.
    Trained,
    /// They stay as they are; a third of the products is saved.
    Frozen,
}

impl CountTarget {
    /// The raw counts (n × genes) and size factors of n cells.
    #[must_use]
    pub fn new(counts: Csr, size_factors: Array1<f32>) -> Self {
        let on_host = Tensor::from_slice(counts.data());
        let ln_factorials = values(&(on_host + 1.0).lgamma()).to_vec();
        Self {
            counts,
            ln_factorials,
            size_factors,
        }
    }

    /// Number of cells.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.counts.rows()
    }

    fn n_genes(&self) -> usize {
        self.counts.cols()
    }

    fn cell(&self, i: usize) -> CellCounts<'_> {
        let range = self.counts.indptr().outer_inds_sz(i);
        CellCounts {
            genes: &self.counts.indices()[range.clone()],
            counts: &self.counts.data()[range.clone()],
            ln_factorials: &self.ln_factorials[range],
            size_factor: self.size_factors[i],
        }
    }

    /// The counts of a run of cells as a dense tensor.
    fn dense(&self, start: usize, length: usize) -> Tensor {
        let mut block = Tensor::zeros([length as i64, self.n_genes() as i64], tch::kind::FLOAT_CPU);
        for (i, row) in values_mut(&mut block)
            .chunks_mut(self.n_genes())
            .enumerate()
        {
            let cell = self.cell(start + i);
            for (&gene, &count) in cell.genes.iter().zip(cell.counts) {
                row[gene as usize] = count;
            }
        }
        block
    }
}

/// Mean ZINB loss over all n · genes counts, for the last hidden layer of the decoder (n × 256).
#[must_use]
pub fn zinb_loss(
    hidden: &Tensor,
    decoder: &Decoder,
    target: &CountTarget,
    weights: HeadWeights,
) -> LossTerm {
    let heads = [&decoder.calcu_pi, &decoder.calcu_disp, &decoder.calcu_mean];
    let inner = tch::no_grad(|| {
        let mut pass = HeadPass::new(hidden, heads, target, weights);
        for start in (0..target.n_cells()).step_by(BLOCK) {
            pass.block(start, BLOCK.min(target.n_cells() - start));
        }
        pass
    });
    let mut inputs = vec![(hidden, inner.by_hidden)];
    if let Some(gradients) = inner.by_weights {
        for (head, (by_weight, by_bias)) in heads.iter().zip(gradients) {
            inputs.push((&head.weight, by_weight));
            inputs.extend(head.bias.as_ref().map(|bias| (bias, by_bias)));
        }
    }
    LossTerm::from_gradients(inner.value, &inputs)
}

/// One pass over all blocks: buffers for a block, gradients that grow from block to block.
struct HeadPass<'a> {
    hidden: Tensor,
    heads: [&'a Linear; 3],
    target: &'a CountTarget,
    outputs: [Tensor; 3],
    by_hidden: Tensor,
    by_weights: Option<Vec<(Tensor, Tensor)>>,
    value: f64,
    scale: f64,
}

impl<'a> HeadPass<'a> {
    fn new(
        hidden: &Tensor,
        heads: [&'a Linear; 3],
        target: &'a CountTarget,
        weights: HeadWeights,
    ) -> Self {
        let hidden = hidden.detach();
        let float = (Kind::Float, hidden.device());
        let shape = [BLOCK.min(target.n_cells()) as i64, target.n_genes() as i64];
        let zeros = |linear: &&Linear| {
            let bias_size = [target.n_genes() as i64];
            (linear.weight.zeros_like(), Tensor::zeros(bias_size, float))
        };
        Self {
            outputs: std::array::from_fn(|_| Tensor::empty(shape, float)),
            by_hidden: hidden.empty_like(),
            by_weights: (weights == HeadWeights::Trained)
                .then(|| heads.iter().map(zeros).collect()),
            value: 0.0,
            scale: 1.0 / (target.n_cells() * target.n_genes()) as f64,
            hidden,
            heads,
            target,
        }
    }

    /// Decodes `length` cells from `start` on, and adds their loss and gradients.
    fn block(&mut self, start: usize, length: usize) {
        let rows = (start as i64, length as i64);
        let hidden = self.hidden.narrow(0, rows.0, rows.1);
        let mut outputs = self
            .outputs
            .each_ref()
            .map(|output| output.narrow(0, 0, rows.1));
        for (head, output) in self.heads.iter().zip(&outputs) {
            let _ = match &head.bias {
                Some(bias) => bias.addmm_out(output, &hidden, &head.weight.tr()),
                None => hidden.mm_out(output, &head.weight.tr()),
            };
        }
        self.value += self.replace_by_gradients(start, &mut outputs);
        let mut by_hidden = self.by_hidden.narrow(0, rows.0, rows.1);
        let _ = by_hidden.zero_();
        for (head, gradient) in self.heads.iter().zip(&outputs) {
            let _ = by_hidden.addmm_(gradient, &head.weight);
        }
        for ((by_weight, by_bias), gradient) in self.by_weights.iter_mut().flatten().zip(&outputs) {
            let _ = by_weight.addmm_(&gradient.tr(), &hidden);
            *by_bias += gradient.sum_dim_intlist([0].as_slice(), false, Kind::Float);
        }
    }

    /// Overwrites the heads' outputs by the gradients of the mean loss; this block's share of the loss.
    fn replace_by_gradients(&self, start: usize, outputs: &mut [Tensor; 3]) -> f64 {
        if self.hidden.device() == Device::Cpu {
            return self.scale * cpu_kernel(self.target, start, outputs, self.scale as f32);
        }
        let length = outputs[0].size()[0] as usize;
        let device = self.hidden.device();
        let counts = self.target.dense(start, length).to_device(device);
        let size_factors: Vec<f32> = (start..start + length)
            .map(|i| self.target.size_factors[i])
            .collect();
        let size_factors = Tensor::from_slice(&size_factors)
            .view([-1, 1])
            .to_device(device);
        self.scale * zinb_plain::replace_by_gradients(outputs, &counts, &size_factors, self.scale)
    }
}

/// The block's losses and gradients by vector code, one cell per task; sums in the order of cells.
fn cpu_kernel(target: &CountTarget, start: usize, outputs: &mut [Tensor; 3], scale: f32) -> f64 {
    let n_genes = target.n_genes();
    let arch = pulp::Arch::new();
    let [pi, disp, mean] = outputs
        .each_mut()
        .map(|t| values_mut(t).par_chunks_mut(n_genes));
    let losses: Vec<f64> = pi
        .zip(disp)
        .zip(mean)
        .enumerate()
        .map_init(Scratch::default, |scratch, (i, ((pi, disp), mean))| {
            let mut heads = HeadRows { pi, disp, mean };
            let cell = target.cell(start + i);
            arch.dispatch(
                #[inline(always)]
                || zinb_row(cell, &mut heads, scale, scratch),
            )
        })
        .collect();
    losses.iter().sum()
}
