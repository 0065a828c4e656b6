//! Whether a cell expresses genes that no known cluster does.
//!
//! The embedding shows what tells known cells apart. A cell of an unknown type may lie close to one of these: genes that only its
//! own type expresses hardly weigh in components and weights that were learnt without it. They do show in its counts.

use ndarray::{Array2, ArrayView1, ArrayViewMut1};
use rand::Rng;

use super::depth::{deviance, mean_depth, smoothed_shares, sum_of_largest};
use crate::{
    counts::{CountSource, CountsError},
    grouping::n_groups,
    model_file::{KnownExpression, TrendByDepth},
    preprocess::each_chunk,
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
    /// What known cells express, learnt from counts that are read twice; and how far the surprise of each is above the trend, when
    /// it is judged by what the other half of the cells express.
    ///
    /// O(non-zero counts) time; memory clusters × genes.
    ///
    /// # Errors
    /// Where counts cannot be read.
    pub fn learn(
        counts: &dyn CountSource,
        known: &KnownCells<'_>,
        n_genes: usize,
        seed: u64,
    ) -> Result<(Self, Vec<f32>), CountsError> {
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
        let background = background(&sums);
        let mut most = Array2::zeros((2, n_genes));
        for (sums, row) in sums.iter().zip(most.outer_iter_mut()) {
            most_shares(sums, &background, depth, row);
        }
        let mut seen = Vec::with_capacity(known.cells.len());
        for_each_cell(counts, known, |cell, genes| {
            let total = f64::from(known.totals[cell]);
            // A half is judged by the other one.
            let surprise = surprise(genes, total, most.row(1 - half[cell]));
            seen.push((total, surprise));
        })?;
        let (trend, above) = TrendByDepth::learn(&seen);
        Ok((Self { most, trend }, above))
    }

    /// How far the surprise of a cell, genes of the model with their counts, is above that of known cells of its depth: the mean of
    /// what both halves of these say, each of which is as many cells as those judged that the trend is of.
    #[must_use]
    pub fn above(&self, genes: &[(u32, f32)], total: f64) -> f32 {
        let halves = self.most.outer_iter();
        let above = halves.map(|most| self.trend.above(surprise(genes, total, most), total));
        above.sum::<f32>() / 2.0
    }
}

/// Sum over the 20 genes that surprise most of the deviance of a count above its expectation, under a negative binomial
/// distribution, whose mean is the total count · the most that clusters have.
fn surprise(genes: &[(u32, f32)], total: f64, most: ArrayView1<'_, f64>) -> f64 {
    let deviance = |&(gene, count): &(u32, f32)| {
        let (y, mu) = (f64::from(count), total * most[gene as usize]);
        (y > mu && mu > 0.0).then(|| deviance(y, mu, THETA))
    };
    sum_of_largest(genes.iter().filter_map(deviance).collect(), N_GENES)
}

/// The share of each gene in the counts of all cells, from those of each half and cluster.
fn background(sums: &[Vec<Vec<f64>>]) -> Vec<f64> {
    let n_genes = sums[0].first().map_or(0, Vec::len);
    let mut shares = vec![0.0; n_genes];
    for sums in sums.iter().flatten() {
        let genes = shares.iter_mut().zip(sums);
        genes.for_each(|(share, sum)| *share += sum);
    }
    let total: f64 = shares.iter().sum();
    for share in &mut shares {
        *share /= total;
    }
    shares
}

/// The largest share of each gene in the counts of any cluster, of which the sums are given; `depth` is the mean count of a cell.
fn most_shares(
    sums: &[Vec<f64>],
    background: &[f64],
    depth: f64,
    mut most: ArrayViewMut1<'_, f64>,
) {
    for sums in sums {
        let size: f64 = sums.iter().sum();
        let shares = smoothed_shares(sums.iter().copied(), size, background, depth);
        for (most, share) in most.iter_mut().zip(shares) {
            *most = most.max(share);
        }
    }
}

/// Calls `visit` with the place of every known cell and its counts of the model's genes.
fn for_each_cell(
    counts: &dyn CountSource,
    known: &KnownCells<'_>,
    mut visit: impl FnMut(usize, &[(u32, f32)]) + Send,
) -> Result<(), CountsError> {
    let mut cell = 0;
    let mut genes = Vec::new();
    each_chunk(counts, |rows, chunk| {
        for (row, counts) in rows.zip(chunk.outer_iterator()) {
            if known.cells.get(cell) != Some(&row) {
                continue;
            }
            genes.clear();
            for (gene, &count) in counts.iter() {
                genes.extend(known.in_model[gene].map(|gene| (gene, count)));
            }
            visit(cell, &genes);
            cell += 1;
        }
    })
}

#[cfg(test)]
mod tests {
    use ndarray::aview1;

    use super::*;
    use crate::counts::Csr;

    #[test]
    fn a_gene_beyond_all_clusters_surprises() {
        let most = [0.1, 0.001];
        assert!(surprise(&[(0, 100.0)], 1000.0, aview1(&most)).abs() < 1e-12);
        let expected = deviance(5.0, 1.0, THETA);
        assert!((surprise(&[(1, 5.0), (0, 90.0)], 1000.0, aview1(&most)) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_cell_with_a_gene_of_its_own_surprises_more_than_known_cells() {
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
        let (learnt, of_known) = KnownExpression::learn(&counts, &known, 4, 1).expect("learnt");
        let most = of_known.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert!(learnt.above(&[(0, 50.0), (1, 1.0), (2, 50.0)], 101.0) <= most);
        assert!(learnt.above(&[(0, 20.0), (2, 50.0), (3, 30.0)], 101.0) > most + 1.0);
    }
}
