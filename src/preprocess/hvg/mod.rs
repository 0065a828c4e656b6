//! Highly variable genes, as scanpy's `highly_variable_genes` chooses them with `n_top_genes`.
//!
//! A flavor gives every gene a score; the genes of the highest scores are chosen, in all cells or by batches.

mod cell_ranger;
mod combined;
mod in_batches;
mod pearson_residuals;
mod seurat;

use strum::{EnumString, IntoStaticStr, VariantNames};

pub use self::combined::GenesOfViews;
use self::{
    combined::combined,
    in_batches::{AmongEquals, highest_in_batches},
};
use super::{Batches, moments::GeneMoments, survey::Survey};
use crate::counts::{CountSource, CountsError};

/// How genes are scored: scanpy's flavors of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Flavor {
    /// ln(variance / mean) of counts per 10,000, standardised by mean and deviation in bins of equal width (Satija et al. 2015,
    /// doi:10.1038/nbt.3192).
    Seurat,
    /// variance / mean of log-normalised values, standardised by median and median absolute deviation in bins of as many genes
    /// (Zheng et al. 2017, doi:10.1038/ncomms14049).
    CellRanger,
    /// Variance of the counts' Pearson residuals (Lause et al. 2021, doi:10.1186/s13059-021-02451-7).
    PearsonResiduals,
    /// One half by [`Flavor::Seurat`], the other by [`Flavor::PearsonResiduals`]: each view of the cells is of the genes that vary
    /// most in it.
    Combined,
}

impl Flavor {
    /// Whether residuals are looked at, which takes sums of counts, and a further pass over these.
    pub(super) fn looks_at_residuals(self) -> bool {
        matches!(self, Self::PearsonResiduals | Self::Combined)
    }
}

/// Fewest genes that splits of clusters are judged by.
const FEWEST_JUDGING: usize = 100;

/// Columns of genes, ascending.
#[derive(Debug, PartialEq)]
pub(super) struct Chosen {
    /// The most variable genes.
    pub genes: Vec<usize>,
    /// Places in `genes` of those that splits of clusters are judged by; all where `None`. Many genes that are chosen by their
    /// residuals differ between donors a little. So those judge that [`Flavor::Seurat`] would choose too, if these are 100 or more.
    pub judging: Option<Vec<usize>>,
    /// Which of them each view is of; all where `None`, which is with any flavor but [`Flavor::Combined`].
    pub of_views: Option<GenesOfViews>,
}

/// The source's `n_top` most variable genes. `survey` is of the same source and flavor, with the same batches, those of all rows of
/// the source, where there are any.
///
/// Genes that are detected in no cell take no part. In all cells, genes that tie with the last one chosen are chosen too, genes
/// without variance never: the result may be longer or shorter than `n_top`, and is empty where nothing varies. For the order in
/// batches see [`highest_in_batches`].
///
/// Reads the source once where the flavor looks at residuals.
pub(super) fn choose(
    source: &dyn CountSource,
    survey: &Survey,
    batches: Option<&Batches>,
    n_top: usize,
    flavor: Flavor,
) -> Result<Chosen, CountsError> {
    let genes = Genes {
        source,
        survey,
        batches,
        totals: survey.totals_of_each(batches),
    };
    // The genes, those that `Seurat` would choose where residuals have a say, and those of the views.
    let (genes, dispersed, of_views) = match flavor {
        Flavor::Seurat => (genes.by_moments(seurat::scores).first(n_top), None, None),
        Flavor::CellRanger => {
            let dispersed = genes.by_moments(cell_ranger::scores);
            (dispersed.first(n_top), None, None)
        }
        Flavor::PearsonResiduals => {
            let dispersed = genes.by_moments(seurat::scores).first(n_top);
            (genes.by_residuals()?.first(n_top), Some(dispersed), None)
        }
        Flavor::Combined => {
            let (dispersed, residual) = (genes.by_moments(seurat::scores), genes.by_residuals()?);
            let (genes, of_views) = combined(n_top, |n| [dispersed.first(n), residual.first(n)]);
            (genes, Some(dispersed.first(n_top)), Some(of_views))
        }
    };
    let judging = dispersed.map(|dispersed| places(&dispersed, &genes));
    let judging = judging.filter(|judging| judging.len() >= FEWEST_JUDGING);
    Ok(Chosen {
        genes,
        judging,
        of_views,
    })
}

/// Places in `genes` of those of them that are `chosen`; both ascending.
fn places(chosen: &[usize], genes: &[usize]) -> Vec<usize> {
    let is_chosen = |&place: &usize| chosen.binary_search(&genes[place]).is_ok();
    (0..genes.len()).filter(is_chosen).collect()
}

