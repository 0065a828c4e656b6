//! Tables as text.

use std::{fmt::Write as _, path::Path};

use super::{Column, Values};

/// Writes a header, then a line per row.
pub(super) fn write(
    path: &Path,
    columns: &[Column<'_>],
    n_rows: usize,
) -> Result<(), ::csv::Error> {
    let mut table = ::csv::Writer::from_path(path)?;
    table.write_record(columns.iter().map(|column| &column.title))?;
    let mut number = String::new();
    for row in 0..n_rows {
        for column in columns {
            number.clear();
            let written = match &column.values {
                Values::Text(text) => {
                    table.write_field(text(row).unwrap_or_default())?;
                    continue;
                }
                Values::Whole(value) => write!(number, "{}", value(row)),
                Values::Float(value) => write!(number, "{}", value(row)),
                Values::ThreeDecimals(value) => write!(number, "{:.3}", value(row)),
                Values::Double(value) => write!(number, "{}", value(row)),
                Values::Exponent(value) => write!(number, "{:e}", value(row)),
            };
            written.map_err(std::io::Error::other)?;
            table.write_field(&number)?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    Ok(table.flush()?)
}
