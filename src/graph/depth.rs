//! A cell graph freed of what sequencing depth alone puts into it.

use std::mem;

use rayon::prelude::*;
use sprs::CsVecViewMutI;

use crate::counts::Csr;

/// Ranges of the difference in depth, equally many pairs of cells in each.
const RANGES: usize = 12;

/// Cells whose pairs set the ranges.
const TYPICAL_CELLS: usize = 1000;

/// Cells whose edges are added up in one task.
const CELLS_OF_BLOCK: usize = 1 << 16;

/// An edge's weight is changed by this factor at most.
const MOST: f64 = 8.0;

/// Divides each weight by how much likelier than by chance cells with such a difference in depth are connected.
///
/// `graph`: symmetric weights of n cells; `totals`: their total counts, above 0. Cells of one type, some sequenced deeply
/// and some not, are further apart than they should be, and fall into two groups. Pairs of cells are put into twelve
/// ranges by |ln total − ln total'|. In each, the weight that the edges hold together is compared with what they would
/// hold if cells were connected regardless of depth, each as strongly as it is: the sum of `s_i s_j / 2m` over the pairs, s a
/// cell's summed weight, 2m that of all. The weights of the range are divided by that ratio (by 8 or 1/8 at most).
/// Cells that differ in more than depth stay apart: where no edges are, none are made.
///
/// As the null model of Expert et al. 2011, doi:10.1073/pnas.1018962108, with depth in the place of their space. O(n log n
/// + edges) time.
///
/// # Panics
///
/// If there are fewer totals than cells.
pub(super) fn balance_depth(mut graph: Csr, totals: &[f32]) -> Csr {
    let depths: Vec<f64> = totals.iter().map(|&total| f64::from(total).ln()).collect();
    let bounds = bounds(&depths);
    let range = |a: usize, b: usize| {
        let difference = (depths[a] - depths[b]).abs();
        bounds.partition_point(|&bound| bound < difference)
    };
    let mut strengths = vec![0.0_f64; graph.rows()];
    // Blocks are added up in their order, so that the number of threads changes nothing.
    let found_in_blocks: Vec<[f64; RANGES]> = strengths
        .par_chunks_mut(CELLS_OF_BLOCK)
        .enumerate()
        .map(|(block, strengths)| {
            let first = block * CELLS_OF_BLOCK;
            let mut found = [0.0; RANGES];
            for (&weight, (row, b)) in &graph.slice_outer(first..first + strengths.len()) {
                let weight = f64::from(weight);
                found[range(first + row as usize, b as usize)] += weight;
                strengths[row as usize] += weight;
            }
            found
        })
        .collect();
    let mut found = [0.0; RANGES];
    for block in found_in_blocks {
        for (sum, weight) in found.iter_mut().zip(block) {
            *sum += weight;
        }
    }
    let by_chance = by_chance(&depths, &strengths, &bounds);
    let factors = factors(&found, &by_chance);
    let balance = |(a, mut row): (usize, CsVecViewMutI<f32, u32>)| {
        for (b, weight) in row.iter_mut() {
            *weight *= factors[range(a, b)];
        }
    };
    // Views of a block's rows at a time: those of millions would take hundreds of megabytes.
    let mut rows = graph.outer_iterator_mut().enumerate();
    loop {
        let block: Vec<_> = rows.by_ref().take(CELLS_OF_BLOCK).collect();
        if block.is_empty() {
            break;
        }
        block.into_par_iter().for_each(balance);
    }
    drop(rows);
    graph
}

/// What each range holds where cells are connected regardless of depth: the sum of `s_i s_j` over all pairs, each cell
/// with itself too.
fn by_chance(depths: &[f64], strengths: &[f64], bounds: &[f64]) -> [f64; RANGES] {
    let mut order: Vec<usize> = (0..depths.len()).collect();
    order.sort_by(|&a, &b| depths[a].total_cmp(&depths[b]));
    let sorted: Vec<f64> = order.iter().map(|&cell| depths[cell]).collect();
    let mut sums = vec![0.0];
    for &cell in &order {
        sums.push(sums[sums.len() - 1] + strengths[cell]);
    }
    let all = sums[sums.len() - 1];
    // Of each cell, the strengths of all cells that are no further from it in depth than the bound before, and than this bound.
    let (mut nearer, mut within) = (vec![0.0; depths.len()], vec![0.0; depths.len()]);
    let mut by_chance = [0.0; RANGES];
    for (range, total) in by_chance.iter_mut().enumerate() {
        match bounds.get(range) {
            None => within.fill(all),
            Some(bound) => {
                // The deeper a cell is, the deeper are the first and the last of these.
                let (mut first, mut last) = (0, 0);
                for (&cell, depth) in order.iter().zip(&sorted) {
                    first += count_while(&sorted[first..], |other| depth - other > *bound);
                    last += count_while(&sorted[last..], |other| other - depth <= *bound);
                    within[cell] = sums[last] - sums[first];
                }
            }
        }
        let cells = strengths.iter().zip(&within).zip(&nearer);
        for ((strength, within), nearer) in cells {
            *total += strength * (within - nearer);
        }
        mem::swap(&mut nearer, &mut within);
    }
    by_chance
}

