//! Tables as Apache Parquet, which pandas, polars and R's arrow read.

use std::{fs::File, io::Write, ops::Range, path::Path, sync::Arc};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::Result,
    file::{
        properties::{WriterProperties, WriterPropertiesPtr},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{ColumnPath, Type, TypePtr},
};

use super::{Column, Values};

/// Rows that lie in memory at once.
const ROWS_OF_A_GROUP: usize = 1 << 17;

/// Writes the columns under their titles, in groups of rows.
pub(super) fn write(path: &Path, columns: &[Column<'_>], n_rows: usize) -> Result<()> {
    let file = File::create(path)?;
    let mut table = SerializedFileWriter::new(file, schema(columns)?, properties(columns))?;
    for start in (0..n_rows).step_by(ROWS_OF_A_GROUP) {
        let rows = start..n_rows.min(start + ROWS_OF_A_GROUP);
        let mut group = table.next_row_group()?;
        for column in columns {
            write_column(&mut group, column, rows.clone())?;
        }
        group.close()?;
    }
    table.close().map(drop)
}

fn schema(columns: &[Column<'_>]) -> Result<TypePtr> {
    let fields = columns.iter().map(|column| {
        let field = match column.values {
            Values::Text(_) => Type::primitive_type_builder(&column.title, Physical::BYTE_ARRAY)
                .with_logical_type(Some(LogicalType::String))
                .with_repetition(Repetition::OPTIONAL),
            Values::Whole(_) => required(&column.title, Physical::INT64),
            Values::Float(_) | Values::ThreeDecimals(_) => required(&column.title, Physical::FLOAT),
            Values::Double(_) | Values::Exponent(_) => required(&column.title, Physical::DOUBLE),
        };
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let table = Type::group_type_builder("schema").with_fields(fields);
    table.build().map(Arc::new)
}

fn required(title: &str, physical: Physical) -> ::parquet::schema::types::PrimitiveTypeBuilder<'_> {
    Type::primitive_type_builder(title, physical).with_repetition(Repetition::REQUIRED)
}

/// Floats hardly repeat, so they get no dictionary.
fn properties(columns: &[Column<'_>]) -> WriterPropertiesPtr {
    let program = concat!("attentionae-sc ", env!("CARGO_PKG_VERSION"));
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(program.to_owned());
    for column in columns {
        if !matches!(column.values, Values::Text(_) | Values::Whole(_)) {
            let path = ColumnPath::new(vec![column.title.clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    Arc::new(properties.build())
}

fn write_column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Column<'_>,
    rows: Range<usize>,
) -> Result<()> {
    match &column.values {
        Values::Text(text) => {
            let texts: Vec<_> = rows.map(text).collect();
            let present: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
            let texts: Vec<_> = texts.into_iter().flatten().map(ByteArray::from).collect();
            write_values::<ByteArrayType, W>(group, &texts, Some(&present))
        }
        Values::Whole(value) => {
            let values: Vec<_> = rows.map(value).collect();
            write_values::<Int64Type, W>(group, &values, None)
        }
        Values::Float(value) | Values::ThreeDecimals(value) => {
            let values: Vec<_> = rows.map(value).collect();
            write_values::<FloatType, W>(group, &values, None)
        }
        Values::Double(value) | Values::Exponent(value) => {
            let values: Vec<_> = rows.map(value).collect();
            write_values::<DoubleType, W>(group, &values, None)
        }
    }
}

/// Writes the next column of a group: its values, and where some can be missing which rows have one.
fn write_values<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> Result<()> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, present, None)?;
        column.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ::parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    use super::*;

    #[test]
    fn values_and_their_types_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.parquet");
        let names = ["T cell", "ß, \"quoted\""];
        let n_rows = ROWS_OF_A_GROUP + 3;
        let columns = [
            Column::new(
                "cell",
                Values::Text(Box::new(|row| names.get(row % 3).copied())),
            ),
            Column::new("label", Values::Whole(Box::new(|row| row as i64 - 7))),
            Column::new("z1", Values::Float(Box::new(|row| row as f32 / 3.0))),
            Column::new(
                "of a gene",
                Values::Exponent(Box::new(|row| 1e-300 / (1 + row) as f64)),
            ),
        ];
        write(&path, &columns, n_rows).expect("written");
        let file = SerializedFileReader::new(File::open(&path).expect("open")).expect("Parquet");
        assert_eq!(file.metadata().num_row_groups(), 2);
        for (row, read) in file.get_row_iter(None).expect("rows").enumerate() {
            let read: Vec<_> = read.expect("a row").into_columns();
            let name = names
                .get(row % 3)
                .map_or(Field::Null, |&name| Field::Str(name.to_owned()));
            let expected = [
                ("cell", name),
                ("label", Field::Long(row as i64 - 7)),
                ("z1", Field::Float(row as f32 / 3.0)),
                ("of a gene", Field::Double(1e-300 / (1 + row) as f64)),
            ];
            assert_eq!(
                read,
                expected.map(|(title, value)| (title.to_owned(), value))
            );
        }
    }

    #[test]
    fn a_table_without_rows_has_its_columns() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.parquet");
        let columns = [Column::new("cell", Values::Text(Box::new(|_| None)))];
        write(&path, &columns, 0).expect("written");
        let file = SerializedFileReader::new(File::open(&path).expect("open")).expect("Parquet");
        let about = file.metadata().file_metadata();
        assert_eq!(about.num_rows(), 0);
        assert_eq!(about.schema().get_fields()[0].name(), "cell");
    }
}