/// The genes of a source, to be scored.
struct Genes<'a> {
    source: &'a dyn CountSource,
    survey: &'a Survey,
    batches: Option<&'a Batches>,
    /// Of the cells with counts, of every batch or of all.
    totals: Vec<Vec<f32>>,
}

impl<'a> Genes<'a> {
    /// Scored by their means and variances.
    fn by_moments(&self, scores: fn(Vec<(f64, f64)>) -> Vec<f64>) -> Ranking<'a> {
        let moments = self.survey.genes_of_each(self.batches).iter();
        let scored = moments
            .zip(&self.totals)
            .map(|(genes, totals)| detected_and(genes, totals.len(), scores));
        self.ranking(scored.collect(), AmongEquals::HigherScore)
    }

    /// Scored by how much their residuals vary.
    fn by_residuals(&self) -> Result<Ranking<'a>, CountsError> {
        let scored =
            pearson_residuals::variances(self.source, self.survey, self.batches, &self.totals)?;
        Ok(self.ranking(scored, AmongEquals::LowerRank))
    }

    fn ranking(&self, scored: Vec<Scored>, among_equals: AmongEquals) -> Ranking<'a> {
        if self.batches.is_none() {
            return Ranking::InAllCells(scored.concat());
        }
        // A batch of one cell has no say.
        let scored = scored.into_iter().zip(&self.totals);
        let scored = scored.filter(|(_, totals)| totals.len() > 1);
        Ranking::InBatches {
            survey: self.survey,
            scored: scored.map(|(scored, _)| scored).collect(),
            among_equals,
        }
    }
}

/// Genes that are detected, with their scores; NaN where there is none.
type Scored = Vec<(usize, f64)>;

/// The genes of a source in the order in which they are chosen.
enum Ranking<'a> {
    InAllCells(Scored),
    InBatches {
        survey: &'a Survey,
        /// Of every batch.
        scored: Vec<Scored>,
        among_equals: AmongEquals,
    },
}

impl Ranking<'_> {
    /// The first `n_top`, ascending.
    fn first(&self, n_top: usize) -> Vec<usize> {
        match self {
            Self::InAllCells(scored) => highest(scored, n_top),
            Self::InBatches {
                survey,
                scored,
                among_equals,
            } => {
                let is_detected = |&gene: &usize| survey.genes[gene].detected_in > 0;
                let detected = (0..survey.genes.len()).filter(is_detected);
                highest_in_batches(scored, detected.collect(), n_top, *among_equals)
            }
        }
    }
}

/// Genes of the `n_top` highest scores, and those that tie with the last, in the order of `scored`.
fn highest(scored: &Scored, n_top: usize) -> Vec<usize> {
    let Some(cutoff) = nth_highest(scored, n_top) else {
        return Vec::new();
    };
    let chosen = scored.iter().filter(|&&(_, score)| score >= cutoff);
    chosen.map(|&(gene, _)| gene).collect()
}

/// The genes that are detected in a cell, with what `scores` makes of their means and variances over so many cells.
fn detected_and(
    genes: &[GeneMoments],
    n_cells: usize,
    scores: fn(Vec<(f64, f64)>) -> Vec<f64>,
) -> Scored {
    let detected = || (0..genes.len()).filter(|&gene| genes[gene].detected_in > 0);
    let moments = detected().map(|gene| genes[gene].mean_and_variance(n_cells));
    let scores = scores(moments.collect());
    detected().zip(scores).collect()
}

