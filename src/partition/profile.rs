//! The genes of a group of cells, and how they differ between two.

use std::ops::Range;

use super::sums::Sums;

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

/// Added to a gene's counts in a group, so that their ratio is finite.
pub(super) const PSEUDO_COUNT: f64 = 0.5;

/// Variance of the logarithm of a mean that cells add by differing among each other, per cell.
pub(super) const VARIANCE_OF_CELLS: f64 = 0.5;

/// A group's genes, as comparisons need them.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    cells: f64,
    /// Share of cells that detect each gene.
    pub(super) shares: Vec<f64>,
    /// ln of each gene's counts per count.
    rates: Vec<f64>,
    /// Variances of these.
    variances: Vec<f64>,
    /// Sums of its cells in each batch, where there are batches.
    pub(super) batches: Vec<Sums>,
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
    pub(super) fn strongest(&self, other: &Self) -> (f64, f64) {
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

    pub(super) fn genes(&self) -> Range<usize> {
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

/// The n-th largest of the genes' non-negative values, counted from 1; 0 where there are fewer. A value is at most its bound,
/// which is quicker to compute: values whose bound is too low are not.
pub(super) fn nth_largest(
    n: usize,
    genes: Range<usize>,
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
    fn the_third_of_several() {
        let third = |values: &[f64]| nth_largest(3, 0..values.len(), |_| 9.0, |i| values[i]);
        assert!((third(&[1.0, 5.0, 2.0, 4.0]) - 2.0).abs() < 1e-12);
        assert!(third(&[1.0, 5.0]).abs() < 1e-12);
    }
}
