//! Simulated counts of any size, written as `.h5ad` a thousand cells at a time.

use std::path::Path;

use hdf5::{Dataset, File, Group, H5Type, types::VarLenUnicode};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, weighted::WeightedAliasIndex};
use rayon::prelude::*;

/// Kinds of cells.
const N_TYPES: usize = 8;

/// A gene is a marker of one type in this many.
const MARKER_EVERY: usize = 40;

/// How much more a type has of its markers.
const MARKER_FOLD: f64 = 8.0;

/// Cells drawn and written at a time.
const BLOCK: usize = 1024;

/// Values of an HDF5 chunk.
const CHUNK: usize = 1 << 16;

/// anndata's level of gzip.
const GZIP_LEVEL: u8 = 4;

/// Genes of one cell with their counts, ascending.
type Cell = Vec<(i32, f32)>;

/// Writes `n_cells` × `n_genes` counts as CSR with gzip, with the types as `obs['celltype']`; the share of them that
/// is not 0.
///
/// Each cell draws molecules from its type's distribution over genes: log-normal, markers of the type raised. There
/// are so many of them that about `density` of the entries are not 0.
pub fn write(path: &Path, n_cells: usize, n_genes: usize, density: f64) -> f64 {
    let file = File::create(path).expect("the file can be made");
    encode(&file, "anndata", "0.1.0");
    let matrix = file.create_group("X").expect("a group");
    encode(&matrix, "csr_matrix", "0.1.0");
    let shape = [n_cells as i64, n_genes as i64];
    let shape = matrix.new_attr_builder().with_data(&shape).create("shape");
    shape.expect("an attribute");
    let data = growing::<f32>(&matrix, "data");
    let indices = growing::<i32>(&matrix, "indices");
    let types = types(n_genes);
    let depth = density * n_genes as f64 * 1.15;
    let mut offsets = vec![0_i64];
    for first in (0..n_cells).step_by(BLOCK) {
        let cells: Vec<Cell> = (first..(first + BLOCK).min(n_cells))
            .into_par_iter()
            .map(|cell| draw(cell, &types[cell % N_TYPES], depth))
            .collect();
        for cell in &cells {
            offsets.push(offsets[offsets.len() - 1] + cell.len() as i64);
        }
        let flat = || cells.iter().flatten();
        append(&data, &flat().map(|&(_, count)| count).collect::<Vec<_>>());
        append(&indices, &flat().map(|&(gene, _)| gene).collect::<Vec<_>>());
    }
    let indptr = matrix.new_dataset_builder().with_data(&offsets);
    indptr.create("indptr").expect("a dataset");
    let celltype: Vec<i32> = (0..n_cells).map(|cell| (cell % N_TYPES) as i32).collect();
    table(&file, "obs", "cell", n_cells, &[("celltype", &celltype)]);
    table(&file, "var", "gene", n_genes, &[]);
    offsets[n_cells] as f64 / (n_cells * n_genes) as f64
}

/// Every type's distribution of molecules over genes.
fn types(n_genes: usize) -> Vec<WeightedAliasIndex<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let level = LogNormal::new(0.0, 1.0).expect("a distribution");
    let base: Vec<f64> = (0..n_genes).map(|_| level.sample(&mut rng)).collect();
    (0..N_TYPES)
        .map(|of_type| {
            let weight = |(gene, &level): (usize, &f64)| {
                let marker = gene % MARKER_EVERY == of_type;
                if marker { MARKER_FOLD * level } else { level }
            };
            let weights = base.iter().enumerate().map(weight).collect();
            WeightedAliasIndex::new(weights).expect("weights above 0")
        })
        .collect()
}

fn draw(cell: usize, genes: &WeightedAliasIndex<f64>, depth: f64) -> Cell {
    let mut rng = ChaCha8Rng::seed_from_u64(cell as u64);
    let spread = LogNormal::new(-0.02, 0.2).expect("a distribution");
    let n_molecules = (depth * spread.sample(&mut rng)).max(1.0) as usize;
    let mut molecules: Vec<i32> = (0..n_molecules)
        .map(|_| genes.sample(&mut rng) as i32)
        .collect();
    molecules.sort_unstable();
    molecules
        .chunk_by(|a, b| a == b)
        .map(|same| (same[0], same.len() as f32))
        .collect()
}

/// An empty dataset that grows.
fn growing<T: H5Type>(group: &Group, name: &str) -> Dataset {
    let dataset = group.new_dataset::<T>().shape(0..).chunk(CHUNK);
    dataset.deflate(GZIP_LEVEL).create(name).expect("a dataset")
}

fn append<T: H5Type>(dataset: &Dataset, values: &[T]) {
    let start = dataset.size();
    dataset.resize(start + values.len()).expect("it grows");
    dataset
        .write_slice(values, start..start + values.len())
        .expect("values are written");
}

fn table(file: &File, key: &str, prefix: &str, n_rows: usize, columns: &[(&str, &[i32])]) {
    let group = file.create_group(key).expect("a group");
    encode(&group, "dataframe", "0.2.0");
    attribute(&group, "_index", "_index");
    let names: Vec<VarLenUnicode> = columns.iter().map(|(name, _)| text(name)).collect();
    let order = group.new_attr::<VarLenUnicode>().shape(names.len());
    let order = order.create("column-order").expect("an attribute");
    if !names.is_empty() {
        order.write_raw(&names).expect("names are written");
    }
    let index: Vec<VarLenUnicode> = (0..n_rows)
        .map(|row| text(&format!("{prefix}{row}")))
        .collect();
    let dataset = group
        .new_dataset_builder()
        .with_data(&index)
        .create("_index");
    encode(&dataset.expect("a dataset"), "string-array", "0.2.0");
    for (name, values) in columns {
        let dataset = group.new_dataset_builder().with_data(*values).create(*name);
        encode(&dataset.expect("a dataset"), "array", "0.2.0");
    }
}

fn encode(place: &hdf5::Location, kind: &str, version: &str) {
    attribute(place, "encoding-type", kind);
    attribute(place, "encoding-version", version);
}

fn attribute(place: &hdf5::Location, name: &str, value: &str) {
    let made = place.new_attr::<VarLenUnicode>().create(name);
    let made = made.expect("an attribute");
    made.write_scalar(&text(value)).expect("a text is written");
}

fn text(value: &str) -> VarLenUnicode {
    value.parse().expect("no NUL")
}
