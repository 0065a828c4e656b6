//! A test of a split that is not fooled by the cells having been clustered first: count splitting.
//!
//! Genes that were looked for after clustering differ between any two clusters, of one cell type too, since the clusters
//! were made of the same counts. So each count x of the split's cells, taken as one negative binomial population of size b
//! per gene, is divided at random: A ~ BetaBinomial(x, b/2, b/2), B = x − A. A and B are then independent given the cell's
//! population (Neufeld et al. 2024, doi:10.1093/biostatistics/kxac047; Neufeld, Dharamshi et al. 2024,
//! arXiv:2301.07276). Cells are assigned to the two sides anew from A alone, by profiles of other cells, and genes are
//! tested in B alone.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Binomial, Distribution};
use rayon::prelude::*;

use super::{Found, profile::PSEUDO_COUNT};
use crate::{
    grouping::Members,
    markers::rank_sum_ps,
    packed_counts::PackedCounts,
    seed::{Stream, stream},
};

/// Most cells of either side that are tested, evenly spread.
const MOST_CELLS: usize = 300;

/// Fewest cells of a side that differences can be told of.
const FEWEST_CELLS: usize = 3;

/// Overdispersion below which counts are taken for Poisson: their parts are then independent binomials.
const POISSON: f64 = 1e-3;

/// The p-value of every split that was kept, by node of the tree; `None` of all others.
///
/// `counts`: raw counts, n × g; `totals`: n. The p-value is Simes' over all genes (doi:10.1093/biomet/73.3.751), of
/// two-sided Wilcoxon rank-sum tests. O(n + splits · cells tested · genes) time.
pub(super) fn p_values(
    found: &Found,
    counts: &PackedCounts,
    totals: &[f32],
    seed: u64,
) -> Vec<Option<f64>> {
    let members = Members::of(found.leaves.iter().copied(), found.tree.n_leaves());
    let nodes = found.tree.nodes.iter().enumerate();
    let splits: Vec<(usize, [usize; 2])> = nodes
        .filter(|&(node, _)| found.is_split(node))
        .filter_map(|(node, at)| Some((node, at.children?)))
        .collect();
    // Splits that were kept lie together at the root: each is a task, so that they are not one thread's.
    let of_splits = splits.into_par_iter().with_max_len(1);
    let of_splits: Vec<(usize, f64)> = of_splits
        .map(|(node, children)| {
            let sides = children.map(|child| found.tree.some_below(child, &members, MOST_CELLS));
            let rng = &mut stream(seed.wrapping_add(node as u64), Stream::CountSplit);
            (node, p_value(&Cells::of(&sides, counts, totals), rng))
        })
        .collect();
    let mut ps = vec![None; found.tree.nodes.len()];
    for (node, p) in of_splits {
        ps[node] = Some(p);
    }
    ps
}

/// The cells of a split.
struct Cells {
    /// For each cell, the genes that it detects and their counts.
    counts: Vec<Vec<(u32, f32)>>,
    /// Their total counts over all genes.
    totals: Vec<f64>,
    /// Whether each lies on the second side.
    is_other: Vec<bool>,
    n_genes: usize,
}

impl Cells {
    fn of(sides: &[Vec<usize>; 2], counts: &PackedCounts, totals: &[f32]) -> Self {
        let cells = sides.iter().flatten();
        let row = |&cell: &usize| {
            let entries = counts.row(cell);
            entries.map(|(gene, count)| (gene as u32, count)).collect()
        };
        Self {
            counts: cells.clone().map(row).collect(),
            totals: cells.map(|&cell| f64::from(totals[cell])).collect(),
            is_other: (0..2)
                .flat_map(|side| std::iter::repeat_n(side == 1, sides[side].len()))
                .collect(),
            n_genes: counts.shape().1,
        }
    }

