//! AnnData in the Zarr format, copied to HDF5: from there on it is read as an `.h5ad` file is.
//!
//! Format: <https://zarr-specs.readthedocs.io>, versions 2 and 3, with the names and attributes that AnnData has on HDF5.

use std::path::Path;

use hdf5::Location;
use serde_json::{Map, Value};
use zarrs::{
    array::{Array, ArrayMetadata, ArrayMetadataV2},
    group::Group,
    storage::{
        ListableStorageTraits, ReadableListableStorage, ReadableStorageTraits, StoreKey,
        StoreKeysPrefixes, StorePrefix,
    },
};

use super::{
    new_elements::{new_group, write_attribute, write_attribute_list},
    zarr_array::{Stored, copy_array},
    zarr_error::{ZarrError, unread},
};

/// Groups of matrices: none of them is needed.
const GROUPS: [&str; 2] = ["layers", "raw"];

/// Copies elements (paths of groups or arrays, as `layers/counts`) to a new HDF5 file; those that are not there are left
/// out, and so are columns of tables of a type that HDF5 or this program does not know. A matrix of such a type, or
/// names, are an error.
///
/// Chunks are copied one by one. Memory: a chunk, and all of an array of texts.
pub(crate) fn copy_zarr(
    store: &ReadableListableStorage,
    elements: &[&str],
    target: &Path,
) -> Result<(), ZarrError> {
    let file = hdf5::File::create(target)?;
    for element in elements {
        let (above, name) = element.rsplit_once('/').unwrap_or(("", element));
        if !children(store, above).iter().any(|found| found == name) {
            continue;
        }
        let mut group = file.group("/")?;
        for name in above.split('/').filter(|name| !name.is_empty()) {
            group = if group.link_exists(name) {
                group.group(name)?
            } else {
                new_group(&group, name)?
            };
        }
        let is_needed = !GROUPS.contains(element);
        copy(store, &format!("/{element}"), &group, name, is_needed)?;
    }
    Ok(file.close()?)
}

/// The names of what is in a group; none where there is no such group.
pub(crate) fn children(store: &ReadableListableStorage, group: &str) -> Vec<String> {
    let prefix = if group.is_empty() {
        Ok(StorePrefix::root())
    } else {
        StorePrefix::new(format!("{group}/"))
    };
    let found = prefix.ok().and_then(|prefix| store.list_dir(&prefix).ok());
    let folders = found.iter().flat_map(StoreKeysPrefixes::prefixes);
    let name = |path: &str| {
        path.trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    folders.filter_map(|prefix| name(prefix.as_str())).collect()
}

/// Copies a group and all that is in it, or an array. What is needed is an array that has to be whole and of a known type, or
/// a group of such: a sparse matrix, the index of a table.
fn copy(
    store: &ReadableListableStorage,
    path: &str,
    parent: &hdf5::Group,
    name: &str,
    is_needed: bool,
) -> Result<(), ZarrError> {
    let Ok(group) = Group::open(store.clone(), path) else {
        let array = open_array(store, path)?;
        if let Some(dataset) = copy_array(&array, parent, name, is_needed)? {
            copy_attributes(array.attributes(), &dataset)?;
        }
        return Ok(());
    };
    let copied = new_group(parent, name)?;
    copy_attributes(group.attributes(), &copied)?;
    let index = group.attributes().get("_index").and_then(Value::as_str);
    for child in children(store, path.trim_start_matches('/')) {
        let is_needed = index.map_or(is_needed, |index| index == child);
        let below = format!("{path}/{child}");
        copy(store, &below, &copied, &child, is_needed)?;
    }
    Ok(())
}

/// Opens an array. In version 2 zarr-python writes the fill value of truth values as one, where the format has a number.
fn open_array(store: &ReadableListableStorage, path: &str) -> Result<Stored, ZarrError> {
    let opened = Array::open(store.clone(), path);
    let key = StoreKey::new(format!("{}/.zarray", path.trim_start_matches('/')));
    let metadata = key.ok().and_then(|key| store.get(&key).ok().flatten());
    let (Err(error), Some(metadata)) = (&opened, metadata) else {
        return opened.map_err(unread(path));
    };
    let parsed = serde_json::from_slice::<Value>(&metadata);
    let mut parsed = parsed.map_err(unread(path))?;
    let Some(truth) = parsed["fill_value"].as_bool() else {
        return Err(unread(path)(error));
    };
    parsed["fill_value"] = u8::from(truth).into();
    let metadata: ArrayMetadataV2 = serde_json::from_value(parsed).map_err(unread(path))?;
    let metadata = ArrayMetadata::V2(metadata);
    Array::new_with_metadata(store.clone(), path, metadata).map_err(unread(path))
}

/// Copies what AnnData says of an element: texts, truth values, whole numbers, and lists of texts or of whole numbers.
fn copy_attributes(attributes: &Map<String, Value>, location: &Location) -> hdf5::Result<()> {
    for (name, value) in attributes {
        match value {
            Value::String(text) => write_attribute(location, name, text)?,
            Value::Bool(truth) => location
                .new_attr::<bool>()
                .create(name.as_str())?
                .write_scalar(truth)?,
            Value::Array(values) => copy_list(location, name, values)?,
            _ => {}
        }
    }
    Ok(())
}

fn copy_list(location: &Location, name: &str, values: &[Value]) -> hdf5::Result<()> {
    let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    let numbers: Option<Vec<i64>> = values.iter().map(Value::as_i64).collect();
    match (texts, numbers) {
        (Some(texts), _) => write_attribute_list(location, name, &texts),
        (None, Some(numbers)) => {
            let attribute = location.new_attr_builder().with_data(&numbers);
            attribute.create(name).map(drop)
        }
        (None, None) => Ok(()),
    }
}
