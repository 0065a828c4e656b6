//! Simulated counts of any size, written as `.h5ad` a thousand cells at a time.

use std::path::Path;

use hdf5::{Dataset, File, Group, H5Type, types::VarLenUnicode};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, weighted::WeightedAliasIndex};
use rayon::prelude::*;

/// Lineages that types come in.
const N_LINEAGES: usize = 6;

/// The types of cells. Each is larger than the next by the same factor.
#[derive(Debug, Clone, Copy)]
pub struct Types {
    /// How many there are, at least 2.
    pub number: usize,
    /// Share of the rarest in all cells.
    pub rarest: f64,
}

impl Default for Types {
    fn default() -> Self {
        Self {
            number: 30,
            rarest: 0.0002,
        }
    }
}

/// A gene is raised in a lineage with this probability, and in a type; the types of a lineage share every other one with the
/// type after them.
const LINEAGE_GENES: f64 = 0.005;
const TYPE_GENES: f64 = 0.003;

/// Median of how much a gene is raised.
const FOLD: f64 = 16.0;

/// Batches, and the standard deviation of a gene's ln fold change between them.
const N_BATCHES: usize = 8;
const BATCH_EFFECT: f64 = 0.15;

/// Standard deviation of ln depth.
const DEPTH_SPREAD: f64 = 0.4;

/// Cells drawn and written at a time.
const BLOCK: usize = 1024;

/// Values of an HDF5 chunk.
const CHUNK: usize = 1 << 16;

/// anndata's level of gzip.
pub const GZIP_LEVEL: u8 = 4;

/// Genes of one cell with their counts, ascending.
type Cell = Vec<(i32, f32)>;

