//! Loom files: a matrix of genes × cells on HDF5, with attributes of rows and columns.
//!
//! Format: <https://linnarssonlab.org/loompy/format/index.html>.

use std::path::Path;

use ndarray::Axis;

use super::{DataSet, Format, Obs, ReadError, ReadOptions, note_on_nan};
use crate::h5ad::{
    Column, Counts, CountsIn, Element, Group, H5adError, Matrix, open_hdf5_by, read_column,
    read_typed,
};

/// Where genes may be named, the best first.
const GENE_NAMES: [&str; 8] = [
    "Gene",
    "gene",
    "gene_name",
    "gene_names",
    "GeneName",
    "gene_short_name",
    "var_names",
    "Accession",
];
/// Where cells may be named.
const CELL_NAMES: [&str; 8] = [
    "CellID",
    "cell_id",
    "cell_names",
    "obs_names",
    "barcode",
    "barcodes",
    "CellName",
    "cell",
];

/// Opens the file at `path`, which messages call `shown`.
pub(super) fn open(path: &Path, shown: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let layer = match &options.counts_in {
        CountsIn::Layer(name) => format!("layers/{name}"),
        CountsIn::X | CountsIn::Raw => "matrix".to_owned(),
    };
    // A cell is a column.
    let root = open_hdf5_by(path, shown, Axis(1), &[&layer])?;
    let matrix = match root.find(&layer)? {
        Some(Element::Array(array)) => Matrix::open_dense_by_genes(array)?,
        _ => return Err(no_matrix(&root, shown, options)?.into()),
    };
    let (n_cells, n_genes) = (matrix.n_cells, matrix.n_genes);
    if n_cells == 0 || n_genes == 0 {
        return Err(ReadError::Empty {
            file: shown.display().to_string(),
            n_cells,
            n_genes,
        });
    }
    let counts = Counts::open(matrix, None, options.rules)?;
    let note = note_on_nan(&counts, options)?;
    let (gene_names, var) = side(&root, "row_attrs", &GENE_NAMES, "gene", n_genes)?;
    let (cell_names, columns) = side(&root, "col_attrs", &CELL_NAMES, "cell", n_cells)?;
    Ok(DataSet {
        format: Format::Loom,
        counts: Box::new(counts),
        cell_names,
        gene_names,
        obs: Obs::Memory {
            path: shown.to_owned(),
            columns,
        },
        var,
        notes: note.into_iter().collect(),
    })
}

fn no_matrix(root: &Group, shown: &Path, options: &ReadOptions) -> Result<H5adError, H5adError> {
    let layers = match root.get("layers")? {
        Some(Element::Group(layers)) => layers.names()?,
        _ => Vec::new(),
    };
    let path = shown.to_owned();
    Ok(match &options.counts_in {
        CountsIn::Layer(layer) => H5adError::NoLayer {
            path,
            layer: layer.clone(),
            layers,
        },
        CountsIn::X | CountsIn::Raw => H5adError::MissingElement {
            path,
            element: "matrix".to_owned(),
        },
    })
}

/// Names of one side, and columns.
type Side = (Vec<String>, Vec<(String, Column)>);

/// Names of one side of the matrix, by position where there are none, and everything else that is known of it.
fn side(
    root: &Group,
    attributes: &str,
    names: &[&str],
    what: &str,
    n: usize,
) -> Result<Side, H5adError> {
    let Some(Element::Group(attributes)) = root.get(attributes)? else {
        return Ok((super::xy_h5::by_position(what, n), Vec::new()));
    };
    let mut columns = Vec::new();
    let mut found = Vec::new();
    for name in attributes.names()? {
        let Some(Element::Array(array)) = attributes.get(&name)? else {
            continue;
        };
        // Attributes of several values per row, as coordinates are, have no place in a table.
        if array.shape().len() != 1 {
            continue;
        }
        let because = || format!("the matrix has {n} {what}s");
        array.place().check_length(array.len()?, n, because)?;
        if let Some(rank) = names.iter().position(|wanted| *wanted == name) {
            let texts = read_column(&Element::Array(array.clone()))?;
            found.push((rank, texts));
        }
        match read_typed(&Element::Array(array)) {
            Ok(column) => columns.push((name, column)),
            Err(H5adError::Encoding { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let best = found.into_iter().min_by_key(|(rank, _)| *rank);
    let names = match best {
        Some((_, texts)) => texts.into_iter().map(Option::unwrap_or_default).collect(),
        None => super::xy_h5::by_position(what, n),
    };
    Ok((names, columns))
}
