//! The flavor `pearson_residuals`, after Lause, Berens & Kobak, *Analytic Pearson residuals for normalization of single-cell
//! RNA-seq UMI data*, Genome Biol 2021, doi:10.1186/s13059-021-02451-7.

use std::ops::Range;

use rayon::prelude::*;

use super::Scored;
use crate::{
    counts::{CountSource, CountsError, Csr},
    preprocess::{
        Batches, moments::GeneMoments, read_ahead::each_chunk, residuals::pearson, survey::Survey,
    },
};

/// Variance that is told from rounding. That of a gene whose counts are Poisson distributed is about 1.
const LEAST: f64 = 1e-9;

/// Genes of a part.
const GENES: usize = 1024;

/// The genes whose residuals vary, with their variances (ddof 0): within each batch, or over all cells where `batches`, those of
/// all rows of the source, are none. `totals` are those of the cells with counts, of each batch.
///
/// The residual of a count y is (y − μ) / √(μ + μ²/θ), θ = 100, at most √n and at least −√n, n being the cells of the batch and
/// μ the total of the cell times the share of the gene in all counts of the batch. Cells without counts take no part.
///
/// Reads the source once. Cost: its non-zero counts; and a residual for each gene and each total that cells have.
pub(super) fn variances(
    source: &dyn CountSource,
    survey: &Survey,
    batches: Option<&Batches>,
    totals: &[Vec<f32>],
) -> Result<Vec<Scored>, CountsError> {
    let batch_of = |row: usize| batches.map_or(0, |batches| batches.of_cell[row] as usize);
    let each = survey.genes_of_each(batches).iter().zip(totals);
    let models: Vec<Model> = each
        .map(|(genes, totals)| Model::of(genes, totals))
        .collect();
    let mut parts = Part::all(&models);
    each_chunk(source, |rows, chunk| {
        let totals = &survey.totals[rows.clone()];
        let batches: Vec<usize> = rows.map(batch_of).collect();
        parts
            .par_iter_mut()
            .for_each(|part| part.add(&chunk, totals, &batches, &models));
    })?;
    let variances = models.iter().enumerate().map(|(batch, model)| {
        let n = model.n_cells as f64;
        let variance = |sums: &Sums| sums.squares / n - (sums.residuals / n).powi(2);
        let sums = parts.iter().flat_map(|part| &part.sums[batch]);
        let variances = sums.map(variance).enumerate();
        variances
            .filter(|&(_, variance)| variance > LEAST)
            .collect()
    });
    Ok(variances.collect())
}

/// Some neighbouring genes, whose counts one thread adds up in the order of the cells.
struct Part {
    /// Columns of the source.
    genes: Range<usize>,
    /// Of each batch and each of these genes.
    sums: Vec<Vec<Sums>>,
}

impl Part {
    /// All genes, with what their residuals would add up to if they were detected in no cell.
    fn all(models: &[Model]) -> Vec<Self> {
        let n_genes = models.first().map_or(0, |model| model.shares.len());
        let starts = (0..n_genes).step_by(GENES);
        let parts = starts.map(|start| {
            let genes = start..(start + GENES).min(n_genes);
            let sums = models.iter().map(|model| model.sums_of_zeros(&genes));
            Self {
                sums: sums.collect(),
                genes,
            }
        });
        parts.collect()
    }

    /// Adds the counts of some cells, whose `totals` and `batches` are given.
    fn add(&mut self, cells: &Csr, totals: &[f32], batches: &[usize], models: &[Model]) {
        let of_cell = totals.iter().zip(batches);
        for (cell, (&total, &batch)) in cells.outer_iterator().zip(of_cell) {
            let (model, sums) = (&models[batch], &mut self.sums[batch]);
            let columns = cell.indices();
            let start = columns.partition_point(|&gene| (gene as usize) < self.genes.start);
            let counts = columns[start..].iter().zip(&cell.data()[start..]);
            for (&gene, &count) in counts {
                let gene = gene as usize;
                if gene >= self.genes.end {
                    break;
                }
                let change = model.change(f64::from(count), f64::from(total), model.shares[gene]);
                sums[gene - self.genes.start].add(change);
            }
        }
    }
}

