//! Writing one element of an `.h5ad` file, in anndata's encoding.

use hdf5::{
    Dataset, Group, H5Type, Location,
    types::{StringError, VarLenUnicode},
};

use super::Column;

/// Values per HDF5 chunk: enough to compress well, few enough to read a part.
pub(super) const CHUNK: usize = 1 << 15;
/// Deflate's level; anndata's own default.
pub(super) const GZIP_LEVEL: u8 = 4;

/// A column of a data frame.
pub(super) fn write_column(group: &Group, name: &str, column: &Column) -> hdf5::Result<()> {
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
