//! What tells two groups of cells apart.

use serde::Serialize;

use super::{sums::Sums, within_batches::WithinBatches};

/// How far the share of detecting cells has to differ, in standard errors, to count.
const SIGNIFICANT: f64 = 4.0;

/// Cells with a gene, and as many without it, that are added to each group before a difference in detection is judged (Agresti & Caffo
/// 2000, doi:10.1080/00031305.2000.10474560: the square of the standard errors over 4): without them, the shares of groups of a few
/// cells seem to be known exactly.
const ADDED: f64 = SIGNIFICANT * SIGNIFICANT / 4.0;

/// How many standard errors a fold change is taken lower than it was found.
pub(super) const CAUTION: f64 = 3.0;

/// The gene whose difference in detection counts, and the one whose fold change does: one or two genes may differ for
/// many reasons, a cell type differs in several.
pub(super) const NTH_DETECTION: usize = 3;
pub(super) const NTH_FOLD: usize = 10;

/// What a difference in detection from 0 to 1 weighs beside an e-fold lack of edges, or an e-fold change of expression.
const DETECTION_WEIGHT: f64 = 5.0;

/// How the evidence that is asked for grows with sequencing depth: the deeper, the smaller the differences that show.
const DEPTH_WEIGHT: f64 = 0.75;

/// As evidence of a split, chance is taken over at most this many times the edges of the two groups. Among many small types, chance over
/// all edges expects hardly one between two of them: the few that there are would then be no lack.
const MOST_TIMES_THE_PAIR: f64 = 10.0;

/// Fewest edges that are told from none, relative to those expected by chance.
const LEAST_EDGES: f64 = 1e-4;

/// Added to a gene's counts in a group, so that their ratio is finite.
pub(super) const PSEUDO_COUNT: f64 = 0.5;

/// Variance of the logarithm of a mean that cells add by differing among each other, per cell.
pub(super) const VARIANCE_OF_CELLS: f64 = 0.5;

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

/// The edges of a group of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    /// Summed weights of one group's cells, to any cell.
    pub of_one: f64,
    /// The same of the other's.
    pub of_other: f64,
    /// Those between the groups.
    pub between: f64,
    /// Those that chance is taken over.
    pub total: f64,
}

impl Edges {
    /// The same two groups in a graph that is not much larger than they are.
    pub(super) fn nearby(self) -> Self {
        let most = MOST_TIMES_THE_PAIR * (self.of_one + self.of_other);
        Self {
            total: self.total.min(most),
            ..self
        }
    }

    /// ln of the edges between the groups by chance over those there are. Chance is taken over the groups' own edges, if these are
    /// more than `total`: halves of a group in which all cells are alike then lack none, however large it is.
    fn lack(self) -> f64 {
        let total = self.total.max(self.of_one + self.of_other);
        let expected = self.of_one * self.of_other / total;
        let found = if expected > 0.0 {
            self.between / expected
        } else {
            0.0
        };
        -(found + LEAST_EDGES).ln()
    }
}

/// A group's genes, as comparisons need them.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    cells: f64,
    /// Share of cells that detect each gene.
    shares: Vec<f64>,
    /// ln of each gene's counts per count.
    rates: Vec<f64>,
    /// Variances of these.
    variances: Vec<f64>,
    /// Sums of its cells in each batch, where there are batches.
    batches: Vec<Sums>,
}

impl Profile {
    pub(super) fn of(sums: &Sums) -> Self {
        let counts = || {
            sums.counts
                .iter()
                .map(|&count| f64::from(count) + PSEUDO_COUNT)
        };
        Self {
            cells: sums.cells,
            shares: sums
                .detected
                .iter()
                .map(|&n| f64::from(n) / sums.cells)
                .collect(),
            rates: counts().map(|count| (count / sums.total).ln()).collect(),
            variances: counts()
                .map(|count| 1.0 / count + VARIANCE_OF_CELLS / sums.cells)
                .collect(),
            batches: Vec::new(),
        }
    }

