//! How far a cell lies from the cluster that its counts fit best.
//!
//! An unknown type may express no gene that known types lack. Its genes then deviate from those of every known cluster together,
//! in a way that known cells seldom do. This is the Mahalanobis distance of a cell's residuals in few directions; such distances
//! tell unknown classes from known ones (Lee et al. 2018, arXiv:1807.03888).

use ndarray::{Array2, ArrayView1, Axis};
use rand::Rng;
use rayon::prelude::*;

use super::depth::{deviance, mean_depth, smoothed_shares, sum_of_largest};
use crate::{
    grouping::n_groups,
    model_file::{KnownDeviations, TrendByDepth},
    packed_counts::PackedRow,
    preprocess::{Prepared, PreprocessError, mean_row, principal_directions},
    seed::{Stream, stream},
};

/// Parts of the known cells, each of which is judged by what the others express.
const FOLDS: usize = 5;

/// Directions in which known cells deviate, and how many of these make a cell's distance: those in which it deviates most.
const N_DIRECTIONS: usize = 50;
const N_FARTHEST: usize = 10;

/// Bound of a residual, in standard deviations: a single gene does not make a cell unknown.
const MOST: f32 = 5.0;

/// Share of the cells that detect a gene that takes part.
const LEAST_DETECTED: f64 = 0.01;

/// Bounds of a gene's dispersion θ.
const DISPERSIONS: (f64, f64) = (0.05, 1000.0);

/// Known cells in clusters, and the part of every cell.
struct Known<'a> {
    prepared: &'a Prepared,
    labels: &'a [usize],
    folds: Vec<usize>,
}

impl KnownDeviations {
    /// What is known of prepared cells in clusters, learnt on some of the cells (positions, ascending); and how far the deviation
    /// of each of these is above the trend, when it is judged by the clusters and the directions of the other four fifths.
    ///
    /// O(m g²) time for m of these cells and g genes; memory g² and m g.
    ///
    /// # Errors
    /// Where the eigenvalue iteration does not converge.
    pub fn learn(
        prepared: &Prepared,
        labels: &[usize],
        cells: &[usize],
        seed: u64,
    ) -> Result<(Self, Vec<f32>), PreprocessError> {
        let mut rng = stream(seed, Stream::Folds);
        let folds = (0..prepared.n_cells()).map(|_| rng.random_range(0..FOLDS));
        let known = Known {
            prepared,
            labels,
            folds: folds.collect(),
        };
        let shares = known.shares(None);
        let dispersion = known.dispersion(cells, &shares);
        let mut residuals = known.residuals(cells, &dispersion);
        let (weight, mean) = standardize(&mut residuals, &known.detected(cells));
        let scores = known.scores_by_others(&residuals, cells)?;
        let directions = principal_directions(&residuals, N_DIRECTIONS)?;
        let along = scores.axis_iter(Axis(1)).take(directions.ncols());
        let mut learnt = Self {
            spread: along.map(root_mean_square).collect(),
            directions,
            shares,
            dispersion,
            weight,
            mean,
            trend: TrendByDepth::default(),
        };
        let seen = scores.outer_iter().zip(cells).map(|(scores, &cell)| {
            let total = f64::from(prepared.totals[cell]);
            (total, learnt.distance(scores.iter().copied()))
        });
        let (trend, above) = TrendByDepth::learn(&seen.collect::<Vec<_>>());
        learnt.trend = trend;
        Ok((learnt, above))
    }

