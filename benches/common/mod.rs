//! What the benchmarks share: simulated data, and runs of the program.

#![allow(
    dead_code,
    reason = "each benchmark compiles this module for itself and uses a part of it"
)]

pub mod plain;
pub mod program;
pub mod simulated_file;

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Width of the simulated embedding, that of the published preset.
const N_DIMS: usize = 16;

/// `n` cells of `n_types` types in 16 dimensions, with the type of each: spheres of uniform noise whose centres are
/// so close that neighbouring types touch.
pub fn blobs(n: usize, n_types: usize) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let centers = Array2::from_shape_simple_fn((n_types, N_DIMS), || rng.random_range(-1.0..1.0));
    let types: Vec<usize> = (0..n).map(|cell| cell % n_types).collect();
    let mut z = Array2::from_shape_simple_fn((n, N_DIMS), || rng.random_range(-1.2..1.2_f32));
    for (mut row, &of_type) in z.outer_iter_mut().zip(&types) {
        row += &centers.row(of_type);
    }
    (z, types)
}