    /// From the sums in each batch.
    pub(super) fn in_batches(batches: Vec<Sums>) -> Self {
        let mut all = Sums::default();
        for sums in &batches {
            all.add(sums);
        }
        Self {
            batches,
            ..Self::of(&all)
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells < 1.0
    }

    /// The difference in detection of a gene, `self` less `other`; 0 where it is not significant.
    pub(super) fn detection(&self, other: &Self, gene: usize) -> f64 {
        let shares = [self, other].map(|group| group.shares[gene]);
        let cells = [self, other].map(|group| group.cells);
        let judged = Judged::of(shares, cells, cells);
        if judged.is_significant() {
            shares[0] - shares[1]
        } else {
            0.0
        }
    }

    /// ln of the fold change of a gene, `self` over `other`, brought nearer to 0 by its uncertainty.
    pub(super) fn fold(&self, other: &Self, gene: usize) -> f64 {
        let change = self.rates[gene] - other.rates[gene];
        let error = (self.variances[gene] + other.variances[gene]).sqrt();
        change.signum() * (change.abs() - CAUTION * error).max(0.0)
    }

    /// The detection and the fold of the evidence that `self` and `other` differ.
    fn strongest(&self, other: &Self) -> (f64, f64) {
        let detection = nth_largest(
            NTH_DETECTION,
            self.genes(),
            |gene| (self.shares[gene] - other.shares[gene]).abs(),
            |gene| self.detection(other, gene).abs(),
        );
        let fold = nth_largest(
            NTH_FOLD,
            self.genes(),
            |gene| (self.rates[gene] - other.rates[gene]).abs(),
            |gene| self.fold(other, gene).abs(),
        );
        (detection, fold)
    }

    fn genes(&self) -> std::ops::Range<usize> {
        0..self.shares.len()
    }
}

/// A difference in the share of cells that detect a gene, as it is judged: with the [`ADDED`] cells.
pub(super) struct Judged {
    pub difference: f64,
    pub variance: f64,
}

impl Judged {
    /// Of two groups' `shares`, among so many `cells`. Where the groups are compared in several batches, `of_all` are their cells in
    /// all of these, over which the added ones are spread.
    pub(super) fn of(shares: [f64; 2], cells: [f64; 2], of_all: [f64; 2]) -> Self {
        let judged = [0, 1].map(|group| {
            let more = 1.0 + 2.0 * ADDED / of_all[group];
            let share = (shares[group] + ADDED / of_all[group]) / more;
            (share, share * (1.0 - share) / (cells[group] * more))
        });
        let [(p, of_p), (q, of_q)] = judged;
        Self {
            difference: p - q,
            variance: of_p + of_q,
        }
    }

    pub(super) fn is_significant(&self) -> bool {
        self.difference.powi(2) > SIGNIFICANT.powi(2) * self.variance
    }
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

/// The n-th largest of the genes' non-negative values, counted from 1; 0 where there are fewer. A value is at most its bound,
/// which is quicker to compute: values whose bound is too low are not.
pub(super) fn nth_largest(
    n: usize,
    genes: std::ops::Range<usize>,
    bound: impl Fn(usize) -> f64,
    value: impl Fn(usize) -> f64,
) -> f64 {
    let mut largest = vec![0.0; n];
    let mut least = 0.0;
    for gene in genes {
        if bound(gene) <= least {
            continue;
        }
        let value = value(gene);
        if value > least {
            let place = largest.partition_point(|&other| other >= value);
            largest.insert(place, value);
            largest.truncate(n);
            least = largest[n - 1];
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn halves_of_a_group_of_many_cells_lack_no_edges() {
        // Every cell is connected to any other of the group as strongly. Chance is taken over a tenth of their edges.
        let edges = Edges {
            of_one: 300.0,
            of_other: 200.0,
            between: 300.0 * 200.0 / 500.0,
            total: 50.0,
        };
        assert!(edges.lack().abs() < 1e-3);
    }

    #[test]
    fn two_of_many_small_types_lack_edges() {
        // One edge in twenty leads to the other, of a thousand times as many in all.
        let edges = Edges {
            of_one: 20.0,
            of_other: 20.0,
            between: 1.0,
            total: 40_000.0,
        };
        assert!(edges.lack() < -4.0);
        assert!((edges.nearby().lack()).abs() < 1e-3);
        let few = Edges {
            total: 100.0,
            ..edges
        };
        assert!((few.nearby().lack() - few.lack()).abs() < 1e-12);
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
    fn a_gene_of_a_few_cells_is_no_evidence() {
        // All cells of one group detect it, none of the other.
        let is_significant = |cells| Judged::of([1.0, 0.0], cells, cells).is_significant();
        for few in [[1.0, 500.0], [2.0, 500.0], [3.0, 2.0], [5.0, 5.0]] {
            assert!(!is_significant(few), "{few:?}");
        }
        for enough in [[5.0, 500.0], [10.0, 10.0]] {
            assert!(is_significant(enough), "{enough:?}");
        }
        // Spread over two batches, cells are as many as in one.
        let half = Judged::of([0.9, 0.2], [20.0, 30.0], [40.0, 60.0]);
        let whole = Judged::of([0.9, 0.2], [40.0, 60.0], [40.0, 60.0]);
        assert!((half.difference - whole.difference).abs() < 1e-12);
        assert!((half.variance / 2.0 - whole.variance).abs() < 1e-12);
    }

    #[test]
    fn each_side_names_its_own_genes() {
        let (n, genes) = genes_of(&group(0..7), &group(5..9));
        assert_eq!(n, 5);
        assert!(genes.iter().all(|gene| gene.gene < 5));
        let (n, genes) = genes_of(&group(5..9), &group(0..7));
        assert_eq!((n, genes.len()), (2, 2));
    }

    #[test]
    fn the_third_of_several() {
        let third = |values: &[f64]| nth_largest(3, 0..values.len(), |_| 9.0, |i| values[i]);
        assert!((third(&[1.0, 5.0, 2.0, 4.0]) - 2.0).abs() < 1e-12);
        assert!(third(&[1.0, 5.0]).abs() < 1e-12);
    }
}
