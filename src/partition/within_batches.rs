//! What tells two groups of cells apart within the batches.
//!
//! Shares are compared by the Mantel–Haenszel difference, rates by the Mantel–Haenszel ratio (Greenland & Robins 1985,
//! doi:10.2307/2530643), so that what all cells of a batch share does not count. With one batch they are the difference and the
//! ratio of all cells.

use std::ops::Range;

use super::{
    profile::{
        CAUTION, Judged, NTH_DETECTION, NTH_FOLD, PSEUDO_COUNT, VARIANCE_OF_CELLS, nth_largest,
    },
    sums::Sums,
};

/// Fewest cells of either group with which a batch takes part.
const FEWEST: f64 = 5.0;

/// Two groups of cells in the batches that have cells of both.
pub(super) struct WithinBatches<'a> {
    batches: Vec<Batch<'a>>,
    /// Cells of each group in these.
    cells: [f64; 2],
    /// Sum of the batches' weights.
    weight: f64,
    /// What is added to the two sides of a ratio, so that it is finite.
    pseudo: [f64; 2],
    /// What is added to the sum in the numerator of the ratio's variance.
    pseudo_variance: f64,
}

struct Batch<'a> {
    one: &'a Sums,
    other: &'a Sums,
    /// n₁ n₂ / (n₁ + n₂), n being cells.
    weight: f64,
    /// Share of each group in the counts of both.
    shares: [f64; 2],
}

impl<'a> Batch<'a> {
    fn of(one: &'a Sums, other: &'a Sums) -> Self {
        let total = one.total + other.total;
        Self {
            weight: one.cells * other.cells / (one.cells + other.cells),
            shares: [one, other].map(|sums| sums.total / total),
            one,
            other,
        }
    }

    fn cells(&self) -> [f64; 2] {
        [self.one, self.other].map(|sums| sums.cells)
    }

    /// Shares of cells that detect a gene.
    fn detected(&self, gene: usize) -> [f64; 2] {
        [self.one, self.other].map(|sums| f64::from(sums.detected[gene]) / sums.cells)
    }

    fn counts(&self, gene: usize) -> [f64; 2] {
        [self.one, self.other].map(|sums| f64::from(sums.counts[gene]))
    }
}

