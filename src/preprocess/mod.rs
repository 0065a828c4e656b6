//! From raw counts to what the model sees: filter, normalise, choose genes, scale.

use ndarray::{Array1, Array2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use crate::{
    counts::{CountSource, Csr},
    packed_counts::PackedCounts,
};

mod batches;
mod components;
mod directions;
mod error;
mod harmony;
mod heat_shock;
mod hvg;
mod leading;
mod moments;
pub(crate) mod normalize;
mod pca;
mod quality;
mod read_ahead;
mod residuals;
mod rotation;
mod sample;
mod scale;
mod standing_out;
mod survey;
mod totals;
mod transformation;

pub use batches::Batches;
pub use components::CellComponents;
// Hidden are what only the tests and benchmarks of this crate call.
#[doc(hidden)]
pub use components::scores_together;
pub use error::PreprocessError;
pub use hvg::{Flavor, GenesOfViews};
pub use pca::pca;
pub use quality::{Failed, LeftOut, Passed, QualityControl, control};
#[doc(hidden)]
pub use sample::sample_cells;
pub use scale::Scaling;
#[doc(hidden)]
pub use totals::notes_on_totals;
pub use transformation::Transformation;

pub(crate) use components::{N_COMPONENTS, Shared, Views};
pub(crate) use directions::principal_directions;
pub(crate) use harmony::Harmony;
pub(crate) use pca::PrincipalComponents;
pub(crate) use read_ahead::each_chunk;
pub(crate) use rotation::Rotation;
pub(crate) use transformation::{Components, mean_row};

/// Most bytes of dense values that are kept for being used again.
const MOST_KEPT: usize = 64 << 20;

/// Cells and genes that passed, with their counts: n cells × g highly variable genes.
///
/// Cells and genes are addressed by position, 0 to n − 1 and 0 to g − 1, from here on.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Rows of the file that were kept, ascending: cells with at least one detected gene.
    pub cells: Vec<usize>,
    /// Columns of the file that were kept, ascending: the highly variable genes.
    pub genes: Vec<usize>,
    /// Number of cells that each gene of the file is detected in.
    pub detected_in: Vec<usize>,
    /// Mean share of each gene of the file in the counts of a cell.
    pub mean_shares: Vec<f64>,
    /// Genes of the file that are detected in at least one cell.
    pub n_detected_genes: usize,
    /// Raw counts, n × g.
    pub counts: PackedCounts,
    /// Total raw count of each kept cell over all genes.
    pub totals: Vec<f32>,
    /// `totals` over their median.
    pub size_factors: Vec<f32>,
    /// Centre and scale of each gene's log-normalised values.
    pub scaling: Scaling,
    /// Share of each kept gene in all counts of the kept cells, all genes counted.
    pub gene_shares: Vec<f64>,
    /// The kept cells' batches, where they are in any.
    pub batches: Option<Batches>,
    /// Columns of `counts`, ascending, that splits of clusters are judged by; all where `None`.
    pub judging: Option<Vec<usize>>,
    /// Columns of `counts` that each view is of; all where `None`.
    pub of_views: Option<GenesOfViews>,
    /// Columns of `counts` of genes that were not measured: they hold no counts, and each cell has the value that cells have on
    /// average. None but where cells are prepared as those of an earlier run.
    pub unmeasured: Vec<usize>,
}

/// Prepares raw counts for the model.
///
/// Drops cells without a detected gene and genes without a cell, normalises each cell to 10,000
/// counts, takes `log1p` and keeps the `n_hvg` most variable genes (at least 1; ties with the last
/// are kept, genes without variance are not).
///
/// Reads the source twice, a thousand cells at a time, and keeps only the counts of the genes
/// chosen: time and memory are linear in the non-zero counts. The genes are those that scanpy 1.10
/// chooses with `normalize_total(target_sum=1e4)`, `log1p` and
/// `highly_variable_genes(flavor="seurat")`.
///
/// # Errors
///
/// Where the source cannot be read, is empty, holds no counts, has counts in one cell only, or has
/// no gene that varies.
pub fn prepare(source: &dyn CountSource, n_hvg: usize) -> Result<Prepared, PreprocessError> {
    prepare_in_batches(source, n_hvg, Flavor::Seurat, None)
}