    /// The overdispersion 1/b of each gene over all cells as one population, by the method of moments:
    /// Σ((x − μ)² − x) / Σ μ².
    fn overdispersions(&self) -> Vec<f64> {
        let total: f64 = self.totals.iter().sum();
        let of_totals: f64 = self.totals.iter().map(|total| total * total).sum();
        let mut sums = vec![0.0; self.n_genes];
        let mut excess = vec![0.0; self.n_genes];
        for &(gene, count) in self.counts.iter().flatten() {
            let count = f64::from(count);
            sums[gene as usize] += count;
            // x² − x; −2xμ follows once rates are known, and μ² for all cells at once.
            excess[gene as usize] += count * (count - 1.0);
        }
        let rates: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
        for (cell, total) in self.counts.iter().zip(&self.totals) {
            for &(gene, count) in cell {
                excess[gene as usize] -= 2.0 * f64::from(count) * rates[gene as usize] * total;
            }
        }
        let of_gene = |(excess, rate): (&f64, &f64)| {
            let squares = rate * rate * of_totals;
            if squares > 0.0 {
                excess / squares + 1.0
            } else {
                0.0
            }
        };
        excess.iter().zip(&rates).map(of_gene).collect()
    }

    /// Divides every count in two.
    fn split(&self, rng: &mut ChaCha8Rng) -> [Vec<Vec<(u32, f32)>>; 2] {
        let overdispersions = self.overdispersions();
        let mut halves = [(); 2].map(|()| vec![Vec::new(); self.counts.len()]);
        for (i, cell) in self.counts.iter().enumerate() {
            for &(gene, count) in cell {
                let overdispersion = overdispersions[gene as usize];
                let share = match Beta::new(0.5 / overdispersion, 0.5 / overdispersion) {
                    Ok(beta) if overdispersion > POISSON => beta.sample(rng),
                    _ => 0.5,
                };
                let first =
                    Binomial::new(count as u64, share).map_or(0, |half| half.sample(rng)) as f32;
                for (half, part) in halves.iter_mut().zip([first, count - first]) {
                    if part > 0.0 {
                        half[i].push((gene, part));
                    }
                }
            }
        }
        halves
    }

    /// The side that each cell is assigned to by the counts of `half` alone: the likelier one, given the profiles of the
    /// sides among cells of the other parity.
    fn assigned(&self, half: &[Vec<(u32, f32)>]) -> Vec<bool> {
        let mut assigned = vec![false; half.len()];
        for parity in 0..2 {
            let log_ratios = self.log_ratios(half, 1 - parity);
            for i in (parity..half.len()).step_by(2) {
                let score =
                    |&(gene, count): &(u32, f32)| f64::from(count) * log_ratios[gene as usize];
                assigned[i] = half[i].iter().map(score).sum::<f64>() > 0.0;
            }
        }
        assigned
    }

    /// ln of each gene's share of the second side's counts over that of the first's, among cells of a parity.
    fn log_ratios(&self, half: &[Vec<(u32, f32)>], parity: usize) -> Vec<f64> {
        let mut sums = [(); 2].map(|()| vec![PSEUDO_COUNT; self.n_genes]);
        for i in (parity..half.len()).step_by(2) {
            for &(gene, count) in &half[i] {
                sums[usize::from(self.is_other[i])][gene as usize] += f64::from(count);
            }
        }
        let [first, second] = sums.each_ref().map(|sums| sums.iter().sum::<f64>());
        let pairs = sums[0].iter().zip(&sums[1]);
        pairs
            .map(|(one, other)| (other / second).ln() - (one / first).ln())
            .collect()
    }
}

fn p_value(cells: &Cells, rng: &mut ChaCha8Rng) -> f64 {
    let [assigning, testing] = cells.split(rng);
    let sides = cells.assigned(&assigning);
    let n_other = sides.iter().filter(|&&other| other).count();
    if n_other.min(sides.len() - n_other) < FEWEST_CELLS {
        return 1.0;
    }
    let mut by_gene = vec![Vec::new(); cells.n_genes];
    for ((cell, total), &side) in testing.iter().zip(&cells.totals).zip(&sides) {
        for &(gene, count) in cell {
            by_gene[gene as usize].push((count / *total as f32, usize::from(side)));
        }
    }
    let sides: Vec<usize> = sides.into_iter().map(usize::from).collect();
    simes(rank_sum_ps(&by_gene, &sides))
}

