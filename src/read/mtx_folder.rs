//! A `.mtx` matrix with the names of its cells and genes beside it, as Cell Ranger, STARsolo and kallisto
//! write it: `matrix.mtx`, `barcodes.tsv`, `features.tsv` (or `genes.tsv`), each plain or gzip-compressed,
//! perhaps with a common prefix, as in GEO's `GSM1_matrix.mtx.gz`.

use std::path::{Path, PathBuf};

use super::{
    DataSet, Format, Obs, ReadError, ReadOptions, alevin,
    mtx::{self, Axes},
    packing,
    sample_folder::matrix_below,
    tenx_features::{TenxFeatures, is_type},
    zarr::{self, is_zarr},
};

/// How Cell Ranger's matrix is called after its prefix.
const MATRIX: &str = "matrix.mtx";
/// How files of cells' names are called.
const CELLS: &[&str] = &["barcodes"];
/// How files of genes' names are called.
const GENES: &[&str] = &["features", "genes"];

/// Opens a matrix, or the one in a folder.
///
/// Whether the matrix is genes × cells, as usual, or cells × genes is told by the numbers of names.
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let matrix = match find_in(path)? {
        Some(matrix) => matrix,
        None => path.to_owned(),
    };
    let cell_names = read_names(&matrix, "cells", CELLS)?;
    let cell_names: Vec<String> = cell_names
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    let features = features(read_names(&matrix, "genes", GENES)?);
    let file = matrix.display().to_string();
    let selection = features.select(&file, options)?;
    let selected = selection.features;
    let axes = Axes {
        n_cells: cell_names.len(),
        n_genes: features.names.len(),
        selected: &selected,
        rules: options.rules,
    };
    let counts = mtx::read(&matrix, &axes)?;
    let (gene_names, var) = features.into_var(&selected);
    Ok(DataSet {
        format: Format::Mtx,
        counts: Box::new(counts),
        cell_names,
        gene_names,
        obs: Obs::Memory {
            path: path.to_owned(),
            columns: Vec::new(),
        },
        var,
        notes: vec![selection.note],
    })
}

/// The path is a matrix's own folder.
pub(super) fn is_matrix(path: &Path) -> bool {
    matches!(find_in(path), Ok(Some(_)))
}

/// The files that are read of an input: of a matrix those of its names too, of a Zarr folder all in it,
/// of any other itself alone.
pub(crate) fn files_of(input: &Path) -> Vec<PathBuf> {
    let below = matrix_below(input).filter(|_| !is_matrix(input));
    let input = below.as_deref().unwrap_or(input);
    if is_zarr(input) {
        return zarr::files_of(input);
    }
    if let Some(matrix) = alevin::matrix_at(input) {
        return alevin::files_of(&matrix);
    }
    let matrix = find_in(input).ok().flatten();
    let matrix = matrix.unwrap_or_else(|| input.to_owned());
    let names = [CELLS, GENES].map(|words| find_names(&matrix, words).ok());
    let names = names.into_iter().flatten();
    std::iter::once(matrix.clone()).chain(names).collect()
}

/// Whether a path is a folder with a matrix in it, in the Zarr format, or that of a sample whose matrix lies below.
pub(crate) fn holds_matrix(folder: &Path) -> bool {
    let is_other = || is_zarr(folder) || alevin::matrix_at(folder).is_some();
    !matches!(find_in(folder), Ok(None)) || matrix_below(folder).is_some() || is_other()
}

/// The `.mtx` file of a folder, if it has one; `None` for a file. `matrix.mtx` goes before others.
pub(super) fn find_in(folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    let Ok(entries) = folder.read_dir() else {
        return Ok(None);
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_matrix = |name: &String| !name.starts_with('.') && has_ending(plain(name));
    let mut names: Vec<String> = names.filter(is_matrix).collect();
    names.sort();
    if let Some(first) = names.iter().find(|name| plain(name) == MATRIX) {
        return Ok(Some(folder.join(first)));
    }
    match &names[..] {
        [] => Ok(None),
        [only] => Ok(Some(folder.join(only))),
        _ => Err(ReadError::SeveralMatrices {
            path: folder.to_owned(),
            found: names,
        }),
    }
}

fn has_ending(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending == "mtx")
}

/// A name without the ending of compression.
fn plain(name: &str) -> &str {
    name.strip_suffix(".gz").unwrap_or(name)
}

/// The lines, split at tabs, of the file beside the matrix that names its cells or genes.
fn read_names(
    matrix: &Path,
    what: &'static str,
    words: &[&str],
) -> Result<Vec<Vec<String>>, ReadError> {
    let names = find_names(matrix, words).map_err(|tried| ReadError::NoNames {
        path: matrix.to_owned(),
        what,
        tried,
    })?;
    read_lines(&names)
}