/// [`prepare`], of cells in batches (one for every row of the source), where there are any: genes are then ranked by the
/// number of batches in which they are among the `n_hvg` most variable, and of equals by their mean normalised
/// dispersion, as scanpy's `highly_variable_genes(batch_key=...)` does. `flavor` says how genes are scored. For
/// [`Flavor::PearsonResiduals`] and [`Flavor::Combined`] the source is read a third time, and equals by residuals are in the
/// order of their median rank.
///
/// # Errors
///
/// Those of [`prepare`].
pub fn prepare_in_batches(
    source: &dyn CountSource,
    n_hvg: usize,
    flavor: Flavor,
    batches: Option<&Batches>,
) -> Result<Prepared, PreprocessError> {
    let (n_cells, n_genes) = (source.n_cells(), source.n_genes());
    if n_cells == 0 || n_genes == 0 {
        return Err(PreprocessError::Empty { n_cells, n_genes });
    }
    let survey = survey::survey(source, batches, flavor)?;
    let cells: Vec<usize> = (0..n_cells).filter(|&i| survey.totals[i] > 0.0).collect();
    match cells.len() {
        0 => return Err(PreprocessError::NoCounts { n_cells, n_genes }),
        1 => return Err(PreprocessError::OneCell { n_cells }),
        _ => {}
    }
    let detected_in: Vec<usize> = survey.genes.iter().map(|gene| gene.detected_in).collect();
    let per_cell = 1.0 / (f64::from(normalize::TARGET_TOTAL) * cells.len() as f64);
    let mean_shares = survey.genes.iter().map(|gene| gene.normalized * per_cell);
    let mean_shares = mean_shares.collect();
    let n_detected_genes = detected_in.iter().filter(|&&cells| cells > 0).count();
    let hvg::Chosen {
        genes,
        judging,
        of_views,
    } = hvg::choose(source, &survey, batches, n_hvg, flavor)?;
    let batches = batches.map(|batches| batches.select(&cells));
    if genes.is_empty() {
        return Err(PreprocessError::NoVariableGenes {
            n_cells: cells.len(),
            n_genes: n_detected_genes,
        });
    }
    let counts = read_genes(source, &survey, &genes)?;
    let totals: Vec<f32> = cells.iter().map(|&cell| survey.totals[cell]).collect();
    Ok(Prepared {
        size_factors: normalize::size_factors(&totals),
        scaling: Scaling::of(&counts, &totals),
        gene_shares: residuals::gene_shares(&counts, &totals),
        cells,
        genes,
        detected_in,
        mean_shares,
        n_detected_genes,
        counts,
        totals,
        batches,
        judging,
        of_views,
        unmeasured: Vec::new(),
    })
}

/// The last pass: the chosen genes' counts in the cells that have any.
fn read_genes(
    source: &dyn CountSource,
    survey: &survey::Survey,
    genes: &[usize],
) -> Result<PackedCounts, PreprocessError> {
    let mut position = vec![None; source.n_genes()];
    for (new, &old) in genes.iter().enumerate() {
        position[old] = Some(new);
    }
    // Room is made before anything is read: while a file is read there is a limit on memory (`src/guard`).
    let n_counts = genes.iter().map(|&gene| survey.genes[gene].detected_in);
    let mut counts =
        PackedCounts::with_capacity(genes.len(), source.n_cells(), n_counts.sum::<usize>());
    read_ahead::each_chunk(source, |rows, chunk| {
        for (row, cell) in rows.zip(chunk.outer_iterator()) {
            if survey.totals[row] > 0.0 {
                let chosen = cell.iter();
                counts.push(chosen.filter_map(|(gene, &count)| Some((position[gene]?, count))));
            }
        }
    })?;
    counts.shrink_to_fit();
    Ok(counts)
}

/// Log-normalised values in the places of the counts.
fn log_normalized(counts: &Csr, totals: &[f32]) -> Vec<f32> {
    normalize::stored_values(counts, totals, normalize::log_normalized)
}

impl Prepared {
    /// Leaves genes that heat shock switches on out of those that splits of clusters are judged by: they differ between states of a
    /// cell type, and between handlings of a tissue.
    ///
    /// `names`: what the genes of the file are called, in one list or in several (symbols, ids), each of all genes.
    pub fn judge_without_heat_shock(&mut self, names: &[Vec<String>]) {
        let is_one = |&place: &usize| {
            let gene = self.genes[place];
            names
                .iter()
                .any(|names| heat_shock::is_heat_shock(&names[gene]))
        };
        let all = || (0..self.genes.len()).collect();
        let (left_out, judging): (Vec<usize>, Vec<usize>) = self
            .judging
            .clone()
            .unwrap_or_else(all)
            .into_iter()
            .partition(is_one);
        if !left_out.is_empty() {
            self.judging = Some(judging);
        }
    }