/// The `n`-th highest score that is a number, or the lowest where there are fewer than `n`.
fn nth_highest(scored: &[(usize, f64)], n: usize) -> Option<f64> {
    let scores = scored.iter().map(|&(_, score)| score);
    let mut numbers: Vec<f64> = scores.filter(|score| !score.is_nan()).collect();
    numbers.sort_unstable_by(|a, b| b.total_cmp(a));
    numbers.get(n.saturating_sub(1)).or(numbers.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{counts::Csr, preprocess::survey::survey};

    /// A gene that is detected once, with this mean and variance over four cells.
    fn gene(mean: f64, variance: f64) -> GeneMoments {
        GeneMoments {
            detected_in: 1,
            sum: 4.0 * mean,
            sum_of_squares: 4.0 * (0.75 * variance + mean * mean),
            ..GeneMoments::default()
        }
    }

    /// The genes that are chosen among these, as those of a survey of four cells.
    fn chosen(
        genes: &[GeneMoments],
        n_top: usize,
        scores: fn(Vec<(f64, f64)>) -> Vec<f64>,
    ) -> Vec<usize> {
        highest(&detected_and(genes, 4, scores), n_top)
    }

    #[test]
    fn ties_with_the_last_gene_are_kept_and_undetected_genes_are_not() {
        // Three genes in the bin of mean 1 (two of them equal), one alone in the bin of mean 9.
        let genes = [
            gene(1.0, 2.0),
            GeneMoments::default(),
            gene(1.0, 8.0),
            gene(9.0, 5.0),
            gene(1.0, 2.0),
        ];
        let chosen = |n_top| chosen(&genes, n_top, seurat::scores);
        assert_eq!(chosen(1), [2]);
        assert_eq!(chosen(2), [2, 3]);
        assert_eq!(chosen(3), [0, 2, 3, 4]);
        assert_eq!(chosen(99), [0, 2, 3, 4]);
    }

    #[test]
    fn nothing_is_chosen_where_nothing_varies() {
        let genes = [gene(1.0, 0.0), gene(2.0, 0.0)];
        for scores in [seurat::scores, cell_ranger::scores] {
            assert!(chosen(&genes, 5, scores).is_empty());
            assert!(chosen(&[], 5, scores).is_empty());
        }
    }

    #[test]
    fn genes_that_no_cell_has_are_not_chosen_in_batches_either() -> Result<(), CountsError> {
        // Genes 1 and 3 are in no cell, gene 0 in one of each batch, gene 2 in all.
        let (indptr, indices) = (vec![0, 2, 3, 5, 6], vec![0, 2, 2, 0, 2, 2]);
        let counts = Csr::new((4, 4), indptr, indices, vec![2.0, 1.0, 3.0, 4.0, 1.0, 5.0]);
        let batches = Batches::of_all(&["a", "a", "b", "b"]);
        for flavor in [Flavor::Seurat, Flavor::PearsonResiduals] {
            let survey = survey(&counts, Some(&batches), flavor).expect("counts in memory");
            let chosen = choose(&counts, &survey, Some(&batches), 9, flavor)?;
            assert_eq!(chosen.genes, [0, 2]);
            assert_eq!(chosen.judging, None);
        }
        Ok(())
    }

    /// 300 genes, each in every third of 60 cells; the counts of every other gene differ.
    fn counts_of_300_genes() -> Csr {
        let (n_cells, n_genes) = (60, 300);
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for cell in 0..n_cells {
            for gene in (cell % 3..n_genes).step_by(3) {
                indices.push(gene as u32);
                values.push(if gene % 2 == 0 {
                    1.0
                } else {
                    (1 + cell % 7) as f32
                });
            }
            indptr.push(indices.len());
        }
        Csr::new((n_cells, n_genes), indptr, indices, values)
    }

    fn chosen_of_300(
        flavor: Flavor,
        n_top: usize,
        batches: Option<&Batches>,
    ) -> Result<Chosen, CountsError> {
        let counts = counts_of_300_genes();
        let survey = survey(&counts, batches, flavor).expect("counts in memory");
        choose(&counts, &survey, batches, n_top, flavor)
    }

    #[test]
    fn combined_genes_are_those_of_both_flavors() -> Result<(), CountsError> {
        let labels: Vec<usize> = (0..60).map(|cell| cell / 30).collect();
        let two = Batches::of_all(&labels);
        for batches in [None, Some(&two)] {
            let Chosen {
                genes,
                judging,
                of_views,
            } = chosen_of_300(Flavor::Combined, 250, batches)?;
            assert!((200..=250).contains(&genes.len()), "{}", genes.len());
            let of_views = of_views.expect("views of their own");
            for (places_of_view, flavor) in [
                (&of_views.dispersed, Flavor::Seurat),
                (&of_views.residual, Flavor::PearsonResiduals),
            ] {
                let of_flavor = chosen_of_300(flavor, places_of_view.len(), batches)?.genes;
                assert_eq!(*places_of_view, places(&of_flavor, &genes));
                assert_eq!(places_of_view.len(), of_flavor.len());
            }
            let dispersed = chosen_of_300(Flavor::Seurat, 250, batches)?.genes;
            assert_eq!(judging, Some(places(&dispersed, &genes)));
        }
        Ok(())
    }

    #[test]
    fn genes_of_the_residuals_judge_where_seurat_chooses_them_too() -> Result<(), CountsError> {
        let of = |flavor, n_top| chosen_of_300(flavor, n_top, None);
        let (residuals, seurat) = (of(Flavor::PearsonResiduals, 200)?, of(Flavor::Seurat, 200)?);
        let judging = residuals.judging.expect("more than a hundred");
        let both = residuals.genes.iter().enumerate();
        let both = both.filter(|(_, gene)| seurat.genes.contains(gene));
        assert_eq!(judging, both.map(|(place, _)| place).collect::<Vec<_>>());
        assert!((FEWEST_JUDGING..200).contains(&judging.len()));
        // Of 90 genes all judge, and where the dispersion chooses, too.
        assert_eq!(of(Flavor::PearsonResiduals, 90)?.judging, None);
        assert_eq!(seurat.judging, None);
        Ok(())
    }
}