    /// How far the distance of some prepared cells (positions) from the cluster that each fits best is above that of known cells of
    /// its depth. A cell's value does not depend on the cells beside it.
    #[must_use]
    pub fn above(&self, prepared: &Prepared, cells: &[usize]) -> Vec<f32> {
        let fit = Fit::of(&self.shares, &prepared.unmeasured);
        let above = |&cell: &usize| {
            let mut residuals = vec![0.0; prepared.n_genes()];
            fit.residuals(prepared, cell, &self.dispersion, &mut residuals);
            let constants = self.weight.iter().zip(&self.mean);
            for (residual, (weight, mean)) in residuals.iter_mut().zip(constants) {
                *residual = (*residual * weight).clamp(-MOST, MOST) - mean;
            }
            for &gene in &prepared.unmeasured {
                residuals[gene] = 0.0;
            }
            let mut scores = vec![0.0_f32; self.spread.len()];
            for (direction, &residual) in self.directions.outer_iter().zip(&residuals) {
                for (score, along) in scores.iter_mut().zip(direction) {
                    *score += residual * along;
                }
            }
            let distance = self.distance(scores.into_iter());
            self.trend.above(distance, f64::from(prepared.totals[cell]))
        };
        cells.par_iter().map(above).collect()
    }

    /// The sum of the largest squared scores, each over its variance.
    fn distance(&self, scores: impl Iterator<Item = f32>) -> f64 {
        let squared = |(score, spread): (f32, &f32)| {
            let ratio = if *spread > 0.0 { score / spread } else { 0.0 };
            f64::from(ratio * ratio)
        };
        sum_of_largest(scores.zip(&self.spread).map(squared).collect(), N_FARTHEST)
    }
}

impl Known<'_> {
    /// Share of every gene in the counts of every cluster, clusters × genes, of all cells but those of a part.
    fn shares(&self, left_out: Option<usize>) -> Array2<f32> {
        let prepared = self.prepared;
        let n_clusters = n_groups(self.labels);
        let mut sums = Array2::<f64>::zeros((n_clusters, prepared.n_genes()));
        let mut sizes = vec![0.0; n_clusters];
        for (cell, counts) in prepared.counts.iter_rows().enumerate() {
            if left_out == Some(self.folds[cell]) {
                continue;
            }
            sizes[self.labels[cell]] += f64::from(prepared.totals[cell]);
            for (gene, count) in counts {
                sums[(self.labels[cell], gene)] += f64::from(count);
            }
        }
        let depth = mean_depth(&prepared.totals);
        let mut shares = Array2::zeros(sums.dim());
        for ((sums, size), mut to) in sums.outer_iter().zip(sizes).zip(shares.outer_iter_mut()) {
            let smoothed =
                smoothed_shares(sums.iter().copied(), size, &prepared.gene_shares, depth);
            to.iter_mut()
                .zip(smoothed)
                .for_each(|(to, from)| *to = from as f32);
        }
        shares
    }

    /// θ of every gene by moments: Σ μ² over Σ ((y − μ)² − μ), the sums over some cells about their clusters.
    fn dispersion(&self, cells: &[usize], shares: &Array2<f32>) -> Vec<f32> {
        let n_genes = self.prepared.n_genes();
        let (mut squares, mut beyond) = (vec![0.0; n_genes], vec![0.0; n_genes]);
        let mut counts = vec![0.0_f64; n_genes];
        for &cell in cells {
            counts.fill(0.0);
            for (gene, count) in self.prepared.counts.row(cell) {
                counts[gene] = f64::from(count);
            }
            let total = f64::from(self.prepared.totals[cell]);
            for (gene, &share) in shares.row(self.labels[cell]).iter().enumerate() {
                let mu = total * f64::from(share);
                squares[gene] += mu * mu;
                beyond[gene] += (counts[gene] - mu).powi(2) - mu;
            }
        }
        let theta = |(squares, beyond): (f64, f64)| {
            let (least, most) = DISPERSIONS;
            let theta = if beyond > 0.0 { squares / beyond } else { most };
            theta.clamp(least, most) as f32
        };
        squares.into_iter().zip(beyond).map(theta).collect()
    }

    /// Residuals of some cells, each by the clusters of the other parts: cells × genes.
    fn residuals(&self, cells: &[usize], dispersion: &[f32]) -> Array2<f32> {
        let shares: Vec<_> = (0..FOLDS).map(|fold| self.shares(Some(fold))).collect();
        let fits: Vec<Fit<'_>> = shares.iter().map(|shares| Fit::of(shares, &[])).collect();
        let mut residuals = Array2::zeros((cells.len(), self.prepared.n_genes()));
        let rows = residuals.axis_iter_mut(Axis(0)).into_par_iter();
        rows.zip(cells).for_each(|(mut row, &cell)| {
            if let Some(row) = row.as_slice_mut() {
                fits[self.folds[cell]].residuals(self.prepared, cell, dispersion, row);
            }
        });
        residuals
    }

    /// Which genes enough of some cells detect.
    fn detected(&self, cells: &[usize]) -> Vec<bool> {
        let mut n_cells = vec![0_usize; self.prepared.n_genes()];
        for &gene in self.prepared.counts_of(cells).indices() {
            n_cells[gene as usize] += 1;
        }
        let least = LEAST_DETECTED * cells.len() as f64;
        n_cells.iter().map(|&n| n as f64 >= least).collect()
    }

    /// Scores of some cells in the directions of the cells of other parts: cells × directions, 0 in those that these lack.
    fn scores_by_others(
        &self,
        residuals: &Array2<f32>,
        cells: &[usize],
    ) -> Result<Array2<f32>, PreprocessError> {
        let mut scores = Array2::zeros((cells.len(), N_DIRECTIONS));
        for fold in 0..FOLDS {
            let is_own = |place: &usize| self.folds[cells[*place]] == fold;
            let (own, others): (Vec<usize>, Vec<usize>) =
                (0..cells.len()).partition(|place| is_own(place));
            let directions =
                principal_directions(&residuals.select(Axis(0), &others), N_DIRECTIONS)?;
            let of_own = residuals.select(Axis(0), &own).dot(&directions);
            for (&place, from) in own.iter().zip(of_own.outer_iter()) {
                let to = scores.row_mut(place);
                to.into_iter().zip(from).for_each(|(to, &from)| *to = from);
            }
        }
        Ok(scores)
    }
}

