//! The ZINB losses and gradients of one cell's counts, as vector code.

use crate::{
    kernels::zinb::{Loss, PreActivations, at_count, at_zero},
    special::sum,
};

/// The counts of one cell among a run of the model's genes.
#[derive(Debug, Clone, Copy)]
pub struct CellCounts<'a> {
    /// The run's first gene.
    pub first_gene: u32,
    /// Genes whose count is not 0.
    pub genes: &'a [u32],
    /// Their counts.
    pub counts: &'a [f32],
    /// lnΓ(count + 1) of each.
    pub ln_factorials: &'a [f32],
    /// The cell's size factor.
    pub size_factor: f32,
}

impl CellCounts<'_> {
    /// Places within the run of the genes whose count is not 0.
    fn places(&self) -> impl Iterator<Item = usize> {
        self.genes
            .iter()
            .map(|&gene| (gene - self.first_gene) as usize)
    }
}

/// The pre-activations of one cell, one entry per gene of the run. On return of [`zinb_row`] they hold the gradients.
#[derive(Debug)]
pub struct PreActivationRows<'a> {
    /// Logits of π.
    pub pi: &'a mut [f32],
    /// Before the softplus of θ.
    pub disp: &'a mut [f32],
    /// ln of the mean.
    pub mean: &'a mut [f32],
}

/// Reusable memory of [`zinb_row`].
#[derive(Debug, Default)]
pub struct Scratch {
    losses: Vec<f32>,
    nonzero: Packed,
}

/// The pre-activations of the genes whose count is not 0, side by side.
#[derive(Debug, Default)]
struct Packed {
    pi: Vec<f32>,
    disp: Vec<f32>,
    mean: Vec<f32>,
    losses: Vec<f32>,
}

/// Sum of a cell's losses; `pre_activations` become the gradients times `scale`.
///
/// Every gene first takes the formula of a zero count, without a branch; the genes that have counts, put aside
/// before, then take the other formula. At 70–95 % zeros this skips most of the gamma functions.
#[inline(always)]
pub fn zinb_row(
    cell: CellCounts<'_>,
    pre_activations: &mut PreActivationRows<'_>,
    scale: f32,
    scratch: &mut Scratch,
) -> f64 {
    scratch.nonzero.gather(cell, pre_activations);
    scratch.losses.resize(pre_activations.pi.len(), 0.0);
    all_as_zeros(
        pre_activations,
        cell.size_factor,
        scale,
        &mut scratch.losses,
    );
    scratch.nonzero.evaluate(cell, scale);
    scratch
        .nonzero
        .scatter(cell, pre_activations, &mut scratch.losses);
    sum(&scratch.losses)
}

#[inline(always)]
fn all_as_zeros(
    pre_activations: &mut PreActivationRows<'_>,
    size_factor: f32,
    scale: f32,
    losses: &mut [f32],
) {
    let pis = pre_activations.pi.iter_mut();
    let others = pre_activations
        .disp
        .iter_mut()
        .zip(pre_activations.mean.iter_mut());
    for ((pi, (disp, mean)), out) in pis.zip(others).zip(losses) {
        let loss = at_zero(
            PreActivations {
                pi: *pi,
                disp: *disp,
                mean: *mean,
            },
            size_factor,
        );
        *out = write(loss, scale, pi, disp, mean);
    }
}

#[inline(always)]
fn write(loss: Loss, scale: f32, pi: &mut f32, disp: &mut f32, mean: &mut f32) -> f32 {
    *pi = loss.gradient.pi * scale;
    *disp = loss.gradient.disp * scale;
    *mean = loss.gradient.mean * scale;
    loss.value
}

impl Packed {
    fn gather(&mut self, cell: CellCounts<'_>, pre_activations: &PreActivationRows<'_>) {
        let collect = |into: &mut Vec<f32>, from: &[f32]| {
            into.clear();
            into.extend(cell.places().map(|place| from[place]));
        };
        collect(&mut self.pi, pre_activations.pi);
        collect(&mut self.disp, pre_activations.disp);
        collect(&mut self.mean, pre_activations.mean);
        self.losses.resize(cell.genes.len(), 0.0);
    }

    #[inline(always)]
    fn evaluate(&mut self, cell: CellCounts<'_>, scale: f32) {
        let pre_activations = self.pi.iter_mut().zip(&mut self.disp).zip(&mut self.mean);
        let counts = cell.counts.iter().zip(cell.ln_factorials);
        for ((((pi, disp), mean), (&y, &ln_factorial)), out) in
            pre_activations.zip(counts).zip(&mut self.losses)
        {
            let pre_activations = PreActivations {
                pi: *pi,
                disp: *disp,
                mean: *mean,
            };
            *out = write(
                at_count(pre_activations, cell.size_factor, y, ln_factorial),
                scale,
                pi,
                disp,
                mean,
            );
        }
    }

    fn scatter(
        &self,
        cell: CellCounts<'_>,
        pre_activations: &mut PreActivationRows<'_>,
        losses: &mut [f32],
    ) {
        for (k, place) in cell.places().enumerate() {
            pre_activations.pi[place] = self.pi[k];
            pre_activations.disp[place] = self.disp[k];
            pre_activations.mean[place] = self.mean[k];
            losses[place] = self.losses[k];
        }
    }
}