impl<'a> WithinBatches<'a> {
    /// Groups by batch; `None` where no batch has enough cells of both.
    pub(super) fn of(one: &'a [Sums], other: &'a [Sums]) -> Option<Self> {
        let enough = |(one, other): &(&Sums, &Sums)| one.cells >= FEWEST && other.cells >= FEWEST;
        let both = one.iter().zip(other).filter(enough);
        let batches: Vec<Batch<'_>> = both.map(|(one, other)| Batch::of(one, other)).collect();
        if batches.is_empty() {
            return None;
        }
        let total = |of: fn(&Batch<'_>) -> f64| batches.iter().map(of).sum::<f64>();
        let totals = [
            total(|batch| batch.one.total),
            total(|batch| batch.other.total),
        ];
        let shared = total(|batch| batch.one.total * batch.shares[1]);
        let pseudo = totals.map(|total| PSEUDO_COUNT * shared / total);
        let pseudo_variance = batches.iter().map(|batch| {
            let counts =
                PSEUDO_COUNT * (batch.one.total / totals[0] + batch.other.total / totals[1]);
            counts * batch.shares[0] * batch.shares[1]
        });
        Some(Self {
            weight: total(|batch| batch.weight),
            cells: [
                total(|batch| batch.one.cells),
                total(|batch| batch.other.cells),
            ],
            pseudo,
            pseudo_variance: pseudo_variance.sum(),
            batches,
        })
    }

    /// The detection and the fold of the evidence that the groups differ.
    pub(super) fn strongest(&self, genes: Range<usize>) -> (f64, f64) {
        let detection = nth_largest(
            NTH_DETECTION,
            genes.clone(),
            |gene| self.difference(gene).abs(),
            |gene| self.detection(gene).abs(),
        );
        let fold = nth_largest(
            NTH_FOLD,
            genes,
            |gene| self.ln_ratio(gene).abs(),
            |gene| self.fold(gene).abs(),
        );
        (detection, fold)
    }

    /// Mean difference in the share of cells that detect a gene, one group less the other.
    fn difference(&self, gene: usize) -> f64 {
        let of_batches = self.batches.iter().map(|batch| {
            let [p, q] = batch.detected(gene);
            batch.weight * (p - q)
        });
        of_batches.sum::<f64>() / self.weight
    }

    /// The same; 0 where it is not significant.
    fn detection(&self, gene: usize) -> f64 {
        let mut judged = Judged {
            difference: 0.0,
            variance: 0.0,
        };
        for batch in &self.batches {
            let of_batch = Judged::of(batch.detected(gene), batch.cells(), self.cells);
            let weight = batch.weight / self.weight;
            judged.difference += weight * of_batch.difference;
            judged.variance += weight.powi(2) * of_batch.variance;
        }
        if judged.is_significant() {
            self.difference(gene)
        } else {
            0.0
        }
    }

    /// The two sides of the ratio of rates.
    fn sides(&self, gene: usize) -> [f64; 2] {
        let mut sides = self.pseudo;
        for batch in &self.batches {
            let [x, y] = batch.counts(gene);
            sides[0] += x * batch.shares[1];
            sides[1] += y * batch.shares[0];
        }
        sides
    }

    /// ln of the ratio of a gene's counts per count.
    fn ln_ratio(&self, gene: usize) -> f64 {
        let [one, other] = self.sides(gene);
        (one / other).ln()
    }

    /// The same, brought nearer to 0 by its uncertainty.
    fn fold(&self, gene: usize) -> f64 {
        let [one, other] = self.sides(gene);
        let of_batches = self.batches.iter().map(|batch| {
            let [x, y] = batch.counts(gene);
            (x + y) * batch.shares[0] * batch.shares[1]
        });
        let of_counts = (of_batches.sum::<f64>() + self.pseudo_variance) / (one * other);
        let error = (of_counts + VARIANCE_OF_CELLS / self.weight).sqrt();
        let change = (one / other).ln();
        change.signum() * (change.abs() - CAUTION * error).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::profile::Profile;

    fn sums(cells: f64, total: f64, counts: [f32; 2], detected: [f32; 2]) -> Sums {
        Sums {
            cells,
            total,
            counts: counts.to_vec(),
            detected: detected.to_vec(),
        }
    }

    #[test]
    fn one_batch_is_compared_as_all_cells_are() {
        let one = sums(40.0, 5e4, [90.0, 3.0], [30.0, 3.0]);
        let other = sums(70.0, 9e4, [20.0, 0.0], [16.0, 0.0]);
        let profiles = [&one, &other].map(Profile::of);
        let (ones, others) = ([one], [other]);
        let within = WithinBatches::of(&ones, &others).expect("cells of both");
        for gene in 0..2 {
            let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{gene}: {a} {b}");
            near(
                within.detection(gene),
                profiles[0].detection(&profiles[1], gene),
            );
            near(within.fold(gene), profiles[0].fold(&profiles[1], gene));
        }
    }

    #[test]
    fn what_all_cells_of_a_batch_share_does_not_count() {
        // Gene 0 is of the second batch, gene 1 of the first group.
        let ones = [
            sums(80.0, 8e4, [8.0, 800.0], [8.0, 72.0]),
            sums(20.0, 2e4, [200.0, 200.0], [18.0, 18.0]),
        ];
        let others = [
            sums(20.0, 2e4, [2.0, 20.0], [2.0, 2.0]),
            sums(80.0, 8e4, [800.0, 80.0], [72.0, 8.0]),
        ];
        let within = WithinBatches::of(&ones, &others).expect("cells of both");
        assert!(within.difference(0).abs() < 1e-12 && within.fold(0).abs() < 1e-12);
        assert!((within.detection(1) - 0.8).abs() < 1e-12);
        assert!(within.fold(1) > 1.5 && within.ln_ratio(1) < 10.0_f64.ln() + 1e-2);
        let [one, other] = [ones, others].map(|batches| Profile::in_batches(batches.into()));
        assert!(one.detection(&other, 0) < -0.4);
    }

    #[test]
    fn batches_of_a_few_cells_take_no_part() {
        let few = [sums(4.0, 4e3, [1.0, 1.0], [1.0, 1.0])];
        let many = [sums(40.0, 4e4, [1.0, 1.0], [1.0, 1.0])];
        assert!(WithinBatches::of(&few, &many).is_none());
        assert!(WithinBatches::of(&[], &[]).is_none());
    }
}
