//! An array in the Zarr format, copied to HDF5.

use half::f16;
use hdf5::{Dataset, Group, H5Type};
use ndarray::{Array2, s};
use zarrs::{
    array::{Array, DataType, ElementOwned},
    array_subset::ArraySubset,
    storage::{ListableStorageTraits, ReadableListableStorageTraits, ReadableStorageTraits},
};

use super::{
    array::UNCHECKED_BYTES,
    new_elements::write_texts,
    zarr_error::{ZarrError, unread},
};

/// The most that stored bytes stand for: zstd makes four bytes of 128 KiB that are all the same.
const MAX_COMPRESSION: u128 = 1 << 15;
/// Most chunks of an array.
const MOST_CHUNKS: u64 = 1 << 20;
/// What a text is counted as: its place in memory.
const TEXT_BYTES: u128 = 24;
/// The parts of a sparse matrix, of which no chunk may be missing: read as fill values, counts would be lost unseen.
const SPARSE_PARTS: [&str; 3] = ["data", "indices", "indptr"];

/// An array in a folder or an archive.
pub(super) type Stored = Array<dyn ReadableListableStorageTraits>;

/// Copies an array of one or two dimensions, chunk by chunk; one of others, or of values of a type that is not read, is
/// left out, or an error where it is needed. Of texts, what AnnData says of them is copied too; of any other, the dataset is
/// returned that is to have it.
pub(super) fn copy_array(
    array: &Stored,
    parent: &Group,
    name: &str,
    is_needed: bool,
) -> Result<Option<Dataset>, ZarrError> {
    if !(1..=2).contains(&array.dimensionality()) {
        return Ok(None);
    }
    check_size(array)?;
    let copied = match array.data_type() {
        DataType::Bool => copy_values::<bool>(array, parent, name)?,
        DataType::Int8 => copy_values::<i8>(array, parent, name)?,
        DataType::Int16 => copy_values::<i16>(array, parent, name)?,
        DataType::Int32 => copy_values::<i32>(array, parent, name)?,
        DataType::Int64 => copy_values::<i64>(array, parent, name)?,
        DataType::UInt8 => copy_values::<u8>(array, parent, name)?,
        DataType::UInt16 => copy_values::<u16>(array, parent, name)?,
        DataType::UInt32 => copy_values::<u32>(array, parent, name)?,
        DataType::UInt64 => copy_values::<u64>(array, parent, name)?,
        DataType::Float16 => copy_values::<f16>(array, parent, name)?,
        DataType::Float32 => copy_values::<f32>(array, parent, name)?,
        DataType::Float64 => copy_values::<f64>(array, parent, name)?,
        DataType::String if array.dimensionality() == 1 => {
            copy_texts(array, parent, name, !is_needed)?;
            return Ok(None);
        }
        other if is_needed => {
            let unknown = format!("its values are of the type {other}, which is not read");
            return Err(unread(array.path().as_str())(unknown));
        }
        _ => return Ok(None),
    };
    Ok(Some(copied))
}

/// Fails where the shape of the array, or of its chunks, stands for more than what is stored can.
fn check_size(array: &Stored) -> Result<(), ZarrError> {
    let path = array.path().as_str();
    let wrong = |reason: &str| Err(unread(path)(reason));
    let grid = array.chunk_grid_shape();
    let n_chunks = grid
        .iter()
        .try_fold(1_u64, |product, &n| product.checked_mul(n));
    if n_chunks.is_none_or(|n_chunks| n_chunks > MOST_CHUNKS) {
        return wrong("it is stored in more than a million chunks; the file may be damaged");
    }
    let prefix = array.path().try_into().map_err(unread(path))?;
    let stored = array.storage().size_prefix(&prefix).map_err(unread(path))?;
    let origin = vec![0; grid.len()];
    let is_empty = grid.contains(&0);
    let chunk = if is_empty {
        Vec::new()
    } else {
        array.chunk_shape_usize(&origin).map_err(unread(path))?
    };
    let chunk = chunk.into_iter().map(|n| n as u64).collect::<Vec<u64>>();
    for lengths in [array.shape(), &chunk] {
        let claimed = bytes(array, lengths);
        if claimed > UNCHECKED_BYTES && claimed / MAX_COMPRESSION > u128::from(stored) {
            return wrong(&format!(
                "it claims {claimed} bytes, but only {stored} are stored; the file may be damaged"
            ));
        }
    }
    Ok(())
}

/// The bytes that values of some lengths take.
fn bytes(array: &Stored, lengths: &[u64]) -> u128 {
    let value = array
        .data_type()
        .fixed_size()
        .map_or(TEXT_BYTES, |size| size as u128);
    let mut lengths = lengths.iter();
    let product = lengths.try_fold(value, |product, &n| product.checked_mul(u128::from(n)));
    product.unwrap_or(u128::MAX)
}

fn copy_values<T: H5Type + ElementOwned>(
    array: &Stored,
    parent: &Group,
    name: &str,
) -> Result<Dataset, ZarrError> {
    let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
    let dataset = parent.new_dataset::<T>().shape(&shape[..]).create(name)?;
    let may_lack = !(SPARSE_PARTS.contains(&name) && array.dimensionality() == 1);
    for_each_chunk::<T>(array, may_lack, |chunk, values| {
        let ranges = chunk.to_ranges();
        let ranges: Vec<_> = ranges
            .iter()
            .map(|r| r.start as usize..r.end as usize)
            .collect();
        match &ranges[..] {
            [rows, columns] => {
                let shape = (rows.len(), columns.len());
                let values = Array2::from_shape_vec(shape, values);
                let values = values.map_err(unread(array.path().as_str()))?;
                Ok(dataset.write_slice(&values, s![rows.clone(), columns.clone()])?)
            }
            [run] => Ok(dataset.write_slice(&values, run.clone())?),
            _ => Ok(()),
        }
    })?;
    Ok(dataset)
}

fn copy_texts(array: &Stored, parent: &Group, name: &str, may_lack: bool) -> Result<(), ZarrError> {
    let mut texts: Vec<String> = Vec::new();
    for_each_chunk::<String>(array, may_lack, |_, values| {
        texts.extend(values);
        Ok(())
    })?;
    Ok(write_texts(parent, name, &texts)?)
}

/// Visits the values of every chunk, as far as it lies within the array; chunks without a file are fill values, where the
/// array `may_lack` any.
fn for_each_chunk<T: ElementOwned>(
    array: &Stored,
    may_lack: bool,
    mut visit: impl FnMut(&ArraySubset, Vec<T>) -> Result<(), ZarrError>,
) -> Result<(), ZarrError> {
    let path = array.path().as_str();
    let grid = ArraySubset::new_with_shape(array.chunk_grid_shape().clone());
    for position in &grid.indices() {
        let key = array.chunk_key(&position);
        if !may_lack
            && array
                .storage()
                .size_key(&key)
                .map_err(unread(path))?
                .is_none()
        {
            let lost = format!("its chunk {key} is not there; copy or download the data again");
            return Err(unread(path)(lost));
        }
        let chunk = array
            .chunk_subset_bounded(&position)
            .map_err(unread(path))?;
        let values = array
            .retrieve_array_subset_elements::<T>(&chunk)
            .map_err(unread(path))?;
        visit(&chunk, values)?;
    }
    Ok(())
}
