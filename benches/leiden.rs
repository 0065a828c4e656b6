//! Leiden on gaussian graphs of growing size, dense and cut to the strong edges, modularity beside time.

use std::time::Duration;

use attentionae_sc::{graph::Adjacency, partition::leiden};
use criterion::{BenchmarkId, Criterion};
use ndarray::Array2;

mod common;

const N_TYPES: usize = 8;

/// Gaussian weights of the distances between simulated cells.
fn weights(n: usize) -> Array2<f32> {
    let (z, _) = common::blobs(n, N_TYPES);
    let norms: Vec<f32> = z.outer_iter().map(|row| row.dot(&row)).collect();
    let mut weights = z.dot(&z.t());
    for ((i, j), weight) in weights.indexed_iter_mut() {
        *weight = ((2.0 * *weight - norms[i] - norms[j]) / 4.0).exp();
    }
    // The two halves of a matrix product may differ in the last digit.
    let transposed = weights.t().to_owned();
    (weights + transposed) / 2.0
}

/// The edges above a weight.
fn strong(weights: &Array2<f32>, least: f32) -> Adjacency {
    let mut triplets = sprs::TriMatI::new(weights.dim());
    for ((i, j), &w) in weights.indexed_iter().filter(|&(_, &w)| w > least) {
        triplets.add_triplet(i, j, w);
    }
    Adjacency::Sparse(triplets.to_csr())
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("leiden");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for n in [500, 1000, 2000, 4000] {
        let weights = weights(n);
        let sparse = strong(&weights, 0.01);
        for (name, graph) in [("dense", Adjacency::Dense(weights)), ("sparse", sparse)] {
            let found = leiden(&graph, 1.0, 1).expect("a good graph");
            let n_clusters = found.labels.iter().max().map_or(0, |last| last + 1);
            println!(
                "{name} {n}: modularity {:.6}, {n_clusters} clusters",
                found.modularity
            );
            group.bench_with_input(BenchmarkId::new(name, n), &graph, |bencher, graph| {
                bencher.iter(|| leiden(graph, 1.0, 1));
            });
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