/// The file beside the matrix that names its cells or genes; the names that were looked for where none is.
fn find_names(matrix: &Path, words: &[&str]) -> Result<PathBuf, Vec<String>> {
    let name = matrix.file_name().unwrap_or_default().to_string_lossy();
    let name = plain(&name);
    // GSM1_matrix.mtx has GSM1_barcodes.tsv, cells_x_genes.mtx has cells_x_genes.barcodes.txt.
    let prefix = match name.strip_suffix(MATRIX) {
        Some(prefix) => prefix.to_owned(),
        None => format!("{}.", name.strip_suffix(".mtx").unwrap_or(name)),
    };
    let endings = [".tsv", ".tsv.gz", ".txt", ".txt.gz"];
    let candidates = words
        .iter()
        .flat_map(|word| endings.map(|ending| format!("{prefix}{word}{ending}")));
    let candidates: Vec<String> = candidates.collect();
    let folder = matrix.parent().unwrap_or(Path::new(""));
    let others = other_names(name, words);
    let mut paths = candidates
        .iter()
        .chain(&others)
        .map(|name| folder.join(name));
    let found = paths.find(|path| path.is_file());
    found.ok_or(candidates)
}

/// How other programs call the names of a matrix's cells or genes: EBI's atlas `NAME.mtx_cols` and `NAME.mtx_rows`,
/// alevin-fry `quants_mat_rows.txt` and `quants_mat_cols.txt`, Parse `cell_metadata.csv` and `all_genes.csv`.
fn other_names(matrix: &str, words: &[&str]) -> Vec<String> {
    let stem = matrix.strip_suffix(".mtx").unwrap_or(matrix);
    let names = if words == CELLS {
        vec![
            format!("{matrix}_cols"),
            format!("{stem}_rows.txt"),
            "cell_metadata.csv".to_owned(),
        ]
    } else {
        vec![
            format!("{matrix}_rows"),
            format!("{stem}_cols.txt"),
            "all_genes.csv".to_owned(),
            "genes.csv".to_owned(),
        ]
    };
    let packed = names.iter().map(|name| format!("{name}.gz"));
    names.iter().cloned().chain(packed).collect()
}

/// The fields of lines: split at commas, and less the titles, in a `.csv` file; else split at tabs.
fn read_lines(path: &Path) -> Result<Vec<Vec<String>>, ReadError> {
    let file = path.display().to_string();
    let is_csv = Path::new(plain(&file))
        .extension()
        .is_some_and(|ending| ending == "csv");
    let separator = if is_csv { ',' } else { '\t' };
    let lines = std::io::BufRead::lines(packing::open_text(path)?);
    let lines = lines.enumerate().skip(usize::from(is_csv));
    let rows = lines.map(|(position, line)| match line {
        Ok(line) => Ok(line
            .split(separator)
            .map(|field| field.trim().to_owned())
            .collect()),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Err(ReadError::Line {
            file: file.clone(),
            line: position as u64 + 1,
            reason: e.to_string(),
        }),
        Err(source) => Err(packing::unreadable(path, source)),
    });
    rows.collect()
}

/// A line of `features.tsv` is identifier, name, type; of `genes.tsv` identifier, name; or one name alone.
fn features(rows: Vec<Vec<String>>) -> TenxFeatures {
    let has = |n_fields: usize| rows.iter().all(|row| row.len() >= n_fields);
    let (has_names, has_types) = (has(2), has(3));
    let column =
        |field: usize| -> Vec<String> { rows.iter().map(|row| row[field].clone()).collect() };
    let third = if has_types { column(2) } else { Vec::new() };
    // Parse writes genomes where Cell Ranger writes types.
    let (types, genomes) = if third.iter().any(|kind| is_type(kind)) {
        (third, Vec::new())
    } else {
        (Vec::new(), third)
    };
    TenxFeatures {
        names: column(usize::from(has_names)),
        ids: if has_names { column(0) } else { Vec::new() },
        types,
        genomes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_one_two_or_three_fields() {
        let rows = |lines: &[&str]| -> Vec<Vec<String>> {
            let fields = |line: &&str| line.split(' ').map(str::to_owned).collect();
            lines.iter().map(fields).collect()
        };
        let three = features(rows(&["E1 Gad1 Gene", "A1 CD3 Antibody"]));
        assert_eq!(
            (three.names, three.ids),
            (rows(&["Gad1 CD3"]).remove(0), rows(&["E1 A1"]).remove(0))
        );
        assert_eq!(three.types, ["Gene", "Antibody"]);
        let two = features(rows(&["E1 Gad1", "E2 Mbp"]));
        assert_eq!((two.names.len(), two.types.len()), (2, 0));
        let one = features(rows(&["Gad1", "Mbp"]));
        assert_eq!(
            (one.names, one.ids.len()),
            (rows(&["Gad1 Mbp"]).remove(0), 0)
        );
    }
}
