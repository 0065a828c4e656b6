//! The raw counts that the decoder is to reproduce, where kernels read them.

use std::{cell::OnceCell, ops::Range, sync::LazyLock};

use ndarray::Array1;
use tch::{Device, Tensor, kind::FLOAT_CPU};

use super::{
    cpu::zinb_row::CellCounts,
    tensor::{values, values_mut},
};
use crate::counts::Csr;

/// The raw counts that the decoder is to reproduce, on the host and, once they are asked for, on a device.
#[derive(Debug)]
pub struct CountTarget {
    on_host: HostCounts,
    /// The genes that are reproduced, ascending, where they are not all.
    genes: Option<Vec<i64>>,
    on_device: OnceCell<Vec<DeviceBlock>>,
}

/// Raw counts and size factors of n cells.
#[derive(Debug)]
pub(super) struct HostCounts {
    counts: Csr,
    ln_factorials: Vec<f32>,
    size_factors: Array1<f32>,
}

/// Counts that a device decodes at a time: about 30 numbers of 4 bytes lie beside each of them meanwhile.
const BLOCK: usize = 1 << 20;

/// A block of cells on the device, for the whole of a run.
#[derive(Debug)]
pub(super) struct DeviceBlock {
    /// Raw counts, cells × genes.
    pub(super) counts: Tensor,
    /// cells × 1.
    pub(super) size_factors: Tensor,
}

impl DeviceBlock {
    /// `length` cells of `target` from `start` on.
    fn new(target: &HostCounts, start: usize, length: usize, device: Device) -> Self {
        let (counts, size_factors) = target.dense(start, length);
        Self {
            counts: counts.to_device(device),
            size_factors: Tensor::from_slice(size_factors)
                .view([-1, 1])
                .to_device(device),
        }
    }
}

impl CountTarget {
    /// The raw counts of some genes (n × these genes, ascending) and size factors of n cells, of which these genes are reproduced.
    ///
    /// The mean loss over genes drawn at random is an unbiased estimate of that over all.
    #[must_use]
    pub fn of_genes(counts: Csr, genes: &[usize], size_factors: Array1<f32>) -> Self {
        Self {
            genes: Some(genes.iter().map(|&gene| gene as i64).collect()),
            ..Self::new(counts, size_factors)
        }
    }

    /// The raw counts (n × genes) and size factors of n cells.
    #[must_use]
    pub fn new(counts: Csr, size_factors: Array1<f32>) -> Self {
        let ln_factorials = counts.data().iter().map(|&count| ln_factorial(count));
        let ln_factorials = ln_factorials.collect();
        Self {
            on_host: HostCounts {
                counts,
                ln_factorials,
                size_factors,
            },
            genes: None,
            on_device: OnceCell::new(),
        }
    }

    /// The genes that are reproduced, ascending, where they are not all.
    #[must_use]
    pub fn genes(&self) -> Option<&[i64]> {
        self.genes.as_deref()
    }

    /// What the sum of the losses is multiplied by for their mean.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.on_host.scale()
    }

    pub(super) fn on_host(&self) -> &HostCounts {
        &self.on_host
    }

    /// All cells on a device, where they stay.
    pub(super) fn on_device(&self, device: Device) -> &[DeviceBlock] {
        self.on_device.get_or_init(|| {
            let n_cells = self.on_host.n_cells();
            let length = (BLOCK / self.on_host.n_genes().max(1)).max(1);
            (0..n_cells)
                .step_by(length)
                .map(|start| {
                    DeviceBlock::new(&self.on_host, start, length.min(n_cells - start), device)
                })
                .collect()
        })
    }
}

impl HostCounts {
    pub(super) fn n_cells(&self) -> usize {
        self.counts.rows()
    }

    pub(super) fn n_genes(&self) -> usize {
        self.counts.cols()
    }

    /// What the sum of the losses is multiplied by for their mean.
    pub(super) fn scale(&self) -> f64 {
        1.0 / (self.n_cells() * self.n_genes()) as f64
    }

    /// A cell's counts of a run of genes.
    pub(super) fn cell(&self, i: usize, genes: Range<usize>) -> CellCounts<'_> {
        let row = self.counts.indptr().outer_inds_sz(i);
        let columns = &self.counts.indices()[row.clone()];
        let place = |gene: usize| row.start + columns.partition_point(|&c| (c as usize) < gene);
        let stored = place(genes.start)..place(genes.end);
        CellCounts {
            first_gene: genes.start as u32,
            genes: &self.counts.indices()[stored.clone()],
            counts: &self.counts.data()[stored.clone()],
            ln_factorials: &self.ln_factorials[stored],
            size_factor: self.size_factors[i],
        }
    }

    /// The counts of a run of cells as a dense tensor, and their size factors.
    pub(super) fn dense(&self, start: usize, length: usize) -> (Tensor, &[f32]) {
        let mut block = Tensor::zeros([length as i64, self.n_genes() as i64], FLOAT_CPU);
        for (i, row) in values_mut(&mut block)
            .chunks_mut(self.n_genes())
            .enumerate()
        {
            let cell = self.cell(start + i, 0..self.n_genes());
            for (&gene, &count) in cell.genes.iter().zip(cell.counts) {
                row[gene as usize] = count;
            }
        }
        let size_factors = self.size_factors.as_slice().unwrap_or_default();
        (block, &size_factors[start..start + length])
    }
}

/// lnΓ(count + 1), for whole counts up to 65,535 from a table.
fn ln_factorial(count: f32) -> f32 {
    static TABLE: LazyLock<Vec<f32>> =
        LazyLock::new(|| values(&Tensor::arange_start(1, 65_537, FLOAT_CPU).lgamma()).to_vec());
    match TABLE.get(count as usize) {
        Some(&known) if count.fract() == 0.0 => known,
        _ => (Tensor::from(count) + 1.0).lgamma().double_value(&[]) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_factorials_are_gamma_functions() {
        for count in [0.0_f32, 1.0, 2.0, 7.0, 65_535.0, 65_536.0, 1e6, 2.5] {
            let expected = (Tensor::from(f64::from(count)) + 1.0).lgamma();
            let expected = expected.double_value(&[]);
            let found = f64::from(ln_factorial(count));
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{count}"
            );
        }
    }
}
