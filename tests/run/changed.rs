//! Data sets that are made or changed for a test.

use std::fs;

use hdf5::types::VarLenUnicode;
use ndarray::{Array1, Array2};
use tempfile::TempDir;

use crate::program::{SMALL, TestResult};

/// A copy of the golden data set, changed by `change`.
pub fn changed(
    folder: &TempDir,
    change: impl FnOnce(&hdf5::File) -> hdf5::Result<()>,
) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.path().join("changed.h5ad");
    fs::copy(SMALL, &path)?;
    change(&hdf5::File::open_rw(&path)?)?;
    Ok(path.display().to_string())
}

/// Changes the first stored count of a file.
pub fn set_first_count(file: &hdf5::File, value: f32) -> hdf5::Result<()> {
    let data = file.dataset("X/data")?;
    let mut values: Array1<f32> = data.read_1d()?;
    values[0] = value;
    data.write(&values)
}

/// A dense data set without labels; cells are `c0`, `c1`, …, genes `g0`, `g1`, ….
pub fn dense(folder: &TempDir, counts: &Array2<f32>) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.path().join("dense.h5ad");
    let file = hdf5::File::create(&path)?;
    attribute(&file, "encoding-type", "anndata")?;
    attribute(&file, "encoding-version", "0.1.0")?;
    let x = file.new_dataset_builder().with_data(counts).create("X")?;
    attribute(&x, "encoding-type", "array")?;
    attribute(&x, "encoding-version", "0.2.0")?;
    table(&file, "obs", "c", counts.nrows())?;
    table(&file, "var", "g", counts.ncols())?;
    Ok(path.display().to_string())
}

pub fn table(file: &hdf5::File, key: &str, prefix: &str, rows: usize) -> TestResult {
    let group = file.create_group(key)?;
    attribute(&group, "encoding-type", "dataframe")?;
    attribute(&group, "encoding-version", "0.2.0")?;
    attribute(&group, "_index", "_index")?;
    let columns = group.new_attr::<VarLenUnicode>().shape(0);
    columns.create("column-order")?;
    let names = (0..rows).map(|row| format!("{prefix}{row}").parse());
    let names: Array1<VarLenUnicode> = names.collect::<Result<_, _>>()?;
    let index = group
        .new_dataset_builder()
        .with_data(&names)
        .create("_index")?;
    attribute(&index, "encoding-type", "string-array")?;
    attribute(&index, "encoding-version", "0.2.0")?;
    Ok(())
}

pub fn attribute(place: &hdf5::Location, name: &str, text: &str) -> TestResult {
    let text: VarLenUnicode = text.parse()?;
    place
        .new_attr::<VarLenUnicode>()
        .create(name)?
        .write_scalar(&text)?;
    Ok(())
}

/// Counts of `cells` × `genes` without a pattern worth finding, none of them 0.
pub fn counts(cells: usize, genes: usize) -> Array2<f32> {
    Array2::from_shape_fn((cells, genes), |(cell, gene)| {
        (1 + (cell * 7 + gene * 13 + cell * gene) % 11) as f32
    })
}

/// Copies a sparse matrix with its attributes.
pub fn copy_group(from: &hdf5::Group, to: &hdf5::Group) -> hdf5::Result<()> {
    for name in ["encoding-type", "encoding-version"] {
        let text: VarLenUnicode = from.attr(name)?.read_scalar()?;
        to.new_attr::<VarLenUnicode>()
            .create(name)?
            .write_scalar(&text)?;
    }
    let shape: Array1<i64> = from.attr("shape")?.read_1d()?;
    to.new_attr_builder().with_data(&shape).create("shape")?;
    let data: Array1<f32> = from.dataset("data")?.read_1d()?;
    to.new_dataset_builder().with_data(&data).create("data")?;
    for name in ["indices", "indptr"] {
        let values: Array1<i32> = from.dataset(name)?.read_1d()?;
        to.new_dataset_builder().with_data(&values).create(name)?;
    }
    Ok(())
}
