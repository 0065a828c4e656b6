//! A column of `obs` or `var` in memory, with the type of its values.

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};

use super::{
    H5adError,
    array::Array,
    column::{self, Texts},
    element::Element,
};

/// A column, one entry per row.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Labels; `None` where one is missing. Written as a categorical whose categories are sorted.
    Categorical(Vec<Option<String>>),
    /// Texts, mostly different ones.
    Text(Vec<String>),
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Numbers; NaN where one is missing.
    Number(Vec<f64>),
    /// Truth values.
    Truth(Vec<bool>),
}

impl Column {
    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Categorical(labels) => labels.len(),
            Self::Text(texts) => texts.len(),
            Self::Whole(numbers) => numbers.len(),
            Self::Number(numbers) => numbers.len(),
            Self::Truth(truths) => truths.len(),
        }
    }

    /// The entries of some rows.
    #[must_use]
    pub fn picked(&self, rows: &[u32]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter()
                .map(|&row| values[row as usize].clone())
                .collect()
        }
        match self {
            Self::Categorical(labels) => Self::Categorical(pick(labels, rows)),
            Self::Text(texts) => Self::Text(pick(texts, rows)),
            Self::Whole(numbers) => Self::Whole(pick(numbers, rows)),
            Self::Number(numbers) => Self::Number(pick(numbers, rows)),
            Self::Truth(truths) => Self::Truth(pick(truths, rows)),
        }
    }

    /// The values as text; `None` where one is missing.
    #[must_use]
    pub fn texts(&self) -> Vec<Option<String>> {
        match self {
            Self::Categorical(labels) => labels.clone(),
            Self::Text(texts) => texts.iter().cloned().map(Some).collect(),
            Self::Whole(numbers) => numbers.iter().map(|n| Some(n.to_string())).collect(),
            Self::Number(numbers) => numbers.iter().map(column::float).collect(),
            Self::Truth(truths) => truths.iter().map(|&t| Some(column::truth(t))).collect(),
        }
    }
}

/// Reads a column with the type that it has in the file; what has missing values is categorical, or, if
/// all numbers, [`Column::Number`].
pub(crate) fn read(column: &Element) -> Result<Column, H5adError> {
    match column {
        Element::Array(array) => read_array(array),
        Element::Group(group) => {
            let texts = column::read(column)?;
            let values = group.get("values")?;
            Ok(match values {
                Some(Element::Array(values)) if is_numeric(&values)? => {
                    Column::Number(numbers(&texts))
                }
                _ => Column::Categorical(texts),
            })
        }
    }
}

fn read_array(array: &Array) -> Result<Column, H5adError> {
    array.len()?;
    Ok(match array.dtype()?.to_descriptor() {
        Ok(TypeDescriptor::Boolean) => Column::Truth(
            array
                .read::<u8>()?
                .iter()
                .map(|&truth| truth != 0)
                .collect(),
        ),
        Ok(TypeDescriptor::Integer(_)) => Column::Whole(array.read()?),
        Ok(TypeDescriptor::Unsigned(size)) if size != IntSize::U8 => Column::Whole(array.read()?),
        Ok(TypeDescriptor::Float(FloatSize::U4 | FloatSize::U8)) => Column::Number(array.read()?),
        _ => {
            let texts = column::read(&Element::Array(array.clone()))?;
            match texts.into_iter().collect::<Option<Vec<String>>>() {
                Some(texts) => Column::Text(texts),
                None => Column::Categorical(column::read(&Element::Array(array.clone()))?),
            }
        }
    })
}

fn is_numeric(array: &Array) -> Result<bool, H5adError> {
    Ok(matches!(
        array.dtype()?.to_descriptor(),
        Ok(TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) | TypeDescriptor::Float(_))
    ))
}

fn numbers(texts: &Texts) -> Vec<f64> {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    texts
        .iter()
        .map(|text| number(text).unwrap_or(f64::NAN))
        .collect()
}