/// Writes `n_cells` × `n_genes` counts as CSR, with gzip of a level or without, with the types as `obs['celltype']` and the batches as
/// `obs['batch']`; the share of counts that is not 0.
///
/// Each cell draws molecules from its type's distribution over genes in its batch: log-normal levels, raised where the
/// lineage or the type has a marker. There are so many of them that about `density` of the entries are not 0.
pub fn write(
    path: &Path,
    n_cells: usize,
    n_genes: usize,
    density: f64,
    types: Types,
    gzip: Option<u8>,
) -> f64 {
    let file = File::create(path).expect("the file can be made");
    encode(&file, "anndata", "0.1.0");
    let matrix = file.create_group("X").expect("a group");
    encode(&matrix, "csr_matrix", "0.1.0");
    let shape = [n_cells as i64, n_genes as i64];
    let shape = matrix.new_attr_builder().with_data(&shape).create("shape");
    shape.expect("an attribute");
    let data = growing::<f32>(&matrix, "data", gzip);
    let indices = growing::<i32>(&matrix, "indices", gzip);
    let genes = distributions(n_genes, types.number);
    let types = types.of_cells(n_cells);
    let depth = density * n_genes as f64 * 1.15;
    let mut offsets = vec![0_i64];
    for first in (0..n_cells).step_by(BLOCK) {
        let cells: Vec<Cell> = (first..(first + BLOCK).min(n_cells))
            .into_par_iter()
            .map(|cell| draw(cell, &genes[types[cell]][cell % N_BATCHES], depth))
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
    let celltype: Vec<i32> = types.iter().map(|&of_cell| of_cell as i32).collect();
    let batch: Vec<i32> = (0..n_cells).map(|cell| (cell % N_BATCHES) as i32).collect();
    let columns = [("celltype", &celltype[..]), ("batch", &batch)];
    table(&file, "obs", "cell", n_cells, &columns);
    table(&file, "var", "gene", n_genes, &[]);
    offsets[n_cells] as f64 / (n_cells * n_genes) as f64
}

impl Types {
    /// The type of every cell; type 0 is the largest, the last one the rarest.
    pub fn of_cells(self, n_cells: usize) -> Vec<usize> {
        let mut types: Vec<usize> = Vec::with_capacity(n_cells);
        for (of_type, share) in self.shares().iter().enumerate().rev() {
            let size = (share * n_cells as f64).round() as usize;
            types.extend(std::iter::repeat_n(of_type, size));
        }
        types.resize(n_cells, 0);
        types.shuffle(&mut ChaCha8Rng::seed_from_u64(2));
        types
    }

    /// Share of every type in all cells: a geometric series that ends with the rarest.
    fn shares(self) -> Vec<f64> {
        let series =
            |ratio: f64| (0..self.number).map(move |step| self.rarest * ratio.powi(step as i32));
        let (mut low, mut high) = (1.0, 4.0);
        for _ in 0..60 {
            let ratio = f64::midpoint(low, high);
            if series(ratio).sum::<f64>() > 1.0 {
                high = ratio;
            } else {
                low = ratio;
            }
        }
        let mut shares: Vec<f64> = series(low).collect();
        shares.reverse();
        shares
    }
}

/// Every type's distribution of molecules over genes, in every batch.
fn distributions(n_genes: usize, n_types: usize) -> Vec<Vec<WeightedAliasIndex<f64>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut levels = |sigma: f64| -> Vec<f64> {
        let level = LogNormal::new(0.0, sigma).expect("a distribution");
        (0..n_genes).map(|_| level.sample(&mut rng)).collect()
    };
    let base = levels(1.0);
    let batches: Vec<Vec<f64>> = (0..N_BATCHES).map(|_| levels(BATCH_EFFECT)).collect();
    let mut raised = |probability: f64| -> Vec<f64> {
        let fold = LogNormal::new(FOLD.ln(), 0.5).expect("a distribution");
        let mut draw = || {
            if rng.random_bool(probability) {
                fold.sample(&mut rng)
            } else {
                1.0
            }
        };
        (0..n_genes).map(|_| draw()).collect()
    };
    let lineages: Vec<Vec<f64>> = (0..N_LINEAGES).map(|_| raised(LINEAGE_GENES)).collect();
    let own: Vec<Vec<f64>> = (0..n_types).map(|_| raised(TYPE_GENES)).collect();
    (0..n_types)
        .map(|of_type| {
            let lineage = of_type % N_LINEAGES;
            let next = (of_type + N_LINEAGES) % n_types;
            let level = |gene: usize| {
                let shared = if gene.is_multiple_of(2) {
                    own[next][gene]
                } else {
                    1.0
                };
                base[gene] * lineages[lineage][gene] * own[of_type][gene] * shared
            };
            let levels: Vec<f64> = (0..n_genes).map(level).collect();
            let in_batch = |batch: &Vec<f64>| {
                let weights = levels
                    .iter()
                    .zip(batch)
                    .map(|(level, effect)| level * effect);
                WeightedAliasIndex::new(weights.collect()).expect("weights above 0")
            };
            batches.iter().map(in_batch).collect()
        })
        .collect()
}

fn draw(cell: usize, genes: &WeightedAliasIndex<f64>, depth: f64) -> Cell {
    let mut rng = ChaCha8Rng::seed_from_u64(cell as u64);
    let spread = LogNormal::new(-DEPTH_SPREAD * DEPTH_SPREAD / 2.0, DEPTH_SPREAD);
    let n_molecules = depth * spread.expect("a distribution").sample(&mut rng);
    let mut molecules: Vec<i32> = (0..n_molecules.max(1.0) as usize)
        .map(|_| genes.sample(&mut rng) as i32)
        .collect();
    molecules.sort_unstable();
    molecules
        .chunk_by(|a, b| a == b)
        .map(|same| (same[0], same.len() as f32))
        .collect()
}

/// An empty dataset that grows.
fn growing<T: H5Type>(group: &Group, name: &str, gzip: Option<u8>) -> Dataset {
    let mut dataset = group.new_dataset::<T>().shape(0..).chunk(CHUNK);
    if let Some(level) = gzip {
        dataset = dataset.deflate(level);
    }
    dataset.create(name).expect("a dataset")
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
