//! Whether a cell expresses genes that no known cluster does.
//!
//! The embedding shows what tells known cells apart. A cell of an unknown type may lie close to one of these: genes that only its
//! own type expresses hardly weigh in components and weights that were learnt without it. They do show in its counts.

use rand::Rng;

use super::{
    depth::{deviance, mean_depth, smoothed_shares, sum_of_largest},
    reference::KNOWN,
};
use crate::{
    counts::{CountSource, CountsError},
    grouping::n_groups,
    model_file::{KnownExpression, LimitByDepth},
    preprocess::chunks,
    seed::{Stream, stream},
};

/// Genes that a cell's surprise is the sum over: those that surprise most.
const N_GENES: usize = 20;

/// Dispersion of the counts.
const THETA: f64 = 1.0;

/// Labelled cells, and the genes of a model among those of their file.
#[derive(Debug, Clone, Copy)]
pub struct KnownCells<'a> {
    /// Rows of the file, ascending.
    pub cells: &'a [usize],
    /// Their clusters.
    pub labels: &'a [usize],
    /// Their total counts.
    pub totals: &'a [f32],
    /// For each gene of the file its position among the model's genes, where it is one of these.
    pub in_model: &'a [Option<u32>],
}

impl KnownExpression {
    /// What known cells express, learnt from counts that are read twice.
    ///
    /// The limit is the excess that 99 % of the cells stay within, each judged by what the other half of the cells express.
    /// O(non-zero counts) time; memory clusters × genes.
    ///
    /// # Errors
    /// Where counts cannot be read.
    pub fn learn(
        counts: &dyn CountSource,
        known: &KnownCells<'_>,
        n_genes: usize,
        seed: u64,
    ) -> Result<Self, CountsError> {
        let mut rng = stream(seed, Stream::Halves);
        let half: Vec<usize> = known
            .cells
            .iter()
            .map(|_| usize::from(rng.random::<bool>()))
            .collect();
        let n_clusters = n_groups(known.labels);
        let mut sums = vec![vec![vec![0.0; n_genes]; n_clusters]; 2];
        for_each_cell(counts, known, |cell, genes| {
            let sums = &mut sums[half[cell]][known.labels[cell]];
            for &(gene, count) in genes {
                sums[gene as usize] += f64::from(count);
            }
        })?;
        let depth = mean_depth(known.totals);
        // What a half is judged by is the other one.
        let of_other = [
            most_shares(&[&sums[1]], &sums, depth),
            most_shares(&[&sums[0]], &sums, depth),
        ];
        let mut seen = Vec::with_capacity(known.cells.len());
        for_each_cell(counts, known, |cell, genes| {
            let total = f64::from(known.totals[cell]);
            let surprise = surprise(genes, total, &of_other[half[cell]]);
            seen.push((total, surprise));
        })?;
        Ok(Self {
            most: most_shares(&[&sums[0], &sums[1]], &sums, depth),
            limit: LimitByDepth::learn(&seen, KNOWN),
        })
    }

    /// The surprise of a cell, genes of the model with their counts, over the most that a known cell of its depth has: above 1,
    /// it expresses what no known cluster does.
    #[must_use]
    pub fn excess(&self, genes: &[(u32, f32)], total: f64) -> f32 {
        self.limit.excess(surprise(genes, total, &self.most), total)
    }
}

/// Sum over the 20 genes that surprise most of the deviance of a count above its expectation, under a negative binomial
/// distribution, whose mean is the total count · the most that clusters have.
fn surprise(genes: &[(u32, f32)], total: f64, most: &[f64]) -> f64 {
    let deviance = |&(gene, count): &(u32, f32)| {
        let (y, mu) = (f64::from(count), total * most[gene as usize]);
        (y > mu && mu > 0.0).then(|| deviance(y, mu, THETA))
    };
    sum_of_largest(genes.iter().filter_map(deviance).collect(), N_GENES)
}

/// The largest share of each gene in the counts of any cluster. Clusters are those of some halves together; `depth` is the mean
/// count of a cell.
fn most_shares(halves: &[&Vec<Vec<f64>>], all: &[Vec<Vec<f64>>], depth: f64) -> Vec<f64> {
    let n_genes = all[0].first().map_or(0, Vec::len);
    let mut background = vec![0.0; n_genes];
    for sums in all.iter().flatten() {
        background
            .iter_mut()
            .zip(sums)
            .for_each(|(to, from)| *to += from);
    }
    let total: f64 = background.iter().sum();
    for sum in &mut background {
        *sum /= total;
    }
    let mut most = vec![0.0_f64; n_genes];
    for cluster in 0..all[0].len() {
        let of_gene = |gene: usize| halves.iter().map(|half| half[cluster][gene]).sum::<f64>();
        let sums: Vec<f64> = (0..n_genes).map(of_gene).collect();
        let size: f64 = sums.iter().sum();
        let shares = smoothed_shares(sums.into_iter(), size, &background, depth);
        for (most, share) in most.iter_mut().zip(shares) {
            *most = most.max(share);
        }
    }
    most
}

/// Calls `visit` with the place of every known cell and its counts of the model's genes.
fn for_each_cell(
    counts: &dyn CountSource,
    known: &KnownCells<'_>,
    mut visit: impl FnMut(usize, &[(u32, f32)]),
) -> Result<(), CountsError> {
    let mut cell = 0;
    let mut genes = Vec::new();
    for rows in chunks(counts.n_cells()) {
        let first = rows.start;
        for (row, counts) in counts.rows(rows)?.outer_iterator().enumerate() {
            if known.cells.get(cell) != Some(&(first + row)) {
                continue;
            }
            genes.clear();
            for (gene, &count) in counts.iter() {
                genes.extend(known.in_model[gene].map(|gene| (gene, count)));
            }
            visit(cell, &genes);
            cell += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Csr;

    #[test]
    fn a_gene_beyond_all_clusters_surprises() {
        let most = [0.1, 0.001];
        assert!(surprise(&[(0, 100.0)], 1000.0, &most).abs() < 1e-12);
        let expected = deviance(5.0, 1.0, THETA);
        assert!((surprise(&[(1, 5.0), (0, 90.0)], 1000.0, &most) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_cell_with_a_gene_of_its_own_exceeds_what_is_known() {
        // Two clusters of 40 cells: half of the counts of each are of one of two genes; the third gene is rare.
        let rows = (0..80_u32).flat_map(|cell| {
            let own = if cell < 40 { [50.0, 1.0] } else { [1.0, 50.0] };
            [own[0], own[1], 50.0, f32::from(u8::from(cell % 10 == 0))]
        });
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (place, value) in rows.enumerate() {
            if value > 0.0 {
                columns.push((place % 4) as u32);
                values.push(value);
            }
            if place % 4 == 3 {
                offsets.push(values.len());
            }
        }
        let counts = Csr::new((80, 4), offsets, columns, values);
        let cells: Vec<usize> = (0..80).collect();
        let labels: Vec<usize> = cells.iter().map(|&cell| usize::from(cell >= 40)).collect();
        let known = KnownCells {
            cells: &cells,
            labels: &labels,
            totals: &[101.0; 80],
            in_model: &[Some(0), Some(1), Some(2), Some(3)],
        };
        let learnt = KnownExpression::learn(&counts, &known, 4, 1).expect("learnt");
        assert!(learnt.excess(&[(0, 50.0), (1, 1.0), (2, 50.0)], 101.0) <= 1.0);
        assert!(learnt.excess(&[(0, 20.0), (2, 50.0), (3, 30.0)], 101.0) > 1.0);
    }
}
