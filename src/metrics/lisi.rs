//! How many kinds of cells lie around a cell: the local inverse Simpson's index.

use ndarray::ArrayView2;
use rayon::prelude::*;
use serde::Serialize;

use crate::{bisection::root, grouping::n_groups};

/// Neighbours that are looked at, three times the perplexity.
pub const LISI_NEIGHBORS: usize = 90;

/// Effective number of neighbours, e to the entropy of their weights.
const PERPLEXITY: f64 = 30.0;

/// Halvings of the interval that the width of the weights lies in.
const N_ITERATIONS: usize = 50;

/// How far the entropy may be from that of the perplexity.
const TOLERANCE: f64 = 1e-5;

/// How batches mix and cell types stay apart among the neighbours of a cell: medians of the local inverse Simpson's index.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mixing {
    /// Names of the batches.
    pub batches: Vec<String>,
    /// Effective number of batches around a cell before they were brought together, from 1 (apart) to their number; `null`
    /// where the run made no use of the views.
    pub ilisi_before: Option<f64>,
    /// The same in the embedding.
    pub ilisi: Option<f64>,
    /// Effective number of true cell types around a cell before, 1 where types are apart; `null` without true labels.
    pub clisi_before: Option<f64>,
    /// The same in the embedding.
    pub clisi: Option<f64>,
}

/// The median over some cells (of an even number the larger of the middle two) of the effective number of kinds among their
/// neighbours: 1 where all are of one kind, at most the number of kinds, which equal shares reach.
///
/// `unit`: n × features, each cell of length 1; `kinds`: n, any values; `cells`: those that are looked from;
/// `neighbors`: the nearest of all cells to each of these, by cosine, the cell itself left out. Weights fall as
/// exp(−d²/2s²), d² = 2 − 2 cos, with s such that their perplexity is 30 (a third of the neighbours, where they are fewer
/// than 90); the index is 1 / Σ (share of a kind)². With batches as kinds it is iLISI, with cell types cLISI (Korsunsky et
/// al. 2019, doi:10.1038/s41592-019-0619-0). `None` without cells.
#[must_use]
pub fn median_lisi(
    unit: ArrayView2<'_, f32>,
    kinds: &[usize],
    cells: &[usize],
    neighbors: &[Vec<u32>],
) -> Option<f64> {
    let n_kinds = n_groups(kinds);
    let of_cell = |(&cell, near): (&usize, &Vec<u32>)| {
        let squares: Vec<f64> = near
            .iter()
            .map(|&other| 2.0 - 2.0 * f64::from(unit.row(cell).dot(&unit.row(other as usize))))
            .collect();
        let mut shares = vec![0.0; n_kinds];
        for (&other, weight) in near.iter().zip(weights(&squares)) {
            shares[kinds[other as usize]] += weight;
        }
        1.0 / shares.iter().map(|share| share * share).sum::<f64>()
    };
    let mut found: Vec<f64> = cells
        .par_iter()
        .zip(neighbors)
        .filter(|(_, near)| !near.is_empty())
        .map(of_cell)
        .collect();
    found.sort_unstable_by(f64::total_cmp);
    found.get(found.len() / 2).copied()
}

/// Weights that add up to 1 and have the perplexity, by bisection of the rate at which they fall.
fn weights(squares: &[f64]) -> Vec<f64> {
    let target = PERPLEXITY.min(squares.len() as f64 / 3.0).max(1.0).ln();
    let rate = root(N_ITERATIONS, TOLERANCE, |rate| {
        let entropy: f64 = falling(squares, rate)
            .iter()
            .filter(|&&weight| weight > 0.0)
            .map(|weight| -weight * weight.ln())
            .sum();
        target - entropy
    });
    falling(squares, rate)
}

/// exp(−rate · square), divided by their sum.
fn falling(squares: &[f64], rate: f64) -> Vec<f64> {
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let mut weights: Vec<f64> = squares
        .iter()
        .map(|square| (-rate * (square - least)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Twelve cells at equal distances of each other, and for each of them all others.
    fn equal() -> (Array2<f32>, Vec<usize>, Vec<Vec<u32>>) {
        let cells: Vec<usize> = (0..12).collect();
        let others = |cell: usize| {
            (0..12)
                .filter(move |&other| other as usize != cell)
                .collect()
        };
        (
            Array2::eye(12),
            cells.clone(),
            cells.iter().map(|&cell| others(cell)).collect(),
        )
    }

    #[test]
    fn one_kind_is_one_and_equal_shares_are_as_many_as_there_are() {
        let (unit, cells, neighbors) = equal();
        let of =
            |kinds: &[usize]| median_lisi(unit.view(), kinds, &cells, &neighbors).expect("cells");
        assert!((of(&[0; 12]) - 1.0).abs() < 1e-9);
        // Eleven others: five of the own kind, six of the other.
        let two: Vec<usize> = (0..12).map(|cell| cell % 2).collect();
        let expected = 121.0 / (25.0 + 36.0);
        assert!((of(&two) - expected).abs() < 1e-9);
        assert_eq!(median_lisi(unit.view(), &two, &[], &[]), None);
    }

    #[test]
    fn near_neighbours_weigh_more() {
        let found = weights(&[0.1, 0.1, 0.5, 0.9, 0.9, 0.9]);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(found[0] > 0.4 && found[2] < found[1] && found[5] < 1e-3);
        let entropy: f64 = found
            .iter()
            .map(|weight| -weight * weight.max(1e-300).ln())
            .sum();
        assert!((entropy - 2.0_f64.ln()).abs() < 1e-2, "{entropy}");
    }
}