/// What a gene's residuals add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    residuals: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.residuals += other.residuals;
        self.squares += other.squares;
    }
}

/// What counts are expected in a batch.
struct Model {
    n_cells: usize,
    /// √n, beyond which residuals are clipped.
    most: f64,
    /// Each gene's share in all counts.
    shares: Vec<f64>,
    /// The totals of the cells, each once, ascending, with the cells that have it.
    depths: Vec<(f64, f64)>,
}

impl Model {
    fn of(genes: &[GeneMoments], totals: &[f32]) -> Self {
        let mut totals = totals.to_vec();
        let all: f64 = totals.iter().map(|&total| f64::from(total)).sum();
        totals.sort_unstable_by(f32::total_cmp);
        let equal = totals.chunk_by(|a, b| a.total_cmp(b).is_eq());
        Self {
            n_cells: totals.len(),
            most: (totals.len() as f64).sqrt(),
            shares: genes.iter().map(|gene| gene.counts / all).collect(),
            depths: equal
                .map(|cells| (f64::from(cells[0]), cells.len() as f64))
                .collect(),
        }
    }

    /// What the residuals of each of some genes would add up to if it were detected in no cell.
    fn sums_of_zeros(&self, genes: &Range<usize>) -> Vec<Sums> {
        let of_gene = |&share: &f64| {
            let mut sums = Sums::default();
            for &(total, cells) in &self.depths {
                let residual = self.residual(0.0, total, share);
                sums.residuals += cells * residual;
                sums.squares += cells * residual * residual;
            }
            sums
        };
        self.shares[genes.clone()].par_iter().map(of_gene).collect()
    }

    /// The residual of a count of a gene, in a cell with this total.
    fn residual(&self, count: f64, total: f64, share: f64) -> f64 {
        pearson(count, total * share).clamp(-self.most, self.most)
    }

    /// By how much a count changes the sums that it would have as 0.
    fn change(&self, count: f64, total: f64, share: f64) -> Sums {
        let (residual, zero) = (
            self.residual(count, total, share),
            self.residual(0.0, total, share),
        );
        Sums {
            residuals: residual - zero,
            squares: residual * residual - zero * zero,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::{Flavor, survey::survey};

    /// Variances of three cells (and one without counts) × three genes: the first is in all of them, the last in none.
    fn variances_in(batches: Option<&Batches>) -> Vec<Scored> {
        let (indptr, indices) = (vec![0, 2, 3, 3, 5], vec![0, 1, 0, 0, 1]);
        let counts = Csr::new((4, 3), indptr, indices, vec![1.0, 1.0, 2.0, 1.0, 1.0]);
        let survey = survey(&counts, batches, Flavor::PearsonResiduals).expect("counts in memory");
        let totals = survey.totals_of_each(batches);
        variances(&counts, &survey, batches, &totals).expect("counts in memory")
    }

    #[test]
    fn variances_by_hand() {
        // Every cell has a total of 2; the genes' shares are 4/6 and 2/6.
        let of = |mean: f64, counts: [f64; 3]| {
            let residuals = counts.map(|y| (y - mean) / (mean + mean * mean / 100.0).sqrt());
            let centre = residuals.iter().sum::<f64>() / 3.0;
            residuals.iter().map(|r| (r - centre).powi(2)).sum::<f64>() / 3.0
        };
        let expected = [
            of(4.0 / 3.0, [1.0, 2.0, 1.0]),
            of(2.0 / 3.0, [1.0, 0.0, 1.0]),
        ];
        let found = variances_in(None).remove(0);
        assert_eq!(found.len(), 2);
        for ((gene, variance), (place, expected)) in
            found.into_iter().zip(expected.into_iter().enumerate())
        {
            assert_eq!(gene, place);
            assert!((variance - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn genes_that_do_not_vary_in_a_batch_have_no_variance_there() {
        // The first and the last cell are alike, and the other with counts is alone.
        let batches = Batches::of_all(&["a", "b", "b", "a"]);
        assert_eq!(variances_in(Some(&batches)), [vec![], vec![]]);
    }
}
