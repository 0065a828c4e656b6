//! Simulated counts of any size, for benchmarks.

use attentionae_sc::counts::Csr;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Poisson};

/// Kinds of cells that differ in a tenth of the genes.
const N_TYPES: usize = 8;

/// Counts of `n_cells` × `n_genes` with a share of about `density` that is not 0.
pub fn counts(n_cells: usize, n_genes: usize, density: f64, seed: u64) -> Csr {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Rates are exponential about a mean m, so that a count is not 0 with probability m / (1 + m).
    let mean = density / (1.0 - density);
    let level = |rng: &mut ChaCha8Rng| mean * rng.sample::<f64, _>(Exp1);
    let base: Vec<f64> = (0..n_genes).map(|_| level(&mut rng)).collect();
    let (mut offsets, mut genes, mut values) = (vec![0], Vec::new(), Vec::new());
    for cell in 0..n_cells {
        for (gene, &rate) in base.iter().enumerate() {
            let marker = (gene * 31 + cell % N_TYPES).is_multiple_of(10);
            let rate = if marker { 5.0 * rate } else { rate };
            let count = Poisson::new(rate.max(1e-9)).map_or(0.0, |counts| counts.sample(&mut rng));
            if count > 0.0 {
                genes.push(gene as u32);
                values.push(count as f32);
            }
        }
        offsets.push(genes.len());
    }
    Csr::new((n_cells, n_genes), offsets, genes, values)
}
