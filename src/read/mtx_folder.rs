//! A `.mtx` matrix with the names of its cells and genes beside it, as Cell Ranger, STARsolo and kallisto
//! write it: `matrix.mtx`, `barcodes.tsv`, `features.tsv` (or `genes.tsv`), each plain or gzip-compressed,
//! perhaps with a common prefix, as in GEO's `GSM1_matrix.mtx.gz`.

use std::path::{Path, PathBuf};

use super::{
    DataSet, Format, Obs, ReadError, ReadOptions, alevin,
    mtx::{self, Axes},
    mtx_names::{self, MATRIX, plain},
    sample_folder::matrix_below,
    selected::positions,
    usa_mode,
    zarr::{self, is_zarr},
};

/// Opens a matrix, or the one in a folder.
///
/// Whether the matrix is genes × cells, as usual, or cells × genes is told by the numbers of names.
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let matrix = match find_in(path)? {
        Some(matrix) => matrix,
        None => path.to_owned(),
    };
    let cell_names = mtx_names::cells(&matrix)?;
    let mut features = mtx_names::features(&matrix)?;
    let is_usa = usa_mode::is_of(&features.names);
    if is_usa {
        features.names.truncate(features.names.len() / 3);
    }
    let file = matrix.display().to_string();
    let selection = features.select(&file, options)?;
    let selected = selection.features;
    let mut positions = positions(features.names.len(), &selected);
    let mut notes: Vec<String> = selection.note.into_iter().collect();
    if is_usa {
        positions = usa_mode::positions(&positions);
        notes.push(usa_mode::NOTE.to_owned());
    }
    let axes = Axes {
        n_cells: cell_names.len(),
        positions: &positions,
        n_selected: selected.len(),
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
        notes,
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
    let has_names = is_mtx(&matrix.to_string_lossy());
    let names = mtx_names::files_of(&matrix).filter(|_| has_names);
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
    let is_matrix = |name: &String| !name.starts_with('.') && is_mtx(name);
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

fn is_mtx(name: &str) -> bool {
    let ending = Path::new(plain(name)).extension();
    ending.is_some_and(|ending| ending == "mtx")
}
