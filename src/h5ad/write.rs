//! Writing a new `.h5ad` file.

use std::path::Path;

use hdf5::{
    Dataset, Group, H5Type, Location,
    types::{StringError, VarLenUnicode},
};

use super::H5adError;
use crate::{
    atomic::{AtomicError, write_atomically},
    counts::Csr,
};

/// Values per HDF5 chunk: enough to compress well, few enough to read a part.
const CHUNK: usize = 1 << 15;
/// Deflate's level; anndata's own default.
const GZIP_LEVEL: u8 = 4;

/// What a new file will hold.
#[derive(Debug, Clone)]
pub struct NewH5ad {
    /// Raw counts, cells × genes, non-zero values only.
    pub counts: Csr,
    /// One name per cell.
    pub obs_names: Vec<String>,
    /// One name per gene.
    pub var_names: Vec<String>,
    /// Columns of `obs`, one entry per cell.
    pub obs: Vec<(String, NewColumn)>,
    /// Texts for `uns`, such as the data's source.
    pub uns: Vec<(String, String)>,
}

/// A column of a new file's `obs`.
#[derive(Debug, Clone)]
pub enum NewColumn {
    /// Labels; `None` where one is missing. Categories are sorted.
    Categorical(Vec<Option<String>>),
    /// Texts, mostly different ones.
    Text(Vec<String>),
}

/// Writes an `.h5ad` file as anndata 0.8 and later do: `X` as CSR (`f32`, gzip), `obs`, `var`, `uns`,
/// empty `layers`, `obsm`, `varm`, `obsp`, `varp`. The file appears whole or not at all, and equal data
/// give equal bytes.
///
/// # Errors
/// [`H5adError::Write`], also where a length does not fit `counts`.
pub fn write_h5ad(path: &Path, data: &NewH5ad) -> Result<(), H5adError> {
    let failed = |reason: String| H5adError::Write {
        path: path.to_owned(),
        reason,
    };
    data.check().map_err(failed)?;
    write_atomically(path, |unfinished| write_all(unfinished, data)).map_err(|error| match error {
        AtomicError::Write(reason) => failed(reason.to_string()),
        AtomicError::File { source, .. } => failed(source.to_string()),
        AtomicError::Interrupted => failed(error.to_string()),
    })
}

impl NewH5ad {
    fn check(&self) -> Result<(), String> {
        let (n_cells, n_genes) = self.counts.shape();
        let obs = self.obs.iter().map(|(name, column)| match column {
            NewColumn::Categorical(values) => (name.as_str(), values.len(), n_cells),
            NewColumn::Text(values) => (name.as_str(), values.len(), n_cells),
        });
        let names = [
            ("obs_names", self.obs_names.len(), n_cells),
            ("var_names", self.var_names.len(), n_genes),
        ];
        match obs
            .chain(names)
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(()),
            Some((name, found, expected)) => Err(format!(
                "{name} has {found} entries, but X needs {expected}"
            )),
        }
    }
}

fn write_all(path: &Path, data: &NewH5ad) -> hdf5::Result<()> {
    let file = hdf5::File::with_options()
        .with_fcpl(|create| create.obj_track_times(false))
        .create(path)?;
    encode(&file, "anndata", "0.1.0")?;
    write_csr(&file, &data.counts)?;
    write_obs(&file, data)?;
    write_table(&file, "var", &data.var_names, &[])?;
    for name in ["layers", "obsm", "varm", "obsp", "varp"] {
        let group = new_group(&file, name)?;
        encode(&group, "dict", "0.1.0")?;
    }
    let uns = new_group(&file, "uns")?;
    encode(&uns, "dict", "0.1.0")?;
    for (name, value) in &data.uns {
        let dataset = uns
            .new_dataset_builder()
            .empty::<VarLenUnicode>()
            .obj_track_times(false)
            .create(name.as_str())?;
        dataset.write_scalar(&text(value)?)?;
        encode(&dataset, "string", "0.2.0")?;
    }
    file.close()
}

fn write_csr(file: &Group, counts: &Csr) -> hdf5::Result<()> {
    let group = new_group(file, "X")?;
    encode(&group, "csr_matrix", "0.1.0")?;
    let shape = [counts.rows() as i64, counts.cols() as i64];
    group.new_attr_builder().with_data(&shape).create("shape")?;
    write_values(&group, "data", counts.data())?;
    let (indices, offsets) = (counts.indices(), counts.proper_indptr());
    // Like SciPy: both in 32 bits where they fit, else both in 64.
    if i32::try_from(counts.nnz()).is_ok() && i32::try_from(counts.cols()).is_ok() {
        let indices: Vec<i32> = indices.iter().map(|&gene| gene as i32).collect();
        write_values(&group, "indices", &indices)?;
        let offsets: Vec<i32> = offsets.iter().map(|&offset| offset as i32).collect();
        write_values(&group, "indptr", &offsets)?;
    } else {
        let indices: Vec<i64> = indices.iter().map(|&gene| i64::from(gene)).collect();
        write_values(&group, "indices", &indices)?;
        let offsets: Vec<i64> = offsets.iter().map(|&offset| offset as i64).collect();
        write_values(&group, "indptr", &offsets)?;
    }
    Ok(())
}

