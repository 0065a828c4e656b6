//! What the cells of a batch have in common in a cluster, beyond the cluster.

use ndarray::Array2;

/// λ: how many cells' worth of evidence a batch's own mean needs.
const RIDGE: f64 = 1.0;

/// What each batch's mean differs by from the cluster's own, from sums and sizes by batch.
///
/// The ridge regression of the cells on intercept and batch, λ on the batches alone:
/// β_b = (Σx_b − n_b μ) / (n_b + λ), μ = Σ_b Σx_b / (n_b + λ) over Σ_b n_b / (n_b + λ).
pub(super) fn offsets(sums: &[Vec<f64>], sizes: &[f64]) -> Vec<Vec<f64>> {
    let width = sums.first().map_or(0, Vec::len);
    let weight: f64 = sizes.iter().map(|size| size / (size + RIDGE)).sum();
    let mean: Vec<f64> = (0..width)
        .map(|column| {
            let parts = sums.iter().zip(sizes);
            let sum: f64 = parts.map(|(sum, size)| sum[column] / (size + RIDGE)).sum();
            if weight > 0.0 { sum / weight } else { 0.0 }
        })
        .collect();
    sums.iter()
        .zip(sizes)
        .map(|(sum, size)| {
            let own = sum.iter().zip(&mean);
            own.map(|(sum, mean)| (sum - size * mean) / (size + RIDGE))
                .collect()
        })
        .collect()
}

/// Offsets of each batch as k × components, from those by cluster and batch.
pub(super) fn by_batch(offsets: &[Vec<Vec<f64>>]) -> Vec<Array2<f32>> {
    let n_batches = offsets.first().map_or(0, Vec::len);
    let of_batch = |batch: usize| {
        let width = offsets[0][batch].len();
        Array2::from_shape_fn((offsets.len(), width), |(cluster, column)| {
            offsets[cluster][batch][column] as f32
        })
    };
    (0..n_batches).map(of_batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_by_hand() {
        // Means 2 and 6 of three cells each: μ = 4, and ±2 · 3 / (3 + 1) is left after the ridge.
        let found = offsets(&[vec![6.0], vec![18.0]], &[3.0, 3.0]);
        assert!((found[0][0] + 1.5).abs() < 1e-12 && (found[1][0] - 1.5).abs() < 1e-12);
    }
}
