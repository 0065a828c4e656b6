//! Cell Ranger's feature-barcode matrices on HDF5.
//!
//! Version 3 has one group `matrix` with a table `features`; version 2 a group for each genome with
//! `genes` and `gene_names`. Either stores features × barcodes by columns, which is cells × genes by
//! rows: it is read by runs of cells.
//! Format: <https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-h5-matrices>.

use std::path::Path;

use super::{
    DataSet, Format, Obs, ReadError, ReadOptions, note_on_nan, selected::SelectedGenes,
    tenx_features::TenxFeatures,
};
use crate::h5ad::{Counts, Element, Group, H5adError, Matrix, open_hdf5, read_column};

/// The group of version 3.
const MATRIX: &str = "matrix";

/// Opens the file at `path`, which messages call `shown`.
pub(super) fn open(path: &Path, shown: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let root = open_hdf5(path, shown)?;
    let (group, has_all) = match root.get(MATRIX)? {
        Some(Element::Group(group)) => (group, true),
        _ => (genome(&root, shown, options)?, false),
    };
    let features = features(&group)?;
    let cell_names = names(&group, "barcodes")?;
    let matrix = matrix(&group, cell_names.len(), features.names.len())?;
    let file_name = shown.display().to_string();
    // A genome of version 2 is a group, which was chosen.
    let within = ReadOptions {
        genome: options.genome.clone().filter(|_| has_all),
        ..options.clone()
    };
    let selection = features.select(&file_name, &within)?;
    let selected = selection.features;
    if cell_names.is_empty() || selected.is_empty() {
        return Err(ReadError::Empty {
            file: file_name,
            n_cells: cell_names.len(),
            n_genes: selected.len(),
        });
    }
    let counts = Counts::open(matrix, None, options.rules)?;
    let note = note_on_nan(&counts, options)?;
    let (gene_names, var) = features.into_var(&selected);
    Ok(DataSet {
        format: Format::TenxH5,
        counts: SelectedGenes::of(Box::new(counts), &selected),
        cell_names,
        gene_names,
        obs: Obs::Memory {
            path: shown.to_owned(),
            columns: Vec::new(),
        },
        var,
        notes: [selection.note, note].into_iter().flatten().collect(),
    })
}

/// The group of a genome of version 2: the one that is asked for, or the only one.
fn genome(root: &Group, shown: &Path, options: &ReadOptions) -> Result<Group, ReadError> {
    let mut genomes = Vec::new();
    for name in root.names()? {
        if let Some(Element::Group(group)) = root.get(&name)?
            && group.get("barcodes")?.is_some()
        {
            genomes.push((name, group));
        }
    }
    let names = || genomes.iter().map(|(name, _)| name.clone()).collect();
    match &options.genome {
        Some(wanted) => match genomes.iter().find(|(name, _)| name == wanted) {
            Some((_, group)) => Ok(group.clone()),
            None => Err(ReadError::NoFeatures {
                file: shown.display().to_string(),
                wanted: format!("of genome {wanted}"),
                found: names(),
            }),
        },
        None => match &genomes[..] {
            [(_, group)] => Ok(group.clone()),
            _ => Err(ReadError::SeveralGenomes {
                path: shown.to_owned(),
                genomes: names(),
            }),
        },
    }
}

/// The counts by cells, once `shape` and the names agree.
fn matrix(group: &Group, n_cells: usize, n_genes: usize) -> Result<Matrix, H5adError> {
    let shape = group.array("shape")?;
    shape.check_numeric()?;
    shape
        .place()
        .check_length(shape.len()?, 2, || "a matrix has two sides".to_owned())?;
    let sides = shape.read::<u64>()?;
    for (side, n_names, what) in [
        (sides[0], n_genes, "features"),
        (sides[1], n_cells, "barcodes"),
    ] {
        let because = || format!("there are names of {n_names} {what}");
        shape
            .place()
            .check_length(side as usize, n_names, because)?;
    }
    Matrix::open_csr(group, n_cells, n_genes)
}

fn features(group: &Group) -> Result<TenxFeatures, H5adError> {
    let (table, features) = if let Some(Element::Group(table)) = group.get("features")? {
        let features = TenxFeatures {
            names: names(&table, "name")?,
            ids: names_if_any(&table, "id")?,
            types: names_if_any(&table, "feature_type")?,
            genomes: names_if_any(&table, "genome")?,
        };
        (table, features)
    } else {
        let features = TenxFeatures {
            names: names(group, "gene_names")?,
            ids: names_if_any(group, "genes")?,
            ..TenxFeatures::default()
        };
        (group.clone(), features)
    };
    let n_names = features.names.len();
    for column in [&features.ids, &features.types, &features.genomes] {
        let expected = if column.is_empty() { 0 } else { n_names };
        let because = || format!("{n_names} features have names");
        table
            .place()
            .check_length(column.len(), expected, because)?;
    }
    Ok(features)
}

fn names_if_any(group: &Group, name: &str) -> Result<Vec<String>, H5adError> {
    match group.get(name)? {
        Some(_) => names(group, name),
        None => Ok(Vec::new()),
    }
}

fn names(group: &Group, name: &str) -> Result<Vec<String>, H5adError> {
    let texts = read_column(&Element::Array(group.array(name)?))?;
    Ok(texts.into_iter().map(Option::unwrap_or_default).collect())
}