    /// Number of cells kept.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.counts.shape().0
    }

    /// Number of highly variable genes.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.counts.shape().1
    }

    /// Some cells (positions), in this order; what is known of genes stays that of all cells.
    #[must_use]
    pub fn select(&self, cells: &[usize]) -> Self {
        let batches = self.batches.as_ref();
        Self {
            cells: cells.iter().map(|&cell| self.cells[cell]).collect(),
            genes: self.genes.clone(),
            detected_in: self.detected_in.clone(),
            mean_shares: self.mean_shares.clone(),
            n_detected_genes: self.n_detected_genes,
            counts: self.counts.select(cells),
            totals: cells.iter().map(|&cell| self.totals[cell]).collect(),
            size_factors: cells.iter().map(|&cell| self.size_factors[cell]).collect(),
            scaling: self.scaling.clone(),
            gene_shares: self.gene_shares.clone(),
            batches: batches.map(|batches| batches.select(cells)),
            judging: self.judging.clone(),
            of_views: self.of_views.clone(),
            unmeasured: self.unmeasured.clone(),
        }
    }

    /// Raw counts of some cells: cells × g.
    #[must_use]
    pub fn counts_of(&self, cells: &[usize]) -> Csr {
        self.counts.unpacked(cells.iter().copied())
    }

    /// Raw counts of some genes (ascending columns of the prepared counts) in some cells: cells × these genes.
    #[must_use]
    pub fn counts_of_genes(&self, cells: &[usize], genes: &[usize]) -> Csr {
        self.counts.unpacked_genes(cells.iter().copied(), genes)
    }

    /// Whether cells are so few that dense values of theirs can be kept, cells × g: they take at most 64 MiB, as of 6,700 cells and
    /// 2,500 genes.
    pub(crate) fn are_few(&self, cells: &[usize]) -> bool {
        cells.len() * self.n_genes() * size_of::<f32>() <= MOST_KEPT
    }

    /// Size factors of some cells.
    #[must_use]
    pub fn size_factors_of(&self, cells: &[usize]) -> Array1<f32> {
        cells.iter().map(|&cell| self.size_factors[cell]).collect()
    }

    /// Log-normalised expression of some cells, dense: cells × g, ln(1 + counts per 10,000).
    ///
    /// `cells` are positions below [`Self::n_cells`], in any order. Cost: the size of the result.
    #[must_use]
    pub fn lognorm(&self, cells: &[usize]) -> Array2<f32> {
        let mut undetected = vec![0.0; self.n_genes()];
        for &gene in &self.unmeasured {
            undetected[gene] = self.scaling.mean[gene] as f32;
        }
        self.dense_rows(cells, &undetected, |_, value| value)
    }

    /// Z-scores of the log-normalised expression of some cells, dense: cells × g, clipped as the scaling says. A gene
    /// that is the same in all kept cells is 0.
    ///
    /// `cells` are positions below [`Self::n_cells`], in any order; means and deviations are always
    /// those of all kept cells. Cost: the size of the result.
    #[must_use]
    pub fn zscores(&self, cells: &[usize]) -> Array2<f32> {
        self.zscores_within(self.scaling.max_value, cells)
    }

    /// The same, those beyond ± `most` clipped to it.
    fn zscores_within(&self, most: f32, cells: &[usize]) -> Array2<f32> {
        let clipped = |gene, value| self.scaling.zscore(gene, value).clamp(-most, most);
        let mut undetected: Vec<f32> = (0..self.n_genes()).map(|gene| clipped(gene, 0.0)).collect();
        for &gene in &self.unmeasured {
            undetected[gene] = 0.0;
        }
        self.dense_rows(cells, &undetected, clipped)
    }

    /// Dense rows that hold `undetected`, and `transform(gene, log-normalised value)` where there
    /// is a count.
    fn dense_rows(
        &self,
        cells: &[usize],
        undetected: &[f32],
        transform: impl Fn(usize, f32) -> f32 + Sync,
    ) -> Array2<f32> {
        let fill = |mut row: ArrayViewMut1<f32>, cell: usize| {
            let divisor = normalize::divisor(self.totals[cell]);
            row.iter_mut()
                .zip(undetected)
                .for_each(|(to, &from)| *to = from);
            let lognorm = |count| normalize::log_normalized(count, divisor);
            let mut lognorm = normalize::remembering_small_counts(lognorm);
            for (gene, count) in self.counts.row(cell) {
                row[gene] = transform(gene, lognorm(count));
            }
        };
        let mut dense = Array2::zeros((cells.len(), self.n_genes()));
        dense
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(cells)
            .for_each(|(row, &cell)| fill(row, cell));
        dense
    }
}
