//! Whole runs on simulated cells by 20,000 genes, 5 % of the counts not 0: seconds of every stage, peak memory, and how well
//! the types are found: 30 of them, the rarest of which has 0.02 % of the cells, if not said otherwise.
//!
//! `cargo bench --bench large -- [--types N] [--rarest SHARE] 20000 200000 [OPTION VALUE]...`: numbers of cells, then options
//! of the program.
//! `cargo bench --bench large -- [--types N] [--rarest SHARE] --write N FILE`: only the file; with `--write-plain` one that is not
//! compressed, which takes more room and a small part of the time.
//! The files are written below the system's folder for temporary files, 3 GB for a million cells.

use std::{path::Path, time::Instant};

mod common;

use common::{
    program::{Outcome, run},
    simulated_file::{self, GZIP_LEVEL, Types},
};

const N_GENES: usize = 20_000;
const DENSITY: f64 = 0.05;
const SIZES: [usize; 2] = [20_000, 200_000];

fn main() {
    let mut typed: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let types = types(&mut typed);
    if let [flag, n_cells, file] = &typed[..]
        && (flag == "--write" || flag == "--write-plain")
    {
        let n_cells = n_cells.parse().expect("a number of cells");
        let gzip = (flag == "--write").then_some(GZIP_LEVEL);
        let file = Path::new(file);
        let density = simulated_file::write(file, n_cells, N_GENES, DENSITY, types, gzip);
        let file = file.display();
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
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("simulated.h5ad");
    for (place, n_cells) in sizes.into_iter().enumerate() {
        let started = Instant::now();
        let gzip = Some(GZIP_LEVEL);
        let density = simulated_file::write(&path, n_cells, N_GENES, DENSITY, types, gzip);
        let size = std::fs::metadata(&path).map_or(0, |file| file.len()) >> 20;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{n_cells} cells: {size} MiB written in {seconds:.0} s");
        let outcome = run(&path, &options);
        if place == 0 {
            print_head(&outcome);
        }
        print_row(n_cells, density, types, &outcome);
    }
}

/// The types of cells that are asked for at the beginning of what was typed, which is taken off it.
fn types(typed: &mut Vec<String>) -> Types {
    let mut types = Types::default();
    while let [flag, value, ..] = &typed[..] {
        match flag.as_str() {
            "--types" => types.number = value.parse().expect("a number of types"),
            "--rarest" => types.rarest = value.parse().expect("a share of the cells"),
            _ => break,
        }
        typed.drain(..2);
    }
    types
}

fn print_head(outcome: &Outcome) {
    let stages = outcome.stages();
    let names: Vec<&str> = stages.iter().map(|(stage, _)| *stage).collect();
    println!(
        "| cells | non-zero | {} | total s | peak MB | clusters | ARI | type F1 | F1 of the rarest |",
        names.join(" | ")
    );
    println!("|{}", " --- |".repeat(names.len() + 8));
}

fn print_row(n_cells: usize, density: f64, types: Types, outcome: &Outcome) {
    let stages = outcome.stages().into_iter();
    let seconds: Vec<String> = stages.map(|(_, seconds)| format!("{seconds:.1}")).collect();
    let types = types.of_cells(n_cells);
    let rarest = types.iter().max().copied().unwrap_or_default();
    let f1: Vec<f64> = (0..=rarest)
        .map(|of_type| outcome.best_f1(&types, of_type))
        .collect();
    let results = &outcome.results;
    println!(
        "| {n_cells} | {:.1} % | {} | {:.1} | {:.0} | {} | {:.3} | {:.3} | {:.3} |",
        100.0 * density,
        seconds.join(" | "),
        results["seconds"].as_f64().expect("seconds"),
        results["peak_rss_mb"].as_f64().expect("memory"),
        results["n_clusters"],
        results["scores"]["ari"].as_f64().unwrap_or(f64::NAN),
        f1.iter().sum::<f64>() / f1.len() as f64,
        f1[rarest],
    );
}
