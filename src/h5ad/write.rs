//! Writing a new `.h5ad` file.

use std::path::Path;

use hdf5::{
    Dataset, Group, H5Type, Location,
    types::{StringError, VarLenUnicode},
};

use super::{
    Column, H5adError,
    uns::write_text,
    write_counts::{Failed, write_csr},
};
use crate::{
    atomic::{AtomicError, write_atomically},
    counts::CountSource,
};

/// Values per HDF5 chunk: enough to compress well, few enough to read a part.
pub(super) const CHUNK: usize = 1 << 15;
/// Deflate's level; anndata's own default.
pub(super) const GZIP_LEVEL: u8 = 4;

/// What a new file will hold.
#[derive(Debug, Clone)]
pub struct NewH5ad<'a> {
    /// Raw counts, cells × genes.
    pub counts: &'a dyn CountSource,
    /// One name per cell.
    pub obs_names: Vec<String>,
    /// One name per gene.
    pub var_names: Vec<String>,
    /// Columns of `obs`, one entry per cell.
    pub obs: Vec<(String, Column)>,
    /// Columns of `var`, one entry per gene.
    pub var: Vec<(String, Column)>,
    /// Texts for `uns`, such as the data's source.
    pub uns: Vec<(String, String)>,
}

/// Writes an `.h5ad` file as anndata 0.8 and later do: `X` as CSR (`f32`, gzip), `obs`, `var`, `uns`,
/// empty `layers`, `obsm`, `varm`, `obsp`, `varp`. The file appears whole or not at all, and equal data
/// give equal bytes.
///
/// # Errors
/// [`H5adError::Write`], also where a length does not fit `counts`; what reading `counts` ends in.
pub fn write_h5ad(path: &Path, data: &NewH5ad<'_>) -> Result<(), H5adError> {
    let failed = |reason| failed(path, reason);
    data.check().map_err(failed)?;
    write_atomically(path, |unfinished| write_all(unfinished, data)).map_err(|error| match error {
        AtomicError::Write(Failed::Read(error)) => error,
        AtomicError::Write(Failed::Write(reason)) => failed(reason.to_string()),
        AtomicError::File { source, .. } => failed(source.to_string()),
        AtomicError::Interrupted => failed("the run is being stopped".to_owned()),
    })
}

/// Writes such a file in its place, where an error may leave half of it: for one that has a temporary name.
pub(crate) fn write_unfinished(path: &Path, data: &NewH5ad<'_>) -> Result<(), H5adError> {
    data.check().map_err(|reason| failed(path, reason))?;
    write_all(path, data).map_err(|error| match error {
        Failed::Read(error) => error,
        Failed::Write(reason) => failed(path, reason.to_string()),
    })
}

fn failed(path: &Path, reason: String) -> H5adError {
    H5adError::Write {
        path: path.to_owned(),
        reason,
    }
}

impl NewH5ad<'_> {
    fn check(&self) -> Result<(), String> {
        let (n_cells, n_genes) = (self.counts.n_cells(), self.counts.n_genes());
        let names = [
            ("obs_names", self.obs_names.len(), n_cells),
            ("var_names", self.var_names.len(), n_genes),
        ];
        let rows = |table: &'_ [(String, Column)]| -> Vec<(String, usize)> {
            table
                .iter()
                .map(|(name, column)| (name.clone(), column.n_rows()))
                .collect()
        };
        let obs = rows(&self.obs)
            .into_iter()
            .map(|(name, found)| (name, found, n_cells));
        let var = rows(&self.var)
            .into_iter()
            .map(|(name, found)| (name, found, n_genes));
        let names = names.map(|(name, found, expected)| (name.to_owned(), found, expected));
        let wrong = obs
            .chain(var)
            .chain(names)
            .find(|(_, found, expected)| found != expected);
        match wrong {
            None => Ok(()),
            Some((name, found, expected)) => Err(format!(
                "{name} has {found} entries, but X needs {expected}"
            )),
        }
    }
}

