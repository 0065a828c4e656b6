//! A column of `obs` or `var` as text, whatever its encoding.

use hdf5::types::{FloatSize, TypeDescriptor};

use super::{
    H5adError,
    array::Array,
    element::{Element, Group},
    text,
};

/// Values as text; `None` where one is missing.
pub(crate) type Texts = Vec<Option<String>>;

const EXPECTED: &str =
    "a column that anndata writes (text, categorical, numbers, true/false, or these with a mask)";

/// Number of rows of a column, without reading it.
pub(crate) fn len(column: &Element) -> Result<usize, H5adError> {
    match column {
        Element::Array(array) => array.len(),
        Element::Group(group) => match (group.get("codes")?, group.get("values")?) {
            (Some(Element::Array(array)), _) | (_, Some(Element::Array(array))) => array.len(),
            _ => Err(unknown(group)),
        },
    }
}

/// All values of a column as text. Whole numbers have no decimal point.
pub(crate) fn read(column: &Element) -> Result<Texts, H5adError> {
    match column {
        Element::Array(array) => read_array(array),
        Element::Group(group) if group.get("codes")?.is_some() => {
            categorical(&group.array("codes")?, &group.require("categories")?)
        }
        Element::Group(group) if group.get("values")?.is_some() => masked(group),
        Element::Group(group) => Err(unknown(group)),
    }
}

/// The texts that `codes` stand for; −1 is a missing value.
pub(crate) fn categorical(codes: &Array, categories: &Element) -> Result<Texts, H5adError> {
    codes.check_numeric()?;
    let categories = read(categories)?;
    let place = codes.place();
    let decode = |code: i64| match usize::try_from(code) {
        Err(_) => Ok(None),
        Ok(code) if code < categories.len() => Ok(categories[code].clone()),
        Ok(_) => Err(H5adError::OutOfRange {
            path: place.path(),
            element: place.element(),
            found: code,
            limit: categories.len(),
        }),
    };
    codes.read::<i64>()?.into_iter().map(decode).collect()
}

/// A nullable column: `values`, and a `mask` that is true where a value is missing.
fn masked(group: &Group) -> Result<Texts, H5adError> {
    let values = group.array("values")?;
    let mask = group.array("mask")?;
    let n_values = values.len()?;
    mask.place().check_length(mask.len()?, n_values, || {
        format!("{} has {n_values} entries", values.place().element())
    })?;
    mask.check_numeric()?;
    let mask = mask.read::<u8>()?;
    let texts = read_array(&values)?;
    let hide = |(text, masked): (_, u8)| if masked == 0 { text } else { None };
    Ok(texts.into_iter().zip(mask).map(hide).collect())
}

fn read_array(array: &Array) -> Result<Texts, H5adError> {
    array.len()?;
    let dtype = array.dtype()?;
    match dtype.to_descriptor() {
        Ok(descriptor) if text::is_text(&descriptor) => {
            let texts = text::read(array.container(), array.place())?;
            Ok(texts.into_iter().map(Some).collect())
        }
        Ok(TypeDescriptor::Boolean) => {
            let truths = array.read::<u8>()?;
            Ok(truths
                .iter()
                .map(|&value| Some(truth(value != 0)))
                .collect())
        }
        Ok(TypeDescriptor::Integer(_)) => whole(&array.read::<i64>()?),
        Ok(TypeDescriptor::Unsigned(_)) => whole(&array.read::<u64>()?),
        Ok(TypeDescriptor::Float(FloatSize::U8)) => {
            Ok(array.read::<f64>()?.iter().map(float).collect())
        }
        // HDF5's own description of half-precision numbers is not understood, but they convert.
        Ok(TypeDescriptor::Float(_)) | Err(_) if dtype.conv_to::<f32>().is_some() => {
            Ok(array.read::<f32>()?.iter().map(float).collect())
        }
        _ => Err(array.place().encoding(EXPECTED, format!("of type {dtype}"))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of `read_array`")]
fn whole<T: ToString>(values: &[T]) -> Result<Texts, H5adError> {
    Ok(values.iter().map(|value| Some(value.to_string())).collect())
}

/// The shortest text that reads back as the same number; NaN is a missing value, and 0 has no sign.
pub(super) fn float<T: ToString + Copy + Into<f64>>(value: &T) -> Option<String> {
    match (*value).into() {
        number if number.is_nan() => None,
        0.0 => Some("0".to_owned()),
        _ => Some(value.to_string()),
    }
}

/// A truth value as Python writes it.
pub(super) fn truth(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}

fn unknown(group: &Group) -> H5adError {
    let found = match group.text_attribute("encoding-type") {
        Some(encoding) => format!("a group encoded as '{encoding}'"),
        None => "a group of unknown encoding".to_owned(),
    };
    group.place().encoding(EXPECTED, found)
}
