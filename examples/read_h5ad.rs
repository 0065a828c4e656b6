//! Reads the counts and labels of an `.h5ad` file, a thousand cells at a time.
//!
//! `cargo run --release --example read_h5ad -- Data/AnnData/zeisel.h5ad`

use std::{collections::BTreeMap, env, error::Error};

use attentionae_sc::{counts::CountSource, h5ad::H5ad};

const CELLS: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1);
    let path = path.as_deref().unwrap_or("Data/AnnData/zeisel.h5ad");
    let file = H5ad::open(path.as_ref())?;
    println!(
        "{path}: {} cells x {} genes",
        file.n_cells(),
        file.n_genes()
    );
    println!("columns of obs: {}", file.obs_columns().join(", "));

    let counts = file.counts()?;
    let (mut sum, mut n_stored) = (0.0, 0);
    for first in (0..counts.n_cells()).step_by(CELLS) {
        let rows = counts.rows(first..(first + CELLS).min(counts.n_cells()))?;
        sum += rows
            .data()
            .iter()
            .map(|&count| f64::from(count))
            .sum::<f64>();
        n_stored += rows.nnz();
    }
    println!("{sum} counts in {n_stored} entries that are not 0");

    if file.obs_columns().iter().any(|name| name == "celltype") {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        for label in file.obs_labels("celltype")?.into_iter().flatten() {
            *sizes.entry(label).or_default() += 1;
        }
        for (label, size) in sizes {
            println!("{size:6}  {label}");
        }
    }
    Ok(())
}
