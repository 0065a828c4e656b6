//! The 2-D layout of simulated embeddings of growing size, the purity of neighbourhoods beside time.

use std::time::{Duration, Instant};

use attentionae_sc::{
    graph::{JointGraph, near_graph},
    plot::umap_layout,
};
use criterion::{BenchmarkId, Criterion};
use ndarray::Array2;
use nix::sys::resource::{UsageWho, getrusage};

mod common;

const N_TYPES: usize = 8;
const N_VIEWS: usize = 4;

/// Share of cells whose nearest cell in the picture is of their own type.
fn purity(layout: &Array2<f32>, types: &[usize]) -> f64 {
    let squared = |i: usize, j: usize| {
        (layout[(i, 0)] - layout[(j, 0)]).powi(2) + (layout[(i, 1)] - layout[(j, 1)]).powi(2)
    };
    let nearest = |i: usize| {
        let others = (0..types.len()).filter(|&j| j != i);
        others.min_by(|&a, &b| squared(i, a).total_cmp(&squared(i, b)))
    };
    let pure = (0..types.len()).filter(|&i| nearest(i).is_some_and(|j| types[j] == types[i]));
    pure.count() as f64 / types.len() as f64
}

/// What this process has taken of all cores: what counts where others use them too.
fn processor_seconds() -> f64 {
    let used = getrusage(UsageWho::RUSAGE_SELF).expect("the use of resources");
    [used.user_time(), used.system_time()]
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
        .iter()
        .sum()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layout");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for n in [1000, 4000, 16_000] {
        let (z, types) = common::blobs(n, N_TYPES);
        let graph = near_graph(&z.view(), 1).expect("finite");
        let layout = umap_layout(z.view(), &graph, 1).expect("finite");
        println!("{n}: purity {:.4}", purity(&layout, &types));
        group.bench_function(BenchmarkId::new("umap", n), |bencher| {
            bencher.iter(|| umap_layout(z.view(), &graph, 1));
        });
    }
    group.finish();
    // Once each: as many cells as are laid out whole, and a million that are placed among landmarks.
    for n in [100_000, 1_000_000] {
        let (z, _) = common::blobs(n, N_TYPES);
        // Four views, as many as the graph of a run has.
        let mut joint = JointGraph::default();
        for view in 0..N_VIEWS {
            let mut seen = z.clone();
            seen.column_mut(view).fill(0.0);
            joint.add(&seen.view(), 1).expect("finite");
        }
        let graph = joint.balanced(&vec![1000.0; n]);
        let (started, before) = (Instant::now(), processor_seconds());
        let layout = umap_layout(z.view(), &graph, 1).expect("finite");
        println!(
            "{n} cells in {} places: {:.1} s, {:.1} s of processor time",
            layout.nrows(),
            started.elapsed().as_secs_f64(),
            processor_seconds() - before
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
