//! Shares of cells in soft clusters, from their cosines to the centres.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;

/// σ: how soft the clusters are.
pub(super) const SOFTNESS: f64 = 0.1;

/// Cells whose cosines are computed at a time.
pub(super) const BLOCK: usize = 2048;

/// Turns cosines to the clusters into shares that add up to 1: exp(−2 (1 − cosine) / σ) · penalty.
pub(super) fn share_out(cosines: &mut [f64], penalty: impl Fn(usize) -> f64) {
    let largest = cosines.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (cluster, value) in cosines.iter_mut().enumerate() {
        *value = (2.0 * (*value - largest) / SOFTNESS).exp() * penalty(cluster);
        sum += *value;
    }
    if sum > 0.0 {
        for value in cosines {
            *value /= sum;
        }
    }
}

/// Takes a share of an offset off a cell.
pub(super) fn take_off(row: &mut [f32], share: f64, offset: &[f64]) {
    // Shares this small move a cell by less than rounding does.
    if share > 1e-6 {
        for (value, offset) in row.iter_mut().zip(offset) {
            *value -= (share * offset) as f32;
        }
    }
}

/// Cosines of cells to centres, both of length 1: n × k.
pub(super) fn cosines(unit: &Array2<f32>, centers: &Array2<f32>) -> Array2<f64> {
    let (n_cells, width) = unit.dim();
    let k = centers.nrows();
    let blocks: Vec<Range<usize>> = (0..n_cells)
        .step_by(BLOCK)
        .map(|start| start..(start + BLOCK).min(n_cells))
        .collect();
    let mut cosines = Array2::zeros((n_cells, k));
    cosines
        .axis_chunks_iter_mut(Axis(0), BLOCK)
        .into_par_iter()
        .zip(blocks)
        .for_each(|(mut out, rows)| {
            let from = unit.slice(s![rows.clone(), ..]);
            let mut product = vec![0.0_f32; rows.len() * k];
            matmul(
                MatMut::from_row_major_slice_mut(&mut product, rows.len(), k),
                Accum::Replace,
                MatRef::from_row_major_slice(
                    from.as_slice().unwrap_or_default(),
                    rows.len(),
                    width,
                ),
                MatRef::from_row_major_slice(centers.as_slice().unwrap_or_default(), k, width)
                    .transpose(),
                1.0,
                Par::Seq,
            );
            out.iter_mut()
                .zip(product)
                .for_each(|(to, from)| *to = f64::from(from));
        });
    cosines
}
