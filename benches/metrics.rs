//! Scores of a partition of simulated embeddings of growing size, their values beside time.

use std::time::Duration;

use attentionae_sc::metrics::{
    adjusted_rand_index, davies_bouldin, normalized_mutual_info, silhouette,
};
use criterion::{BenchmarkId, Criterion};

mod common;

const N_TYPES: usize = 8;

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(5));
    for n in [1000, 4000, 16_000] {
        let (z, types) = common::blobs(n, N_TYPES);
        // every tenth cell with a neighbouring type
        let found: Vec<usize> = types
            .iter()
            .enumerate()
            .map(|(cell, &of_type)| (of_type + usize::from(cell % 10 == 0)) % N_TYPES)
            .collect();
        println!(
            "{n}: ARI {:.4}, NMI {:.4}, ASW {:.4}, DB {:.4}",
            adjusted_rand_index(&types, &found),
            normalized_mutual_info(&types, &found),
            silhouette(z.view(), &found).expect("defined"),
            davies_bouldin(z.view(), &found).expect("defined"),
        );
        group.bench_function(BenchmarkId::new("ari", n), |bencher| {
            bencher.iter(|| adjusted_rand_index(&types, &found));
        });
        group.bench_function(BenchmarkId::new("nmi", n), |bencher| {
            bencher.iter(|| normalized_mutual_info(&types, &found));
        });
        group.bench_function(BenchmarkId::new("silhouette", n), |bencher| {
            bencher.iter(|| silhouette(z.view(), &found));
        });
        group.bench_function(BenchmarkId::new("davies_bouldin", n), |bencher| {
            bencher.iter(|| davies_bouldin(z.view(), &found));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
