//! The cells of one value of an `obs` column, which a run may be restricted to.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{DataSet, ReadError};
use crate::names::listed_columns;

/// A column of `obs`, and the value that the wanted cells have there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// The column.
    pub column: String,
    /// Its value, as text.
    pub value: String,
}

impl FromStr for Within {
    type Err = String;

    /// `COLUMN=VALUE`; the value may hold further signs of equality.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((column, value)) if !column.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self {
                    column: column.trim().to_owned(),
                    value: value.trim().to_owned(),
                })
            }
            _ => Err(
                "must be COLUMN=VALUE, a column of obs and the value of the wanted cells"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.column, self.value)
    }
}

impl Within {
    /// Whether each cell of a data set has the value. `input` is its name, for messages.
    ///
    /// # Errors
    /// Where there is no such column, or no cell has the value: [`ReadError::NoCellWithin`] lists the values there are.
    pub fn cells(&self, data: &DataSet, input: &str) -> Result<Vec<bool>, ReadError> {
        let named = self.named_in(&data.obs.names());
        let Self { column, value } = named.as_ref().unwrap_or(self);
        let labels = data.obs.labels(column)?;
        let is_within: Vec<bool> = labels
            .iter()
            .map(|label| label.as_deref().map(str::trim) == Some(value))
            .collect();
        if is_within.contains(&true) {
            return Ok(is_within);
        }
        let values: BTreeSet<String> = labels.into_iter().flatten().collect();
        Err(ReadError::NoCellWithin {
            input: input.to_owned(),
            within: self.clone(),
            values: listed_columns(&values.into_iter().collect::<Vec<_>>()),
        })
    }

    /// The same with a column that is there, where another sign of equality ends its name.
    fn named_in(&self, columns: &[String]) -> Option<Self> {
        if columns.contains(&self.column) {
            return None;
        }
        let text = self.to_string();
        let mut splits = text
            .match_indices('=')
            .map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()));
        let (column, value) = splits.find(|(column, value)| {
            !value.is_empty() && columns.iter().any(|name| name == column)
        })?;
        Some(Self {
            column: column.to_owned(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sign_of_equality_ends_the_column() {
        let within: Within = "cell type=CD4=low".parse().expect("a value");
        assert_eq!((&*within.column, &*within.value), ("cell type", "CD4=low"));
        assert_eq!(within.to_string(), "cell type=CD4=low");
        let named = |columns: [&str; 2]| within.named_in(&columns.map(str::to_owned));
        let other = named(["cell", "cell type=CD4"]).expect("a column");
        assert_eq!((&*other.column, &*other.value), ("cell type=CD4", "low"));
        assert!(named(["cell type", "cell type=CD4"]).is_none() && named(["a", "b"]).is_none());
        for text in ["celltype", "=T", "celltype=", ""] {
            assert!(text.parse::<Within>().is_err(), "{text}");
        }
    }
}
