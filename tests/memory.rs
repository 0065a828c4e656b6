//! The exit code of a run that finds no memory, and how little a graph of very many cells takes.

use std::{os::unix::process::CommandExt, path::Path, process::Command, time::Duration};

use attentionae_sc::{
    graph::JointGraph,
    memory::{peak_rss_mb, rss_mb},
};
use ndarray::{Array2, s};
use nix::sys::resource::{Resource, setrlimit};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

mod common;

use common::{process, skip::skip};

/// What the kernel's own killing of a process for memory looks like to a shell.
const OUT_OF_MEMORY: i32 = 137;
const LIMIT: Duration = Duration::from_secs(120);

/// A run of the data set in the repository whose writable memory is limited.
fn run_within_mb(mb: u64, options: &[&str]) -> process::Ended {
    let output = tempfile::tempdir().expect("a folder");
    let mut run = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    run.args([
        "-name",
        "Data/AnnData/zeisel.h5ad",
        "-threads",
        "2",
        "-training_epoch",
        "1",
    ]);
    run.arg("-output_dir").arg(output.path()).args(options);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        run.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_DATA, mb << 20, mb << 20)?));
    }
    let ended = process::run_within(&mut run, LIMIT);
    assert!(
        !Path::new(output.path())
            .join("pred_label/zeisel.csv")
            .exists(),
        "{ended:?}"
    );
    ended
}

#[test]
fn a_lack_of_memory_has_an_exit_code_of_its_own() {
    // In the decomposition, and where cells are embedded. From 400 MB on some runs find enough.
    for mb in [280, 350, 380] {
        let ended = run_within_mb(mb, &[]);
        assert!(!ended.timed_out, "{mb} MB: {ended:?}");
        assert_eq!(
            ended.status.code(),
            Some(OUT_OF_MEMORY),
            "{mb} MB: {ended:?}"
        );
        assert!(
            ended.stderr.contains("error: the run finds no memory"),
            "{mb} MB: {ended:?}"
        );
        assert!(ended.stderr.contains("-max_num_cell"), "{mb} MB: {ended:?}");
    }
}

/// Features with a little noise, as a view shows them.
fn with_noise(features: &Array2<f32>, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    features.mapv(|value| value + rng.random_range(-0.05_f32..0.05))
}

#[test]
fn the_joint_graph_of_very_many_cells_takes_little_beside_the_views() {
    const N_CELLS: usize = 120_000;
    const MOST_BYTES_PER_CELL: f64 = 1000.0;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let groups = Array2::from_shape_fn((20, 50), |_| rng.random_range(-1.0_f32..1.0));
    let cells = Array2::from_shape_fn((N_CELLS, 50), |(cell, feature)| {
        groups[[cell % 20, feature]] + rng.random_range(-0.3_f32..0.3)
    });
    let views: Vec<Array2<f32>> = (2..5).map(|seed| with_noise(&cells, seed)).collect();
    let shared = cells.slice(s![.., ..32]).to_owned();
    let (Some(before), Some(peak_before)) = (rss_mb(), peak_rss_mb()) else {
        return skip("the system does not tell how much memory a process takes");
    };
    let joint = JointGraph::of_views(views, shared, 1).expect("a graph");
    let peak = peak_rss_mb()
        .expect("the system told before")
        .max(peak_before);
    let n_edges = joint.weights().nnz() / N_CELLS;
    let taken = (peak - before) * f64::from(1 << 20) / N_CELLS as f64;
    assert!(n_edges > 14, "{n_edges}");
    assert!(taken < MOST_BYTES_PER_CELL, "{taken:.0} bytes per cell");
}
