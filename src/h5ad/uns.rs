//! JSON values in `uns`, in anndata's encoding.

use hdf5::{Group, H5Type, types::VarLenUnicode};
use serde_json::{Map, Value};

use super::new_elements::{encode, new_group, text, write_texts};

/// Writes an object as a group of its entries. `null` has no encoding that every version of anndata reads: such
/// entries are left out.
pub(super) fn write_dict(
    parent: &Group,
    name: &str,
    entries: &Map<String, Value>,
) -> hdf5::Result<()> {
    let group = new_group(parent, name)?;
    encode(&group, "dict", "0.1.0")?;
    for (name, value) in entries {
        // A slash would make a group of what stands before it.
        write_entry(&group, &name.replace('/', "_"), value)?;
    }
    Ok(())
}

fn write_entry(group: &Group, name: &str, value: &Value) -> hdf5::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(value) => write_number(group, name, value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => write_number(group, name, &whole),
            None => write_number(group, name, &number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => write_text(group, name, value),
        Value::Object(entries) => write_dict(group, name, entries),
        Value::Array(values) => write_list(group, name, values),
    }
}

/// A list of texts or of numbers as such; any other as the JSON that it is.
fn write_list(group: &Group, name: &str, values: &[Value]) -> hdf5::Result<()> {
    let texts: Option<Vec<String>> = values
        .iter()
        .map(|v| Some(v.as_str()?.to_owned()))
        .collect();
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    match (numbers, texts) {
        (Some(numbers), _) => {
            let builder = group.new_dataset_builder().with_data(&numbers);
            let dataset = builder.obj_track_times(false).create(name)?;
            encode(&dataset, "array", "0.2.0")
        }
        (None, Some(texts)) => write_texts(group, name, &texts),
        (None, None) => write_text(group, name, &Value::from(values).to_string()),
    }
}

fn write_number<T: H5Type>(group: &Group, name: &str, value: &T) -> hdf5::Result<()> {
    let builder = group.new_dataset::<T>().obj_track_times(false);
    let dataset = builder.create(name)?;
    dataset.write_scalar(value)?;
    encode(&dataset, "numeric-scalar", "0.2.0")
}

/// A single text.
pub(super) fn write_text(group: &Group, name: &str, value: &str) -> hdf5::Result<()> {
    let builder = group.new_dataset::<VarLenUnicode>().obj_track_times(false);
    let dataset = builder.create(name)?;
    dataset.write_scalar(&text(value)?)?;
    encode(&dataset, "string", "0.2.0")
}
