//! scanpy's recipe with the crates of bixverse, on one data set: read, normalise, HVG, PCA of z-scores, neighbours, Leiden.
//!
//! ```text
//! recipe-bixverse DATA.h5ad LABELS.txt
//! ```
//!
//! Prints seconds by stage and peak memory as JSON, and writes the cluster of every cell, a line each. Everything is at the
//! default of bixverse but what `benches/recipe_scanpy.py` sets: 2,500 HVGs, 50 components, 15 neighbours with the cell itself,
//! UMAP's connectivities, Leiden at resolution 0.3 in two iterations.

use std::{collections::BTreeMap, error::Error, fs, path::Path, time::Instant};

use bixverse_rs::{
    graph::{
        knn_graph::{KnnSymmetrisation, build_knn_graph, flatten_knn},
        leiden::{LeidenParams, leiden_sparse_graph},
    },
    prelude::SingleCellReading,
    single_cell::{
        sc_data::{
            data_io::{MinCellQuality, ParallelSparseReader},
            gene_file_io::write_gene_file,
            h5ad_io::{RawDataSlot, stream_h5_counts},
        },
        sc_processing::{
            hvg::get_hvg_vst_streaming,
            knn::{KnnParams, generate_knn_with_dist},
            pca::{SingleCellPcaParams, pca_on_sc_sparse},
        },
    },
};
use hdf5::types::VarLenUnicode;

const HVGS: usize = 2500;
const COMPONENTS: usize = 50;
const NEIGHBORS: usize = 14;
const RESOLUTION: f64 = 0.3;
/// Counts that lie in memory while the store is turned from cells to genes.
const COUNTS_AT_ONCE: usize = 200_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, labels] = &arguments[..] else {
        return Err("recipe-bixverse DATA.h5ad LABELS.txt".into());
    };
    let mut stages = BTreeMap::new();
    let clusters = recipe(Path::new(data), &mut stages)?;
    let lines: Vec<String> = clusters.iter().map(ToString::to_string).collect();
    fs::write(labels, lines.join("\n") + "\n")?;
    let peak_rss_mb = peak_rss_mb().unwrap_or_default();
    println!(
        "{}",
        serde_json::json!({ "stages": stages, "peak_rss_mb": peak_rss_mb })
    );
    Ok(())
}

fn recipe(data: &Path, stages: &mut BTreeMap<&str, f64>) -> Result<Vec<usize>, Box<dyn Error>> {
    let mut last = Instant::now();
    let mut end = |stage| {
        stages.insert(stage, last.elapsed().as_secs_f64());
        last = Instant::now();
    };
    let (layout, n_cells, n_genes) = layout(data)?;
    let folder = tempfile::tempdir()?;
    let by_cell = folder.path().join("cells.bin");
    let by_gene = folder.path().join("genes.bin").display().to_string();
    let quality = MinCellQuality {
        min_unique_genes: 1,
        min_lib_size: 1,
        min_cells: 1,
        target_size: 1e4,
    };
    let counts = RawDataSlot::DataX;
    stream_h5_counts(
        data, &by_cell, layout, n_cells, n_genes, quality, counts, false,
    )?;
    write_gene_file(
        &by_cell.display().to_string(),
        &by_gene,
        Some(COUNTS_AT_ONCE),
        false,
    )?;
    let store = ParallelSparseReader::new(&by_gene)?;
    end("1 read");
    let cells: Vec<usize> = (0..store.get_header().total_cells).collect();
    let scores = get_hvg_vst_streaming(&store, &cells, 0.3, None, 0)?.var_std;
    let mut genes: Vec<usize> = (0..scores.len()).collect();
    genes.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    genes.truncate(HVGS);
    end("2 hvg");
    let params = SingleCellPcaParams::default();
    let (components, ..) =
        pca_on_sc_sparse(&store, &cells, &genes, COMPONENTS, &params, None, 1, 0)?;
    end("3 pca");
    let params = KnnParams {
        k: NEIGHBORS,
        ..KnnParams::new()
    };
    let (neighbors, distances) =
        generate_knn_with_dist(components.as_ref(), &params, true, false, 1, false)?;
    let (neighbors, k) = flatten_knn(&neighbors);
    let distances: Option<Vec<f32>> = distances.map(|rows| rows.into_iter().flatten().collect());
    let umap = KnnSymmetrisation::Umap {
        local_connectivity: 1.0,
        mix_ratio: 1.0,
    };
    let graph = build_knn_graph(&neighbors, distances.as_deref(), k, cells.len(), &umap, 0)?;
    end("4 neighbors");
    let params = LeidenParams::new(RESOLUTION, 0.01, Some(2), true, 1);
    let clusters = leiden_sparse_graph(&graph, Some(params))?;
    end("5 leiden");
    Ok(clusters)
}

/// How bixverse calls the layout of `X`; cells; genes.
fn layout(data: &Path) -> Result<(&'static str, usize, usize), Box<dyn Error>> {
    let file = hdf5::File::open(data)?;
    if let Ok(x) = file.dataset("X") {
        return Ok(("dense_row", x.shape()[0], x.shape()[1]));
    }
    let x = file.group("X")?;
    let encoding: VarLenUnicode = x.attr("encoding-type")?.read_scalar()?;
    let shape: Vec<usize> = x.attr("shape")?.read_raw()?;
    let layout = if encoding.starts_with("csr") {
        "csr"
    } else {
        "csc"
    };
    Ok((layout, shape[0], shape[1]))
}

fn peak_rss_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kb / 1024.0)
}
