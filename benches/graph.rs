//! Time of building the cell graph, and of bridging to cells outside it, on growing numbers of cells.

#![allow(missing_docs, reason = "criterion writes undocumented functions")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use attentionae_sc::{
    graph::{CellGraph, GraphConfig, Method},
    preprocess::prepare,
};
use common::{golden, simulate};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, s};

const KERNELS: [(&str, Method, bool); 3] = [
    ("gauss dense", Method::Gauss, false),
    ("gauss knn", Method::Gauss, true),
    ("umap", Method::Umap, true),
];

/// Log-normalised HVGs of simulated cells.
fn simulated(n_cells: usize) -> Array2<f32> {
    let counts = simulate::counts(n_cells, 4000, 0.3, 1);
    let prepared = prepare(&counts, 2500).expect("simulated cells can be prepared");
    prepared.lognorm(&(0..prepared.n_cells()).collect::<Vec<_>>())
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("graph");
    group.sample_size(10);
    for features in [
        golden::array2("prepare/lognorm"),
        simulated(1000),
        simulated(3000),
    ] {
        let (n, g) = features.dim();
        let size = format!("{n} x {g}");
        group.throughput(Throughput::Elements((n * n) as u64));
        for (name, method, knn) in KERNELS {
            let config = GraphConfig::published(method, knn, 15);
            let build = || CellGraph::build(black_box(features.view()), &config);
            group.bench_function(BenchmarkId::new(name, &size), |b| b.iter(build));
            let graph = build().expect("simulated cells make a graph");
            let queries = features.slice(s![..n / 2, ..]);
            let id = BenchmarkId::new(format!("{name}, bridge"), &size);
            group.bench_function(id, |b| b.iter(|| graph.bridge(black_box(queries))));
            group.bench_function(
                BenchmarkId::new(format!("{name}, components"), &size),
                |b| {
                    b.iter(|| black_box(&graph).components());
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
