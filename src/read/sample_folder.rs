//! Where counting programs put the matrix of a sample, and what that sample is called.

use std::path::{Component, Path, PathBuf};

/// The matrix below a sample's folder, the best first.
const MATRICES: [&str; 12] = [
    "filtered_feature_bc_matrix.h5",
    "filtered_feature_bc_matrix",
    "sample_filtered_feature_bc_matrix.h5",
    "sample_filtered_feature_bc_matrix",
    "filtered_gene_bc_matrices_h5.h5",
    "filtered_gene_bc_matrices",
    "Solo.out/Gene/filtered",
    "Gene/filtered",
    "counts_filtered",
    "counts_unfiltered",
    "af_quant/alevin",
    "alevin",
];
/// Folders between a sample's folder and its matrix.
const BETWEEN: [&str; 3] = ["outs", "count", "outs/count"];

/// Names that counting programs give to files and folders of every sample, without endings.
const COMMON: [&str; 22] = [
    "filtered_feature_bc_matrix",
    "raw_feature_bc_matrix",
    "sample_filtered_feature_bc_matrix",
    "sample_raw_feature_bc_matrix",
    "filtered_gene_bc_matrices",
    "filtered_gene_bc_matrices_h5",
    "raw_gene_bc_matrices",
    "raw_gene_bc_matrices_h5",
    "filtered_peak_bc_matrix",
    "outs",
    "count",
    "per_sample_outs",
    "Solo.out",
    "Gene",
    "GeneFull",
    "filtered",
    "raw",
    "counts_filtered",
    "counts_unfiltered",
    "alevin",
    "af_quant",
    "cells_x_genes",
];
/// Of these, the ones that hold every droplet.
const RAW: [&str; 5] = [
    "raw_feature_bc_matrix",
    "sample_raw_feature_bc_matrix",
    "raw_gene_bc_matrices",
    "raw_gene_bc_matrices_h5",
    "raw",
];
/// Common below another of them only: users have folders of these names too.
const COMMON_BELOW: [&str; 3] = ["count", "filtered", "raw"];
/// Files that are called so below one of those above.
const INSIDE: [&str; 3] = ["matrix", "quants_mat", "DGE"];

/// The matrix of a sample's folder, or of `outs` in it; `None` where the path is not such a folder.
pub(crate) fn matrix_below(folder: &Path) -> Option<PathBuf> {
    if !folder.is_dir() {
        return None;
    }
    let folders = std::iter::once(folder.to_owned()).chain(BETWEEN.map(|name| folder.join(name)));
    let found = folders
        .flat_map(|folder| MATRICES.map(|name| folder.join(name)))
        .find(|path| path.exists());
    found.map(|path| only_folder(&path).unwrap_or(path))
}

/// Whether a file of this name, less its ending, is a matrix that every sample has.
fn is_matrix_file(plain: &str) -> bool {
    plain.ends_with("_bc_matrix") || plain.ends_with("_bc_matrices_h5") || plain == "cells_x_genes"
}

/// The only folder in a folder, as `filtered_gene_bc_matrices/GRCh38`.
fn only_folder(path: &Path) -> Option<PathBuf> {
    let mut folders = path.read_dir().ok()?;
    let mut only = None;
    for entry in folders.by_ref() {
        let path = entry.ok()?.path();
        match (path.is_dir(), &only) {
            (true, None) => only = Some(path),
            _ => return None,
        }
    }
    only
}

/// What the sample is called whose matrix lies at `path`, where the name of the file or folder is one that every sample
/// has; `stem` cuts endings off. `SAMPLE_raw` where the matrix is that of every droplet.
pub(crate) fn sample_of(path: &Path, stem: impl Fn(&str) -> String) -> Option<String> {
    path.file_name()?;
    let absolute = std::path::absolute(path).ok()?;
    let names: Vec<String> = absolute
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    let has_ending = |name: &str| stem(name) != name;
    let is_common = |name: &String| {
        let plain = stem(name);
        COMMON.contains(&plain.as_str()) && (!has_ending(name) || is_matrix_file(&plain))
    };
    let mut above = names.iter().rev().peekable();
    let is_inside = |name: &&&String| has_ending(name) && INSIDE.contains(&stem(name).as_str());
    if above.peek().is_some_and(|name| is_inside(&name)) {
        above.next();
    }
    // `filtered_gene_bc_matrices/GRCh38`: the genome lies below.
    let mut below_genome = above.clone();
    below_genome.next();
    if below_genome
        .peek()
        .is_some_and(|name| name.ends_with("_gene_bc_matrices"))
    {
        above = below_genome;
    }
    let common: Vec<&String> =
        std::iter::from_fn(|| above.next_if(|name| is_common(name))).collect();
    let is_only_below = |name: &&String| COMMON_BELOW.contains(&name.as_str());
    if common.iter().all(is_only_below) {
        return None;
    }
    let sample = above.next()?;
    let sample = sample.strip_suffix("Solo.out").unwrap_or(sample);
    let sample = stem(sample.trim_end_matches(['_', '.', '-']));
    let is_raw = common.iter().any(|name| RAW.contains(&stem(name).as_str()));
    let ending = if is_raw { "_raw" } else { "" };
    (!sample.is_empty()).then(|| format!("{sample}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_called_by_the_folder_above_what_every_sample_has() {
        let stem = |name: &str| {
            let name = name.strip_suffix(".gz").unwrap_or(name);
            let name = name.strip_suffix(".h5").unwrap_or(name);
            name.strip_suffix(".mtx").unwrap_or(name).to_owned()
        };
        for (path, name) in [
            ("/a/s1/outs/filtered_feature_bc_matrix", Some("s1")),
            ("/a/s1/outs/filtered_feature_bc_matrix.h5", Some("s1")),
            (
                "/a/s1/outs/filtered_feature_bc_matrix/matrix.mtx.gz",
                Some("s1"),
            ),
            ("/a/s1/outs", Some("s1")),
            ("/a/s1/outs/raw_feature_bc_matrix", Some("s1_raw")),
            ("/a/s1/filtered_gene_bc_matrices/GRCh38", Some("s1")),
            (
                "/a/r/outs/per_sample_outs/s2/count/sample_filtered_feature_bc_matrix",
                Some("s2"),
            ),
            ("/a/s1_Solo.out/Gene/filtered", Some("s1")),
            ("/a/s1/Solo.out/Gene/raw", Some("s1_raw")),
            ("/a/s1/counts_unfiltered/cells_x_genes.mtx", Some("s1")),
            ("/a/s1.h5", None),
            ("/a/pbmc", None),
            ("/a/matrix.mtx", None),
            ("/a/outs/matrix", None),
            ("/a/raw", None),
            ("/a/raw.h5", None),
            ("/a/filtered.h5", None),
            ("/a/outs/..", None),
        ] {
            assert_eq!(sample_of(Path::new(path), stem).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn the_matrix_of_a_sample_is_found_from_its_folder_or_outs() {
        let folder = tempfile::tempdir().expect("a folder");
        let outs = folder.path().join("s1/outs");
        let matrix = outs.join("filtered_feature_bc_matrix");
        std::fs::create_dir_all(&matrix).expect("a folder");
        std::fs::write(matrix.join("matrix.mtx"), "").expect("a file");
        for place in [folder.path().join("s1"), outs] {
            assert_eq!(matrix_below(&place), Some(matrix.clone()));
        }
        assert_eq!(matrix_below(&matrix), None);
        assert_eq!(matrix_below(folder.path()), None);
    }
}
