//! The engine in one table: exact training, mini-batches, and the plain formulation, on growing numbers of real
//! cells (of Data/AnnData/zeisel.h5ad), stage by stage, with the ARI that the time buys.
//!
//! The plain formulation takes a few epochs; what as many as those of the exact pretraining would take follows from them.
//! Every row is a process of its own, so that its peak memory is its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use attentionae_sc::{
    counts::CountSource,
    h5ad::{Column, H5ad, NewH5ad, write_h5ad},
    memory::peak_rss_mb,
    preprocess::{prepare, sample_cells},
    seed::Stream,
};

mod common;

use common::{plain::Plain, program::run};

/// Numbers of cells.
const SIZES: [usize; 3] = [1000, 2000, 3005];
/// Highly variable genes, the program's default.
const N_HVG: f64 = 2500.0;
/// Epochs that the plain formulation is timed for, after one that is not.
const PLAIN_EPOCHS: usize = 4;
/// Most epochs of the program's pretraining.
const PRETRAINING: usize = 200;
/// How the program is run.
const MODES: [(&str, &[&str]); 2] = [
    ("exact", &["-preset", "published"]),
    (
        "mini-batch",
        &[
            "-preset",
            "published",
            "-batch_size",
            "512",
            "-training_epoch",
            "500",
        ],
    ),
];

/// The published preset's stages before scores and outputs.
const STAGES: [&str; 7] = [
    "read",
    "preprocess",
    "graph",
    "pretrain",
    "partition",
    "cluster",
    "embed",
];

fn main() {
    let typed: Vec<String> = std::env::args().collect();
    if let Some(place) = typed.iter().position(|a| a == "--plain") {
        return time_plain(Path::new(&typed[place + 1]));
    }
    let rate = matrix_rate();
    let mut shares = Vec::new();
    let folder = tempfile::tempdir().expect("a folder");
    println!(
        "| cells | training | {} | total s | peak MB | ARI |",
        STAGES.join(" | ")
    );
    println!("|{}", " --- |".repeat(STAGES.len() + 5));
    for n_cells in SIZES {
        let input = some_of_zeisel(folder.path(), n_cells);
        let mut epochs = PRETRAINING;
        for (mode, options) in MODES {
            let outcome = run(&input, &[&["-resolution", "0.3"], options].concat());
            let results = &outcome.results;
            if mode == "exact" {
                epochs = outcome.epochs("Pretraining", PRETRAINING);
                let per_epoch = outcome.seconds("pretrain") / epochs as f64;
                shares.push(share_of_rate(n_cells, per_epoch, rate));
            }
            let stages = STAGES.map(|stage| format!("{:.1}", outcome.seconds(stage)));
            let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
            println!(
                "| {n_cells} | {mode} | {} | {:.1} | {:.0} | {:.3} |",
                stages.join(" | "),
                number(&results["seconds"]),
                number(&results["peak_rss_mb"]),
                number(&results["scores"]["ari"]),
            );
        }
        plain_row(&input, n_cells, epochs);
    }
    println!("\nMatrix products of 2048 x 2048 run at {rate:.0} GFLOP/s here.");
    for share in shares {
        println!("{share}");
    }
}

