//! The first pass over the counts: totals of cells, moments of genes.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    Batches, Flavor, PreprocessError,
    moments::{GeneMoments, add_counts, add_moments},
    normalize::{delogged, log_normalized, stored_values},
    read_ahead::each_chunk,
};
use crate::counts::{CountSource, Csr};

/// What one pass over all cells and genes tells.
pub(super) struct Survey {
    /// Total count of every row of the source, 0 where no gene is detected.
    pub totals: Vec<f32>,
    /// Moments of every column of the source.
    pub genes: Vec<GeneMoments>,
    /// The same within every batch; empty where there are none.
    pub genes_by_batch: Vec<Vec<GeneMoments>>,
}

impl Survey {
    /// Moments of every column: within every batch, or over all cells where there are no batches.
    pub fn genes_of_each(&self, batches: Option<&Batches>) -> &[Vec<GeneMoments>] {
        match batches {
            Some(_) => &self.genes_by_batch,
            None => std::slice::from_ref(&self.genes),
        }
    }

    /// Totals of the cells with counts, in order: of every batch, or of all where there are no batches.
    pub fn totals_of_each(&self, batches: Option<&Batches>) -> Vec<Vec<f32>> {
        let mut totals = vec![Vec::new(); batches.map_or(1, Batches::n_batches)];
        for (row, &total) in self.totals.iter().enumerate() {
            if total > 0.0 {
                let batch = batches.map_or(0, |batches| batches.of_cell[row] as usize);
                totals[batch].push(total);
            }
        }
        totals
    }
}

/// Reads every row once. `batches` are those of all rows of the source; `flavor` says which values the moments are of.
///
/// Genes are summed over cells in the order of the file, whatever the number of threads.
pub(super) fn survey(
    source: &dyn CountSource,
    batches: Option<&Batches>,
    flavor: Flavor,
) -> Result<Survey, PreprocessError> {
    let mut totals = Vec::with_capacity(source.n_cells());
    let mut genes = vec![GeneMoments::default(); source.n_genes()];
    let mut genes_by_batch = vec![genes.clone(); batches.map_or(0, Batches::n_batches)];
    each_chunk(source, |_, chunk| {
        totals.par_extend(
            (0..chunk.rows())
                .into_par_iter()
                .map(|row| total(&chunk, row)),
        );
        let first = totals.len() - chunk.rows();
        let normalized = stored_values(&chunk, &totals[first..], delogged);
        for (&gene, &value) in chunk.indices().iter().zip(&normalized) {
            genes[gene as usize].normalized += f64::from(value);
        }
        let values = match flavor {
            Flavor::Seurat | Flavor::PearsonResiduals | Flavor::Combined => normalized,
            Flavor::CellRanger => stored_values(&chunk, &totals[first..], log_normalized),
        };
        let has_counts = flavor.looks_at_residuals();
        let add = |genes: &mut [GeneMoments], stored: Range<usize>| {
            let columns = &chunk.indices()[stored.clone()];
            add_moments(genes, columns, &values[stored.clone()]);
            if has_counts {
                add_counts(genes, columns, &chunk.data()[stored]);
            }
        };
        add(&mut genes, 0..values.len());
        for (row, batch) in batches
            .iter()
            .flat_map(|batches| (first..).zip(&batches.of_cell[first..]))
        {
            let Some(stored) = stored_of_row(&chunk, row - first) else {
                break;
            };
            add(&mut genes_by_batch[*batch as usize], stored);
        }
    })?;
    Ok(Survey {
        totals,
        genes,
        genes_by_batch,
    })
}

/// The total count of a row.
fn total(chunk: &Csr, row: usize) -> f32 {
    chunk.outer_view(row).map_or(0.0, |cell| {
        cell.data()
            .iter()
            .map(|&count| f64::from(count))
            .sum::<f64>() as f32
    })
}

/// Where a row's values are stored; `None` where there is no such row.
fn stored_of_row(chunk: &Csr, row: usize) -> Option<Range<usize>> {
    (row < chunk.rows()).then(|| chunk.indptr().outer_inds_sz(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_moments_of_two_cells() -> Result<(), PreprocessError> {
        // Cell 0 holds 1 and 3 of genes 0 and 2, cell 1 nothing, cell 2 holds 2 of gene 2.
        let counts = Csr::new((3, 3), vec![0, 2, 2, 3], vec![0, 2, 2], vec![1.0, 3.0, 2.0]);
        let batches = Batches::of_all(&["x", "x", "y"]);
        let survey = survey(&counts, Some(&batches), Flavor::Seurat)?;
        assert_eq!(survey.totals, [4.0, 0.0, 2.0]);
        let detected: Vec<usize> = survey.genes.iter().map(|gene| gene.detected_in).collect();
        assert_eq!(detected, [1, 0, 2]);
        assert!((survey.genes[0].sum - 2_500.0).abs() < 1e-2);
        let by_batch = |batch: usize| survey.genes_by_batch[batch][2];
        assert_eq!((by_batch(0).detected_in, by_batch(1).detected_in), (1, 1));
        assert!((by_batch(1).sum - 10_000.0).abs() < 1e-1);
        assert!((survey.genes[2].sum - 17_500.0).abs() < 1e-1);
        assert!((survey.genes[2].sum_of_squares / (7_500.0_f64.powi(2) + 1e8) - 1.0).abs() < 1e-6);
        Ok(())
    }
}