/// Clusters that cells are fitted to, as far as genes were measured.
struct Fit<'a> {
    /// Clusters × genes.
    shares: &'a Array2<f32>,
    /// Logarithm of each gene's share in the counts of the measured genes, genes × clusters.
    log_shares: Array2<f32>,
}

impl<'a> Fit<'a> {
    fn of(shares: &'a Array2<f32>, unmeasured: &[usize]) -> Self {
        let mut log_shares = Array2::zeros((shares.ncols(), shares.nrows()));
        for (shares, mut to) in shares.outer_iter().zip(log_shares.columns_mut()) {
            let missing: f32 = unmeasured.iter().map(|&gene| shares[gene]).sum();
            let measured = shares.sum() - missing;
            to.iter_mut()
                .zip(shares)
                .for_each(|(to, share)| *to = (share / measured).ln());
        }
        Self { shares, log_shares }
    }

    /// The cluster whose genes' shares make a cell's counts most likely, as a multinomial distribution has it.
    fn best(&self, counts: PackedRow<'_>) -> usize {
        let mut likelihoods = vec![0.0_f64; self.shares.nrows()];
        for (gene, count) in counts {
            for (likelihood, &log_share) in likelihoods.iter_mut().zip(self.log_shares.row(gene)) {
                *likelihood += f64::from(count) * f64::from(log_share);
            }
        }
        let most = likelihoods
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        likelihoods
            .iter()
            .position(|&found| found >= most)
            .unwrap_or(0)
    }

    /// Deviance residuals of a cell's counts, given the cluster that it fits best, of genes of these dispersions.
    fn residuals(&self, prepared: &Prepared, cell: usize, dispersion: &[f32], to: &mut [f32]) {
        let counts = prepared.counts.row(cell);
        let total = prepared.totals[cell];
        let shares = self.shares.row(self.best(counts.clone()));
        for ((to, share), theta) in to.iter_mut().zip(shares).zip(dispersion) {
            // The deviance of no counts.
            *to = -(2.0 * theta * (total * share / theta).ln_1p()).sqrt();
        }
        for (gene, count) in counts {
            let mu = f64::from(total) * f64::from(shares[gene]);
            let deviance = deviance(f64::from(count), mu, f64::from(dispersion[gene]));
            to[gene] = (deviance.max(0.0).sqrt() * (f64::from(count) - mu).signum()) as f32;
        }
    }
}