/// The p-value of the hypothesis that all hypotheses hold: the least of p₍ₖ₎·m/k.
fn simes(mut ps: Vec<f64>) -> f64 {
    ps.sort_unstable_by(f64::total_cmp);
    let n = ps.len() as f64;
    let scaled = ps.iter().enumerate().map(|(k, p)| p * n / (k + 1) as f64);
    scaled.fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use rand_distr::{Gamma, Poisson};

    use super::*;

    /// Negative binomial counts of 300 cells and 60 genes, of which the first ten are `fold` times as high in half of the
    /// cells; and the sides that a clustering finds which looks at all counts: the cells above and below the median of the
    /// ten genes that vary most.
    fn clustered(fold: f64, rng: &mut ChaCha8Rng) -> Cells {
        let (n_cells, n_genes) = (300, 60);
        let gamma = Gamma::new(2.0, 0.5).expect("a distribution");
        let mut counts = Vec::new();
        for cell in 0..n_cells {
            let mut row = Vec::new();
            for gene in 0..n_genes {
                let fold = if cell % 4 < 2 && gene < 10 { fold } else { 1.0 };
                let mean = fold * (1.0 + (gene % 5) as f64) * gamma.sample(rng);
                let count: f64 = Poisson::new(mean.max(1e-9)).expect("a mean").sample(rng);
                if count > 0.0 {
                    row.push((gene as u32, count as f32));
                }
            }
            counts.push(row);
        }
        let score = |row: &[(u32, f32)]| -> f32 {
            let first = row.iter().filter(|(gene, _)| *gene < 10);
            first.map(|(_, count)| count).sum()
        };
        let mut scores: Vec<f32> = counts.iter().map(|row| score(row)).collect();
        let is_above = scores.clone();
        scores.sort_unstable_by(f32::total_cmp);
        let median = scores[n_cells / 2];
        Cells {
            totals: counts
                .iter()
                .map(|row| f64::from(row.iter().map(|(_, count)| count).sum::<f32>()))
                .collect(),
            is_other: is_above.iter().map(|&score| score > median).collect(),
            counts,
            n_genes,
        }
    }

    #[test]
    fn one_population_that_was_clustered_is_told_from_two() {
        let rng = &mut stream(1, Stream::CountSplit);
        let ps: Vec<f64> = (0..40)
            .map(|_| p_value(&clustered(1.0, rng), rng))
            .collect();
        let below = ps.iter().filter(|&&p| p < 0.05).count();
        assert!(below <= 5, "{below} of 40: {ps:?}");
        let cells = clustered(1.0, rng);
        let naive = {
            let mut by_gene = vec![Vec::new(); cells.n_genes];
            for (cell, &side) in cells.counts.iter().zip(&cells.is_other) {
                for &(gene, count) in cell {
                    by_gene[gene as usize].push((count, usize::from(side)));
                }
            }
            let sides: Vec<usize> = cells
                .is_other
                .iter()
                .map(|&other| usize::from(other))
                .collect();
            simes(rank_sum_ps(&by_gene, &sides))
        };
        assert!(naive < 1e-6, "a test that is fooled: {naive}");
        let two = p_value(&clustered(6.0, rng), rng);
        assert!(two < 1e-6, "{two}");
    }

    #[test]
    fn halves_add_up_and_are_not_correlated() {
        let rng = &mut stream(2, Stream::CountSplit);
        let cells = clustered(1.0, rng);
        let [one, other] = cells.split(rng);
        let dense = |half: &[Vec<(u32, f32)>]| {
            let mut dense = vec![0.0; half.len() * cells.n_genes];
            for (i, cell) in half.iter().enumerate() {
                for &(gene, count) in cell {
                    dense[i * cells.n_genes + gene as usize] = f64::from(count);
                }
            }
            dense
        };
        let (a, b, whole) = (dense(&one), dense(&other), dense(&cells.counts));
        assert!(
            a.iter()
                .zip(&b)
                .zip(&whole)
                .all(|((a, b), x)| (a + b - x).abs() < 1e-9)
        );
        let gene = |half: &[f64], gene: usize| -> Vec<f64> {
            half.iter()
                .skip(gene)
                .step_by(cells.n_genes)
                .copied()
                .collect()
        };
        let mean_correlation = (0..cells.n_genes)
            .map(|g| correlation(&gene(&a, g), &gene(&b, g)))
            .sum::<f64>()
            / cells.n_genes as f64;
        assert!(mean_correlation.abs() < 0.03, "{mean_correlation}");
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let (mean_a, mean_b) = (mean(a), mean(b));
        let product = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
        };
        product(a, mean_a, b, mean_b)
            / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
    }

    #[test]
    fn simes_by_hand() {
        // Sorted: 0.01·3/1, 0.04·3/2, 0.5·3/3.
        assert!((simes(vec![0.04, 0.5, 0.01]) - 0.03).abs() < 1e-12);
        assert!((simes(Vec::new()) - 1.0).abs() < 1e-12);
    }
}
