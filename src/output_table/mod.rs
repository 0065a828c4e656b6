//! Tables of cells or genes: their columns, and the formats that they are written in.

mod csv;
mod parquet;

use std::path::Path;

use strum::{EnumString, IntoStaticStr, VariantNames};

/// The format of a table's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum TableFormat {
    /// Text with commas between the columns, and a header.
    #[default]
    Csv,
    /// [Apache Parquet](https://parquet.apache.org), compressed with Snappy.
    Parquet,
}

impl TableFormat {
    /// The ending of its files: `csv`.
    #[must_use]
    pub fn ending(self) -> &'static str {
        self.into()
    }

    /// Writes a table of `n_rows` rows to exactly this path.
    pub(crate) fn write(
        self,
        path: &Path,
        columns: &[Column<'_>],
        n_rows: usize,
    ) -> Result<(), TableError> {
        match self {
            Self::Csv => csv::write(path, columns, n_rows).map_err(TableError::Csv),
            Self::Parquet => parquet::write(path, columns, n_rows).map_err(TableError::Parquet),
        }
    }
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// As CSV.
    #[error(transparent)]
    Csv(::csv::Error),
    /// As Parquet.
    #[error(transparent)]
    Parquet(::parquet::errors::ParquetError),
}

/// A column of a table.
pub(crate) struct Column<'a> {
    pub title: String,
    pub values: Values<'a>,
}

impl<'a> Column<'a> {
    pub(crate) fn new(title: impl Into<String>, values: Values<'a>) -> Self {
        Self {
            title: title.into(),
            values,
        }
    }
}

/// The value of each row, by its number, and the type that a column of such values has in Parquet.
pub(crate) enum Values<'a> {
    /// A string. `None` is an empty field in CSV, and null in Parquet.
    Text(Box<dyn Fn(usize) -> Option<&'a str> + 'a>),
    /// A 64-bit integer.
    Whole(Box<dyn Fn(usize) -> i64 + 'a>),
    /// A 32-bit float. In CSV it is the shortest decimal that reads back as the same number.
    Float(Box<dyn Fn(usize) -> f32 + 'a>),
    /// A 32-bit float. In CSV it has three decimals.
    ThreeDecimals(Box<dyn Fn(usize) -> f32 + 'a>),
    /// A 64-bit float.
    Double(Box<dyn Fn(usize) -> f64 + 'a>),
    /// A 64-bit float, which may be very small: in CSV it has an exponent.
    Exponent(Box<dyn Fn(usize) -> f64 + 'a>),
}
