//! Time of preparing raw counts, from simulated cells and on growing numbers of them.

#![allow(missing_docs, reason = "criterion writes undocumented functions")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use attentionae_sc::preprocess::{Prepared, pca, prepare};
use common::{golden, simulate};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn prepared(counts: &attentionae_sc::counts::Csr) -> Prepared {
    prepare(counts, 2500).expect("simulated cells can be prepared")
}

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("preprocess");
    group.sample_size(10);
    for (name, counts) in [
        ("golden 240 x 500".to_string(), golden::small_counts()),
        (
            "1000 x 4000".to_string(),
            simulate::counts(1000, 4000, 0.3, 1),
        ),
        (
            "3000 x 4000".to_string(),
            simulate::counts(3000, 4000, 0.3, 1),
        ),
    ] {
        group.throughput(Throughput::Elements(counts.nnz() as u64));
        group.bench_with_input(BenchmarkId::new("prepare", &name), &counts, |b, counts| {
            b.iter(|| prepared(black_box(counts)));
        });
        let prepared = prepared(&counts);
        let cells: Vec<usize> = (0..prepared.n_cells()).collect();
        group.bench_function(BenchmarkId::new("z-scores", &name), |b| {
            b.iter(|| black_box(&prepared).zscores(&cells));
        });
        group.bench_function(BenchmarkId::new("50 components", &name), |b| {
            b.iter(|| pca(black_box(&prepared), 50));
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
