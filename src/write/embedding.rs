//! Each cell's embedding as a table.

use std::path::Path;

use ndarray::ArrayView2;

use super::{WriteError, labels::cell_names, write_file};
use crate::output_table::{Column, TableFormat, Values};

/// Writes `cell,z1,z2,…`, one row per cell, of numbers that read back as the same `f32`.
///
/// `names` are the cells of the rows of `z` (cells × dimensions); names should be unique.
pub fn write_embedding(
    path: &Path,
    format: TableFormat,
    names: &[String],
    z: ArrayView2<f32>,
) -> Result<(), WriteError> {
    let dimensions = z.columns().into_iter().enumerate();
    let dimensions = dimensions.map(|(dimension, values)| {
        let title = format!("z{}", dimension + 1);
        Column::new(title, Values::Float(Box::new(move |cell| values[cell])))
    });
    let columns: Vec<_> = [cell_names(names)].into_iter().chain(dimensions).collect();
    write_file(path, |path| format.write(path, &columns, names.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn numbers_read_back_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let names = ["a", "b"].map(String::from);
        let z = array![
            [0.1_f32, -1.0, 1.0 / 3.0],
            [f32::MIN_POSITIVE, 16_777_217.0, -0.0]
        ];
        write_embedding(&path, TableFormat::Csv, &names, z.view()).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("cell,z1,z2,z3"));
        for ((line, name), row) in lines.zip(&names).zip(z.rows()) {
            let mut fields = line.split(',');
            assert_eq!(fields.next(), Some(name.as_str()));
            let read: Vec<f32> = fields.map(|f| f.parse().expect("a number")).collect();
            assert_eq!(read, row.to_vec());
        }
        assert!(text.contains("a,0.1,-1,0.33333334\n"));
        assert_eq!(text.lines().count(), 3);
    }
}
