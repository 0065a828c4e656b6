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

    /// Columns below each other, each with its number of rows; where there is no column, its values are missing. Whole
    /// numbers and others are numbers, and other columns of different types labels.
    #[must_use]
    pub fn stacked(parts: Vec<(Option<Self>, usize)>) -> Self {
        let parts = parts.into_iter().filter(|(_, n_rows)| *n_rows > 0);
        let columns = parts.map(|(column, n_rows)| {
            column.unwrap_or_else(|| Self::Categorical(vec![None; n_rows]))
        });
        let stacked = columns.reduce(Self::followed_by);
        stacked.unwrap_or_else(|| Self::Categorical(Vec::new()))
    }

    fn followed_by(self, next: Self) -> Self {
        match (self, next) {
            (Self::Categorical(labels), Self::Categorical(more)) => {
                Self::Categorical(joined(labels, more))
            }
            (Self::Text(texts), Self::Text(more)) => Self::Text(joined(texts, more)),
            (Self::Whole(numbers), Self::Whole(more)) => Self::Whole(joined(numbers, more)),
            (Self::Number(numbers), Self::Number(more)) => Self::Number(joined(numbers, more)),
            (Self::Truth(truths), Self::Truth(more)) => Self::Truth(joined(truths, more)),
            (column, next) => match (column.numbers(), next.numbers()) {
                (Some(numbers), Some(more)) => Self::Number(joined(numbers, more)),
                _ => Self::Categorical(joined(column.texts(), next.texts())),
            },
        }
    }

    /// The values where all are numbers or missing.
    fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Number(numbers) => Some(numbers.clone()),
            Self::Whole(numbers) => Some(numbers.iter().map(|&number| number as f64).collect()),
            Self::Categorical(labels) if labels.iter().all(Option::is_none) => {
                Some(vec![f64::NAN; labels.len()])
            }
            Self::Categorical(_) | Self::Text(_) | Self::Truth(_) => None,
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

/// The values of both, without a copy of the first.
fn joined<T>(mut values: Vec<T>, more: Vec<T>) -> Vec<T> {
    values.extend(more);
    values
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

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &[&str]) -> Vec<Option<String>> {
        let label = |text: &&str| (*text != "-").then(|| (*text).to_owned());
        of.iter().map(label).collect()
    }

    #[test]
    fn columns_below_each_other_keep_what_type_they_can() {
        let whole = || Some(Column::Whole(vec![1, 2]));
        let stacked = |parts| Column::stacked(parts);
        assert_eq!(
            stacked(vec![(whole(), 2), (None, 0), (whole(), 2)]),
            Column::Whole(vec![1, 2, 1, 2])
        );
        let number = Some(Column::Number(vec![0.5]));
        let found = stacked(vec![(None, 1), (whole(), 2), (number, 1)]);
        assert!(matches!(found, Column::Number(_)), "{found:?}");
        assert_eq!(found.texts(), labels(&["-", "1", "2", "0.5"]));
        assert_eq!(
            stacked(vec![(None, 1), (None, 2)]),
            Column::Categorical(labels(&["-", "-", "-"]))
        );
        let text = Some(Column::Text(vec!["a".to_owned()]));
        let truth = Some(Column::Truth(vec![true]));
        assert_eq!(
            stacked(vec![(text, 1), (None, 1), (truth, 1)]),
            Column::Categorical(labels(&["a", "-", "True"]))
        );
    }
}