/// Divides residuals by their standard deviation, bounds them and centres them; genes that do not take part become 0. What they
/// were multiplied by, and their mean then.
fn standardize(residuals: &mut Array2<f32>, takes_part: &[bool]) -> (Vec<f32>, Vec<f32>) {
    let scale = |(gene, &takes_part): (usize, &bool)| {
        let std = f64::from(residuals.column(gene).std(0.0));
        if takes_part && std > 0.0 {
            (1.0 / std) as f32
        } else {
            0.0
        }
    };
    let weight: Vec<f32> = takes_part.iter().enumerate().map(scale).collect();
    for mut row in residuals.outer_iter_mut() {
        let scaled = row.iter_mut().zip(&weight);
        scaled.for_each(|(value, weight)| *value = (*value * weight).clamp(-MOST, MOST));
    }
    let mean = mean_row(std::iter::once(&*residuals), weight.len());
    for mut row in residuals.outer_iter_mut() {
        row.iter_mut()
            .zip(&mean)
            .for_each(|(value, mean)| *value -= mean);
    }
    (weight, mean)
}

fn root_mean_square(values: ArrayView1<'_, f32>) -> f32 {
    (values.dot(&values) / values.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{counts::Csr, packed_counts::PackedCounts, preprocess::prepare};

    /// Cells of two clusters; genes 0 to 9 are of the first, 10 to 19 of the second, the others of both. In a new type, one in
    /// four of all genes is doubled, and one in four halved.
    fn counts(n_cells: usize, is_new: bool, seed: u64) -> Csr {
        let mut rng = stream(seed, Stream::Weights);
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for cell in 0..n_cells {
            for gene in 0..40 {
                let own = gene / 10 == cell % 2 || gene >= 20;
                let changed = [2.0, 1.0, 0.5, 1.0][gene % 4];
                let mean = if own { 20.0 } else { 2.0 } * if is_new { changed } else { 1.0 };
                let count = (mean * (0.5 + rng.random::<f64>())).round() as f32;
                if count > 0.0 {
                    columns.push(gene as u32);
                    values.push(count);
                }
            }
            offsets.push(columns.len());
        }
        Csr::new((n_cells, 40), offsets, columns, values)
    }

    #[test]
    fn few_cells_are_known_along_as_many_directions_as_there_are() {
        let prepared = prepare(&counts(20, false, 1), 40).expect("prepared");
        let labels: Vec<usize> = (0..20).map(|cell| cell % 2).collect();
        let all: Vec<usize> = (0..20).collect();
        let (learnt, _) = KnownDeviations::learn(&prepared, &labels, &all, 1).expect("learnt");
        assert!(learnt.spread.len() <= 20);
        assert_eq!(learnt.spread.len(), learnt.directions.ncols());
    }

    #[test]
    fn a_cell_whose_genes_deviate_together_is_beyond_known_cells() {
        let prepared = prepare(&counts(300, false, 1), 40).expect("prepared");
        let labels: Vec<usize> = (0..300).map(|cell| cell % 2).collect();
        let all: Vec<usize> = (0..300).collect();
        let (learnt, mut of_known) =
            KnownDeviations::learn(&prepared, &labels, &all, 1).expect("learnt");
        of_known.sort_unstable_by(f32::total_cmp);
        let beyond = |cells: Csr| {
            let totals = cells
                .outer_iterator()
                .map(|row| row.data().iter().sum())
                .collect();
            let new = Prepared {
                totals,
                counts: PackedCounts::from(&cells),
                ..prepared.clone()
            };
            let above = learnt.above(&new, &all[..100]);
            above.iter().filter(|&&above| above > of_known[290]).count()
        };
        assert!(beyond(counts(100, false, 2)) <= 10);
        assert!(beyond(counts(100, true, 3)) >= 70);
    }
}
