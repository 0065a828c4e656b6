//! The flavor `pearson_residuals`, after Lause, Berens & Kobak, *Analytic Pearson residuals for normalization of single-cell
//! RNA-seq UMI data*, Genome Biol 2021, doi:10.1186/s13059-021-02451-7.

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

/// The genes whose residuals vary, with their variances (ddof 0): within each batch, or over all cells where `batches`, those of
/// all rows of the source, are none.
///
/// The residual of a count y is (y − μ) / √(μ + μ²/θ), θ = 100, at most √n and at least −√n, n being the cells of the batch and
/// μ the total of the cell times the share of the gene in all counts of the batch. Cells without counts take no part.
///
/// Reads the source once. Cost: its non-zero counts; and a residual for each gene and each total that cells have.
pub(super) fn variances(
    source: &dyn CountSource,
    survey: &Survey,
    batches: Option<&Batches>,
) -> Result<Vec<Scored>, CountsError> {
    let batch_of = |row: usize| batches.map_or(0, |batches| batches.of_cell[row] as usize);
    let totals = survey.totals_of_each(batches);
    let each = survey.genes_of_each(batches).iter().zip(totals);
    let models: Vec<Model> = each
        .map(|(genes, totals)| Model::of(genes, totals))
        .collect();
    let mut sums: Vec<Vec<Sums>> = models.iter().map(Model::sums_of_zeros).collect();
    each_chunk(source, |rows, chunk| {
        let first = rows.start;
        let model_of = |row: usize| &models[batch_of(first + row)];
        let changes = changes(&chunk, &survey.totals[rows], model_of);
        let genes = chunk.indices().iter();
        let mut stored = genes.zip(changes);
        for (row, cell) in chunk.outer_iterator().enumerate() {
            let sums = &mut sums[batch_of(first + row)];
            for (&gene, change) in stored.by_ref().take(cell.nnz()) {
                sums[gene as usize].add(change);
            }
        }
    })?;
    let variances = models.iter().zip(sums).map(|(model, sums)| {
        let n = model.n_cells as f64;
        let variance = |sums: Sums| sums.squares / n - (sums.residuals / n).powi(2);
        let variances = sums.into_iter().map(variance).enumerate();
        variances
            .filter(|&(_, variance)| variance > LEAST)
            .collect()
    });
    Ok(variances.collect())
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
    fn of(genes: &[GeneMoments], mut totals: Vec<f32>) -> Self {
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

    /// What the residuals of each gene would add up to if it were detected in no cell.
    fn sums_of_zeros(&self) -> Vec<Sums> {
        let of_gene = |&share: &f64| {
            let mut sums = Sums::default();
            for &(total, cells) in &self.depths {
                let residual = self.residual(0.0, total, share);
                sums.residuals += cells * residual;
                sums.squares += cells * residual * residual;
            }
            sums
        };
        self.shares.par_iter().map(of_gene).collect()
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

/// By how much each stored count changes its gene's sums. `totals` are the rows'.
fn changes<'a>(
    chunk: &Csr,
    totals: &[f32],
    model_of: impl Fn(usize) -> &'a Model + Sync,
) -> Vec<Sums> {
    let of_row = |row: usize| {
        let (model, total) = (model_of(row), f64::from(totals[row]));
        let stored = chunk.indptr().outer_inds_sz(row);
        let counts = chunk.data()[stored.clone()].iter();
        let stored = chunk.indices()[stored].iter().zip(counts);
        stored.map(move |(&gene, &count)| {
            model.change(f64::from(count), total, model.shares[gene as usize])
        })
    };
    (0..chunk.rows())
        .into_par_iter()
        .flat_map_iter(of_row)
        .collect()
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
        variances(&counts, &survey, batches).expect("counts in memory")
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
        let batches = Batches::of(&["a", "b", "b", "a"].map(String::from));
        assert_eq!(variances_in(Some(&batches)), [vec![], vec![]]);
    }
}