fn write_obs(file: &Group, data: &NewH5ad) -> hdf5::Result<()> {
    let columns: Vec<&str> = data.obs.iter().map(|(name, _)| name.as_str()).collect();
    let group = write_table(file, "obs", &data.obs_names, &columns)?;
    for (name, column) in &data.obs {
        match column {
            NewColumn::Categorical(labels) => write_categorical(&group, name, labels)?,
            NewColumn::Text(values) => write_texts(&group, name, values)?,
        }
    }
    Ok(())
}

/// A table with an index; its columns are written by the caller.
fn write_table(
    file: &Group,
    name: &str,
    index: &[String],
    columns: &[&str],
) -> hdf5::Result<Group> {
    let group = new_group(file, name)?;
    encode(&group, "dataframe", "0.2.0")?;
    write_attribute(&group, "_index", "_index")?;
    let columns: Vec<VarLenUnicode> = columns.iter().map(|c| text(c)).collect::<Result<_, _>>()?;
    let order = group
        .new_attr::<VarLenUnicode>()
        .shape(columns.len())
        .create("column-order")?;
    if !columns.is_empty() {
        order.write_raw(&columns)?;
    }
    write_texts(&group, "_index", index)?;
    Ok(group)
}

fn write_categorical(group: &Group, name: &str, labels: &[Option<String>]) -> hdf5::Result<()> {
    let mut categories: Vec<String> = labels.iter().flatten().cloned().collect();
    categories.sort();
    categories.dedup();
    let code = |label: &Option<String>| match label {
        Some(label) => categories
            .binary_search(label)
            .map_or(-1, |code| code as i32),
        None => -1,
    };
    let codes: Vec<i32> = labels.iter().map(code).collect();
    let group = new_group(group, name)?;
    encode(&group, "categorical", "0.2.0")?;
    let ordered = group.new_attr::<bool>().create("ordered")?;
    ordered.write_scalar(&false)?;
    write_texts(&group, "categories", &categories)?;
    let codes = write_values(&group, "codes", &codes)?;
    encode(&codes, "array", "0.2.0")
}

fn write_texts(group: &Group, name: &str, values: &[String]) -> hdf5::Result<()> {
    let texts = values.iter().map(|value| text(value));
    let texts: Vec<VarLenUnicode> = texts.collect::<Result<_, _>>()?;
    let dataset = group
        .new_dataset::<VarLenUnicode>()
        .shape(texts.len())
        .obj_track_times(false)
        .create(name)?;
    if !texts.is_empty() {
        dataset.write_raw(&texts)?;
    }
    encode(&dataset, "string-array", "0.2.0")
}

/// A compressed one-dimensional dataset.
fn write_values<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Result<Dataset> {
    let builder = group.new_dataset::<T>().shape(values.len());
    let builder = builder.obj_track_times(false);
    if values.is_empty() {
        return builder.create(name);
    }
    let builder = builder.chunk(values.len().min(CHUNK));
    let dataset = builder.shuffle().deflate(GZIP_LEVEL).create(name)?;
    dataset.write_raw(values)?;
    Ok(dataset)
}

/// Without the time of creation, so that equal data give equal bytes.
fn new_group(parent: &Group, name: &str) -> hdf5::Result<Group> {
    parent
        .create_group_builder()
        .obj_track_times(false)
        .create(name)
}

fn encode(location: &Location, kind: &str, version: &str) -> hdf5::Result<()> {
    write_attribute(location, "encoding-type", kind)?;
    write_attribute(location, "encoding-version", version)
}

fn write_attribute(location: &Location, name: &str, value: &str) -> hdf5::Result<()> {
    let attribute = location.new_attr::<VarLenUnicode>().create(name)?;
    attribute.write_scalar(&text(value)?)
}

fn text(value: &str) -> hdf5::Result<VarLenUnicode> {
    let text = value.parse::<VarLenUnicode>();
    text.map_err(|e: StringError| hdf5::Error::from(format!("'{}': {e}", value.escape_debug())))
}
