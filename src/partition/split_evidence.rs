//! What tells two groups of cells apart.

use serde::Serialize;

use super::{edges::Edges, profile::Profile, within_batches::WithinBatches};

/// What a difference in detection from 0 to 1 weighs beside an e-fold lack of edges, or an e-fold change of expression.
const DETECTION_WEIGHT: f64 = 5.0;

/// How the evidence that is asked for grows with sequencing depth: the deeper, the smaller the differences that show.
const DEPTH_WEIGHT: f64 = 0.75;

/// Genes of each side that are kept for the outputs.
const N_NAMED: usize = 5;

/// Evidence that two groups of cells are of different types.
///
/// `strength = edges + 5 · detection + fold − ¾ · ln(median total count)`; the constants are round figures from the
/// middle of a plateau over fifteen labelled data sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// All of it together.
    pub strength: f64,
    /// ln of the edges expected between the groups by chance (configuration model) over those there are.
    pub edges: f64,
    /// Share of the smaller side's edges that lead to the other side.
    pub edges_between: f64,
    /// Difference in the share of cells that detect a gene, for the third gene; within batches, where there are any.
    pub detection: f64,
    /// |ln fold change| of mean expression, less three standard errors, for the tenth gene; within batches, where there are any.
    pub fold: f64,
}

impl Evidence {
    /// The least strength that evidence can have, whatever the genes are.
    pub(super) fn at_least(edges: Edges, ln_depth: f64) -> f64 {
        edges.lack() - DEPTH_WEIGHT * ln_depth
    }

    /// Of two groups; `ln_depth` is that of the median total count of all cells.
    pub(super) fn of(one: &Profile, other: &Profile, edges: Edges, ln_depth: f64) -> Self {
        let lack = edges.lack();
        let smaller = edges.of_one.min(edges.of_other);
        let (detection, fold) = match WithinBatches::of(&one.batches, &other.batches) {
            Some(within) => within.strongest(one.genes()),
            None => one.strongest(other),
        };
        Self {
            strength: lack + DETECTION_WEIGHT * detection + fold - DEPTH_WEIGHT * ln_depth,
            edges: lack,
            edges_between: if smaller > 0.0 {
                edges.between / smaller
            } else {
                0.0
            },
            detection,
            fold,
        }
    }
}

/// A gene that tells the two sides of a split apart.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneOfSplit {
    /// Column of the prepared counts.
    pub gene: usize,
    /// Share of the side's cells that detect it.
    pub share: f64,
    /// The same of the other side.
    pub share_other: f64,
    /// ln of the fold change of its mean expression, less three standard errors.
    pub fold: f64,
    /// Probability that a cell of the side has more of it than one of the other, counts over total counts; ties count half.
    pub auc: f64,
}

/// Genes with more in `one`: how many are at least twofold, cautiously, and the best by detection. Their AUC is still to
/// be found.
pub(super) fn genes_of(one: &Profile, other: &Profile) -> (usize, Vec<GeneOfSplit>) {
    let mut genes: Vec<GeneOfSplit> = one
        .genes()
        .map(|gene| GeneOfSplit {
            gene,
            share: one.shares[gene],
            share_other: other.shares[gene],
            fold: one.fold(other, gene),
            auc: 0.5,
        })
        .filter(|found| found.fold > 0.0)
        .collect();
    let n_twofold = genes
        .iter()
        .filter(|gene| gene.fold > std::f64::consts::LN_2)
        .count();
    let gap = |gene: &GeneOfSplit| gene.share - gene.share_other;
    genes.sort_by(|a, b| gap(b).total_cmp(&gap(a)));
    genes.truncate(N_NAMED);
    (n_twofold, genes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::sums::Sums;

    /// 400 cells of 1,000 counts; `markers` of 20 genes are detected in nine cells of ten, with three counts each, the
    /// others in one of ten.
    fn group(markers: std::ops::Range<usize>) -> Profile {
        let mut sums = Sums::nothing(20);
        sums.cells = 400.0;
        sums.total = 400_000.0;
        for gene in 0..20 {
            let there = markers.contains(&gene);
            sums.detected[gene] = if there { 360.0 } else { 40.0 };
            sums.counts[gene] = if there { 1080.0 } else { 40.0 };
        }
        Profile::of(&sums)
    }

    const EDGES: Edges = Edges {
        of_one: 10.0,
        of_other: 20.0,
        between: 1.0,
        total: 100.0,
    };

    #[test]
    fn values_by_hand() {
        let found = Evidence::of(&group(0..5), &group(5..10), EDGES, 1000.0_f64.ln());
        // Chance would have 10 · 20 / 100 = 2 edges; there is 1.
        assert!((found.edges - 2.0_f64.ln()).abs() < 1e-3);
        assert!((found.edges_between - 0.1).abs() < 1e-12);
        assert!((found.detection - 0.8).abs() < 1e-12);
        let variance = |count: f64| 1.0 / count + 0.5 / 400.0;
        let fold = (1080.5_f64 / 40.5).ln() - 3.0 * (variance(1080.5) + variance(40.5)).sqrt();
        assert!((found.fold - fold).abs() < 1e-12);
        let strength = found.edges + 5.0 * 0.8 + fold - 0.75 * 1000.0_f64.ln();
        assert!((found.strength - strength).abs() < 1e-12);
    }

    #[test]
    fn equal_groups_have_no_genes() {
        let found = Evidence::of(&group(0..5), &group(0..5), EDGES, 0.0);
        assert!(found.detection.abs() < 1e-12 && found.fold.abs() < 1e-12);
        assert_eq!(genes_of(&group(0..5), &group(0..5)), (0, Vec::new()));
    }

    #[test]
    fn few_genes_are_no_evidence() {
        // Two genes differ, on either side one.
        let found = Evidence::of(&group(0..1), &group(1..2), EDGES, 0.0);
        assert!(found.detection.abs() < 1e-12 && found.fold.abs() < 1e-12);
    }

    #[test]
    fn each_side_names_its_own_genes() {
        let (n, genes) = genes_of(&group(0..7), &group(5..9));
        assert_eq!(n, 5);
        assert!(genes.iter().all(|gene| gene.gene < 5));
        let (n, genes) = genes_of(&group(5..9), &group(0..7));
        assert_eq!((n, genes.len()), (2, 2));
    }
}
