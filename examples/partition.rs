//! Clusters cells on their expression alone, without training: highly variable genes, components of three transformations,
//! the joint graph of their neighbours, and the tree of clusters.
//!
//! `cargo run --release --example partition -- Data/AnnData/zeisel.h5ad [COMPONENTS.csv [LABELS.csv]]`
//!
//! With COMPONENTS.csv (a header, then a line for each cell that has counts: its name and numbers) the graph is that of these
//! numbers, which may come from any other program. LABELS.csv is where the clusters are written.

use std::{env, error::Error, fs};

use attentionae_sc::{
    graph::JointGraph,
    metrics::{Truth, adjusted_rand_index},
    partition::{Counted, Cut, Granularity, find_types},
    preprocess::{CellComponents, prepare},
    read::{CellTypes, ReadOptions, read},
};
use ndarray::Array2;

const N_HVG: usize = 2500;
const N_SHARED: usize = 32;
const SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1);
    let path = path.as_deref().unwrap_or("Data/AnnData/zeisel.h5ad");
    let input = read(&path.into(), &ReadOptions::default(), &CellTypes::Auto)?;
    let prepared = prepare(&*input.data.counts, N_HVG)?;
    let cells: Vec<usize> = (0..prepared.n_cells()).collect();

    let mut joint = JointGraph::default();
    if let Some(path) = env::args().nth(2) {
        joint.add(&numbers(&fs::read_to_string(path)?)?.view(), SEED)?;
    } else {
        let components = CellComponents::find(&prepared, &cells, N_SHARED, SEED)?;
        for view in &components.each {
            joint.add(&view.view(), SEED)?;
        }
    }
    let mut graph = joint.balanced(&prepared.totals);
    let counted = Counted {
        counts: &prepared.counts,
        judging: prepared.judging.as_deref(),
        totals: &prepared.totals,
        batches: None,
    };
    let cut = Cut::Evidence(Granularity::Auto);
    let found = find_types(&mut graph, counted, cut, SEED)?;

    if let Some(path) = env::args().nth(3) {
        let lines: Vec<String> = found.labels.iter().map(ToString::to_string).collect();
        fs::write(path, lines.join("\n") + "\n")?;
    }
    let n_clusters = found.labels.iter().max().map_or(0, |last| last + 1);
    for cluster in 0..n_clusters {
        let size = found.labels.iter().filter(|&&of_cell| of_cell == cluster);
        println!("cluster {cluster}: {} cells", size.count());
    }
    if let Some(labels) = &input.truth {
        let truth = Truth::of_cells(labels, &prepared.cells);
        let known: (Vec<usize>, Vec<usize>) = found
            .labels
            .iter()
            .zip(&truth.codes)
            .filter_map(|(&cluster, code)| Some((cluster, (*code)?)))
            .unzip();
        println!("ARI {:.3}", adjusted_rand_index(&known.0, &known.1));
    }
    Ok(())
}

/// A table of cells × numbers, whose first line and column are names.
fn numbers(text: &str) -> Result<Array2<f32>, Box<dyn Error>> {
    let mut n_rows = 0;
    let mut values = Vec::new();
    for line in text.lines().skip(1) {
        n_rows += 1;
        for value in line.split(',').skip(1) {
            values.push(value.parse::<f32>()?);
        }
    }
    Ok(Array2::from_shape_vec(
        (n_rows, values.len() / n_rows.max(1)),
        values,
    )?)
}