/// GFLOP/s of libtorch's matrix product, the median of nine.
fn matrix_rate() -> f64 {
    let n = 2048_i64;
    let [a, b] = std::array::from_fn(|_| tch::Tensor::randn([n, n], tch::kind::FLOAT_CPU));
    let mut rates: Vec<f64> = (0..9)
        .map(|_| {
            let started = Instant::now();
            let _ = std::hint::black_box(a.matmul(&b));
            (2 * n * n * n) as f64 / started.elapsed().as_secs_f64() / 1e9
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Floating-point operations of the matrix products of an exact epoch, forward and backward.
fn operations(n_cells: usize) -> f64 {
    let (n, g, d, heads) = (n_cells as f64, N_HVG, 16.0, 8.0);
    let (wide, narrow) = (256.0, 64.0);
    let product = |rows: f64, inner: f64, columns: f64| 2.0 * rows * inner * columns;
    let of_genes = (3.0 * 3.0 + 2.0) * product(n, wide, g);
    let attention = 7.0 * product(n, heads * (narrow + d), n);
    let projections = 3.0 * 4.0 * product(n, heads, narrow * narrow + d * d);
    let graph = 4.0 * product(n, n, narrow + d) + 3.0 * product(n, d, n);
    let layers = 3.0 * product(n, narrow, 3.0 * wide + 3.0 * d);
    of_genes + attention + projections + graph + layers
}

fn share_of_rate(n_cells: usize, per_epoch: f64, rate: f64) -> String {
    let operations = operations(n_cells) / 1e9;
    let reached = operations / per_epoch;
    format!(
        "An exact epoch of {n_cells} cells is {operations:.0} GFLOP in {per_epoch:.2} s: {reached:.0} GFLOP/s, \
         {:.0} % of that rate.",
        100.0 * reached / rate
    )
}

/// A file of this many cells.
fn some_of_zeisel(folder: &Path, n_cells: usize) -> PathBuf {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("Data/AnnData/zeisel.h5ad");
    let file = H5ad::open(&whole).expect("the data set opens");
    let counts = file.counts().expect("counts");
    let all = counts.rows(0..counts.n_cells()).expect("counts");
    let cells = sample_cells(counts.n_cells(), n_cells, 1, Stream::Training);
    let labels = file.obs_labels("celltype").expect("labels");
    let names = file.obs_names().expect("names");
    let rows: Vec<_> = cells
        .iter()
        .map(|&cell| all.slice_outer(cell..cell + 1))
        .collect();
    let views: Vec<_> = rows.iter().map(sprs::CsMatBase::view).collect();
    let path = folder.join(format!("zeisel_{n_cells}.h5ad"));
    let counts_of_some = sprs::vstack(&views);
    let some = NewH5ad {
        counts: &counts_of_some,
        obs_names: cells.iter().map(|&cell| names[cell].clone()).collect(),
        var_names: (0..counts.n_genes())
            .map(|gene| format!("gene{gene}"))
            .collect(),
        obs: vec![(
            "celltype".to_owned(),
            Column::Categorical(cells.iter().map(|&cell| labels[cell].clone()).collect()),
        )],
        var: Vec::new(),
        uns: Vec::new(),
    };
    write_h5ad(&path, &some).expect("a file");
    path
}

/// Times the plain formulation in a process of its own, for as many epochs as the exact training took.
fn plain_row(input: &Path, n_cells: usize, epochs: usize) {
    let program = std::env::current_exe().expect("this benchmark");
    let timed = Command::new(program).arg("--plain").arg(input).output();
    let timed = timed.expect("it starts again");
    let said = String::from_utf8_lossy(&timed.stdout).into_owned();
    let numbers: Vec<f64> = said.split_whitespace().flat_map(str::parse).collect();
    let [per_epoch, peak] = numbers[..] else {
        panic!("{said}{}", String::from_utf8_lossy(&timed.stderr));
    };
    println!(
        "| {n_cells} | plain formulation | | | | {:.1} | | | | | {peak:.0} | |",
        epochs as f64 * per_epoch
    );
}

/// Prints seconds per epoch and peak memory.
fn time_plain(input: &Path) {
    let counts = H5ad::open(input)
        .and_then(|file| file.counts())
        .expect("counts");
    let prepared = prepare(&counts, 2500).expect("cells that can be prepared");
    let mut plain = Plain::new(&prepared);
    plain.epoch();
    let started = Instant::now();
    for _ in 0..PLAIN_EPOCHS {
        plain.epoch();
    }
    let per_epoch = started.elapsed().as_secs_f64() / PLAIN_EPOCHS as f64;
    println!("{per_epoch} {}", peak_rss_mb().unwrap_or(f64::NAN));
}