fn write_all(path: &Path, data: &NewH5ad<'_>) -> Result<(), Failed> {
    let file = hdf5::File::with_options()
        .with_fcpl(|create| create.obj_track_times(false))
        .create(path)?;
    encode(&file, "anndata", "0.1.0")?;
    write_csr(&file, data.counts)?;
    write_table(&file, "obs", &data.obs_names, &data.obs)?;
    write_table(&file, "var", &data.var_names, &data.var)?;
    for name in ["layers", "obsm", "varm", "obsp", "varp"] {
        let group = new_group(&file, name)?;
        encode(&group, "dict", "0.1.0")?;
    }
    let uns = new_group(&file, "uns")?;
    encode(&uns, "dict", "0.1.0")?;
    for (name, value) in &data.uns {
        write_text(&uns, name, value)?;
    }
    // Closing writes what HDF5 still holds, but keeps to itself what the disk refuses.
    file.flush()?;
    file.close()?;
    Ok(())
}

fn write_table(
    file: &Group,
    name: &str,
    index: &[String],
    columns: &[(String, Column)],
) -> hdf5::Result<()> {
    let group = new_group(file, name)?;
    encode(&group, "dataframe", "0.2.0")?;
    write_attribute(&group, "_index", "_index")?;
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    write_attribute_list(&group, "column-order", &names)?;
    write_texts(&group, "_index", index)?;
    for (name, column) in columns {
        write_column(&group, name, column)?;
    }
    Ok(())
}

fn write_column(group: &Group, name: &str, column: &Column) -> hdf5::Result<()> {
    let dataset = match column {
        Column::Categorical(labels) => return write_categorical(group, name, labels),
        Column::Text(texts) => return write_texts(group, name, texts),
        Column::Whole(numbers) => write_values(group, name, numbers)?,
        Column::Number(numbers) => write_values(group, name, numbers)?,
        Column::Truth(truths) => write_values(group, name, truths)?,
    };
    encode(&dataset, "array", "0.2.0")
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
    write_codes(group, name, &categories, &codes)
}

/// A categorical column: each row's position in `categories`, −1 where its value is missing.
pub(super) fn write_codes(
    group: &Group,
    name: &str,
    categories: &[String],
    codes: &[i32],
) -> hdf5::Result<()> {
    let group = new_group(group, name)?;
    encode(&group, "categorical", "0.2.0")?;
    let ordered = group.new_attr::<bool>().create("ordered")?;
    ordered.write_scalar(&false)?;
    write_texts(&group, "categories", categories)?;
    let codes = write_values(&group, "codes", codes)?;
    encode(&codes, "array", "0.2.0")
}

pub(super) fn write_texts(group: &Group, name: &str, values: &[String]) -> hdf5::Result<()> {
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
pub(super) fn write_values<T: H5Type>(
    group: &Group,
    name: &str,
    values: &[T],
) -> hdf5::Result<Dataset> {
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
pub(super) fn new_group(parent: &Group, name: &str) -> hdf5::Result<Group> {
    parent
        .create_group_builder()
        .obj_track_times(false)
        .create(name)
}

pub(super) fn encode(location: &Location, kind: &str, version: &str) -> hdf5::Result<()> {
    write_attribute(location, "encoding-type", kind)?;
    write_attribute(location, "encoding-version", version)
}

pub(super) fn write_attribute(location: &Location, name: &str, value: &str) -> hdf5::Result<()> {
    let attribute = location.new_attr::<VarLenUnicode>().create(name)?;
    attribute.write_scalar(&text(value)?)
}

/// A list of texts as an attribute.
pub(super) fn write_attribute_list(
    location: &Location,
    name: &str,
    values: &[impl AsRef<str>],
) -> hdf5::Result<()> {
    let values = values.iter().map(|value| text(value.as_ref()));
    let values: Vec<VarLenUnicode> = values.collect::<Result<_, _>>()?;
    let attribute = location.new_attr::<VarLenUnicode>().shape(values.len());
    let attribute = attribute.create(name)?;
    match values[..] {
        [] => Ok(()),
        _ => attribute.write_raw(&values),
    }
}

pub(super) fn text(value: &str) -> hdf5::Result<VarLenUnicode> {
    let text = value.parse::<VarLenUnicode>();
    text.map_err(|e: StringError| hdf5::Error::from(format!("'{}': {e}", value.escape_debug())))
}
