//! `.h5` files with a matrix `X` and labels `Y`.

use std::path::Path;

use ndarray::Axis;

use super::{CELLTYPE, DataSet, Format, Obs, ReadError, ReadOptions, note_on_nan};
use crate::h5ad::{Column, Counts, Matrix, open_hdf5_by, read_column};

/// Opens the file at `path`, which messages call `shown`.
///
/// Dataset `X`, cells × genes, raw counts of any numeric type; dataset `Y`, one label per
/// cell, numbers or text (optional), becomes `obs['celltype']`. Cells and genes are named by position.
pub(super) fn open(path: &Path, shown: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let root = open_hdf5_by(path, shown, Axis(0), &["X"])?;
    let matrix = Matrix::open(root.require("X")?)?;
    let (n_cells, n_genes) = (matrix.n_cells, matrix.n_genes);
    let name = shown.display().to_string();
    if n_cells == 0 || n_genes == 0 {
        return Err(ReadError::Empty {
            file: name,
            n_cells,
            n_genes,
        });
    }
    let labels = root.get("Y")?.map(|y| read_column(&y)).transpose()?;
    let n_labels = labels.as_ref().map_or(n_cells, Vec::len);
    if n_labels != n_cells {
        return Err(ReadError::LabelsDiffer {
            file: name,
            n_labels,
            n_cells,
            n_genes,
        });
    }
    let counts = Counts::open(matrix, None, options.rules)?;
    let note = note_on_nan(&counts, options)?;
    let celltype = |labels| (CELLTYPE.to_owned(), Column::Categorical(labels));
    Ok(DataSet {
        format: Format::XyH5,
        counts: Box::new(counts),
        cell_names: by_position("cell", n_cells),
        gene_names: by_position("gene", n_genes),
        obs: Obs::Memory {
            path: shown.to_owned(),
            columns: labels.map(celltype).into_iter().collect(),
        },
        var: Vec::new(),
        notes: note.into_iter().collect(),
    })
}

/// `cell_0`, `cell_1`, …
pub(super) fn by_position(what: &str, n: usize) -> Vec<String> {
    (0..n)
        .map(|position| format!("{what}_{position}"))
        .collect()
}
