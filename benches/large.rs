//! Whole runs on simulated cells by 20,000 genes, 5 % of the counts not 0: seconds and peak memory of every stage.
//!
//! `cargo bench --bench large -- 20000 200000 [OPTION VALUE]...`: numbers of cells, then options of the program.
//! `cargo bench --bench large -- --write N FILE`: only the file.
//! The files are written below the system's folder for temporary files, 3 GB for a million cells.

use std::{path::Path, time::Instant};

mod common;

use common::{
    program::{STAGES, run, seconds},
    simulated_file,
};

const N_GENES: usize = 20_000;
const DENSITY: f64 = 0.05;
const SIZES: [usize; 2] = [20_000, 200_000];

fn main() {
    let typed: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if let [flag, n_cells, file] = &typed[..]
        && flag == "--write"
    {
        let n_cells = n_cells.parse().expect("a number of cells");
        let density = simulated_file::write(Path::new(file), n_cells, N_GENES, DENSITY);
        return println!("{file}: {n_cells} cells, {:.1} % not 0", 100.0 * density);
    }
    let n_sizes = typed
        .iter()
        .take_while(|a| a.parse::<usize>().is_ok())
        .count();
    let mut sizes: Vec<usize> = typed[..n_sizes].iter().flat_map(|a| a.parse()).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let options: Vec<&str> = typed[n_sizes..].iter().map(String::as_str).collect();
    println!(
        "| cells | non-zero | {} | total s | peak MB | ARI |",
        STAGES.join(" | ")
    );
    println!("|{}", " --- |".repeat(STAGES.len() + 5));
    let folder = tempfile::tempdir().expect("a folder");
    for n_cells in sizes {
        let path = folder.path().join("simulated.h5ad");
        let started = Instant::now();
        let density = simulated_file::write(&path, n_cells, N_GENES, DENSITY);
        let size = std::fs::metadata(&path).map_or(0, |file| file.len()) >> 20;
        eprintln!(
            "{n_cells} cells: {size} MiB written in {:.0} s",
            started.elapsed().as_secs_f64()
        );
        let results = run(&path, &options);
        let stages = STAGES.map(|stage| format!("{:.1}", seconds(&results, stage)));
        println!(
            "| {n_cells} | {:.1} % | {} | {:.1} | {:.0} | {:.3} |",
            100.0 * density,
            stages.join(" | "),
            results["seconds"].as_f64().expect("seconds"),
            results["peak_rss_mb"].as_f64().expect("memory"),
            results["scores"]["ari"].as_f64().unwrap_or(f64::NAN),
        );
    }
}