fn count_while(values: &[f64], is_counted: impl Fn(f64) -> bool) -> usize {
    let counted = values.iter().take_while(|&&value| is_counted(value));
    counted.count()
}

/// Upper bounds of all ranges but the last.
fn bounds(depths: &[f64]) -> Vec<f64> {
    let mut sorted = depths.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let typical: Vec<f64> = sorted
        .iter()
        .step_by(sorted.len().div_ceil(TYPICAL_CELLS).max(1))
        .copied()
        .collect();
    let mut differences: Vec<f64> = typical
        .iter()
        .enumerate()
        .flat_map(|(i, low)| typical[i + 1..].iter().map(move |high| high - low))
        .collect();
    differences.sort_unstable_by(f64::total_cmp);
    if differences.is_empty() {
        return Vec::new();
    }
    (1..RANGES)
        .map(|range| differences[range * differences.len() / RANGES])
        .collect()
}

/// By chance over found, both as shares of their sums.
fn factors(found: &[f64; RANGES], by_chance: &[f64; RANGES]) -> [f32; RANGES] {
    let (all_found, all_by_chance): (f64, f64) = (found.iter().sum(), by_chance.iter().sum());
    std::array::from_fn(|range| {
        let ratio = (by_chance[range] / all_by_chance) / (found[range] / all_found);
        if ratio.is_finite() {
            ratio.clamp(1.0 / MOST, MOST) as f32
        } else {
            1.0
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sprs::TriMatI;

    fn graph(n_cells: usize, weight: impl Fn(usize, usize) -> f32) -> Csr {
        let mut triplets = TriMatI::<f32, u32>::new((n_cells, n_cells));
        for a in 0..n_cells {
            for b in (0..n_cells).filter(|&b| b != a) {
                if weight(a, b) > 0.0 {
                    triplets.add_triplet(a, b, weight(a, b));
                }
            }
        }
        triplets.to_csr()
    }

    /// Weight between the shallow and the deep cells, as a share of all.
    fn across(graph: &Csr, deep: impl Fn(u32) -> bool) -> f32 {
        let all: f32 = graph.data().iter().sum();
        let across = graph.iter().filter(|&(_, (a, b))| deep(a) != deep(b));
        across.map(|(&weight, _)| weight).sum::<f32>() / all
    }

    #[test]
    fn cells_of_unlike_depth_are_joined_as_the_others_are() {
        let totals: Vec<f32> = (0..40)
            .map(|cell| if cell < 20 { 900.0 } else { 9000.0 })
            .collect();
        // The same depth: weight 4; another: weight 1.
        let graph = graph(40, |a, b| if (a < 20) == (b < 20) { 4.0 } else { 1.0 });
        let balanced = balance_depth(graph.clone(), &totals);
        let share = across(&balanced, |cell| cell >= 20);
        assert!((across(&graph, |cell| cell >= 20) - 0.208).abs() < 1e-3);
        assert!((share - 0.5).abs() < 0.02, "{share}");
        assert_eq!(balanced.indices(), graph.indices());
    }

    #[test]
    fn equal_depths_change_nothing_but_rounding() {
        let graph = graph(6, |a, b| (a + b) as f32);
        let balanced = balance_depth(graph.clone(), &[500.0; 6]);
        for (one, other) in graph.data().iter().zip(balanced.data()) {
            assert!((one - other).abs() < 1e-5 * one);
        }
        assert_eq!(balance_depth(Csr::zero((3, 3)), &[1.0; 3]).nnz(), 0);
        assert_eq!(balance_depth(Csr::zero((0, 0)), &[]).nnz(), 0);
    }
}
