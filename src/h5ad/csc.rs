//! Rows of a matrix stored column by column.
//!
//! Such a matrix cannot be streamed by cells, so it is turned into rows when it is opened. Its
//! indices are read once to count each cell's values; then cells are taken in bands, each as many as
//! fit 1 GiB, and the whole matrix is read once per band. A single band stays in memory, 8 bytes per
//! stored value. Several are written to a temporary file, 8 bytes per stored value on disk, from which
//! rows are read: memory is bounded by a band, time grows with their number. 16 bytes per cell and
//! gene come on top.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    sync::{Mutex, PoisonError},
};

use super::{
    H5adError,
    csr::for_each_index,
    element_path::ElementPath,
    matrix::{Matrix, Sparse},
    sparse_rows::SparseRows,
};

/// How many values are read at once.
const BLOCK: usize = 1 << 20;
/// Bytes of a stored value with its column.
const VALUE_BYTES: usize = 8;
/// Stored values of a band: 1 GiB.
const BAND: usize = (1 << 30) / VALUE_BYTES;

/// A matrix by rows; columns within a row are sorted.
#[derive(Debug)]
pub(super) struct Turned {
    offsets: Vec<usize>,
    values: Values,
    place: ElementPath,
}

/// Where the values lie, row after row.
#[derive(Debug)]
enum Values {
    Memory {
        columns: Vec<u32>,
        values: Vec<f32>,
    },
    /// Each value as its column and itself, 4 bytes each.
    Disk(Mutex<File>),
}

/// The whole matrix by rows.
pub(super) fn turn(matrix: &Matrix, parts: &Sparse) -> Result<Turned, H5adError> {
    turn_in_bands(matrix, parts, BAND)
}

fn turn_in_bands(matrix: &Matrix, parts: &Sparse, band: usize) -> Result<Turned, H5adError> {
    let starts = parts.offsets()?;
    let offsets = row_offsets(matrix, parts)?;
    let bands = bands(&offsets, band);
    let values = if let [all] = &bands[..] {
        let (columns, values) = read_band(parts, &starts, &offsets, all.clone())?;
        Values::Memory { columns, values }
    } else {
        let spill = |failed| spilling(&matrix.place, &failed);
        let mut file = BufWriter::new(tempfile::tempfile().map_err(spill)?);
        for cells in bands {
            let (columns, values) = read_band(parts, &starts, &offsets, cells)?;
            for (column, value) in columns.iter().zip(&values) {
                file.write_all(&column.to_le_bytes()).map_err(spill)?;
                file.write_all(&value.to_le_bytes()).map_err(spill)?;
            }
        }
        let file = file.into_inner().map_err(|e| spill(e.into_error()))?;
        Values::Disk(Mutex::new(file))
    };
    Ok(Turned {
        offsets,
        values,
        place: matrix.place.clone(),
    })
}

/// Where each cell's values start, once they lie row after row.
fn row_offsets(matrix: &Matrix, parts: &Sparse) -> Result<Vec<usize>, H5adError> {
    let mut offsets = vec![0_usize; matrix.n_cells + 1];
    for_each_index(
        &parts.indices,
        0..parts.data.len()?,
        matrix.n_cells,
        |cell| offsets[cell as usize + 1] += 1,
    )?;
    for cell in 0..matrix.n_cells {
        offsets[cell + 1] += offsets[cell];
    }
    Ok(offsets)
}

/// Runs of cells, each of at most `most` values, or of one cell.
fn bands(offsets: &[usize], most: usize) -> Vec<Range<usize>> {
    let n_cells = offsets.len() - 1;
    let mut bands = Vec::new();
    let mut start = 0;
    while start < n_cells {
        let fits = offsets.partition_point(|&offset| offset <= offsets[start] + most);
        let end = (fits - 1).max(start + 1);
        bands.push(start..end);
        start = end;
    }
    bands
}

/// The columns and values of a band of cells, row after row, from one pass over the matrix.
fn read_band(
    parts: &Sparse,
    starts: &[usize],
    offsets: &[usize],
    cells: Range<usize>,
) -> Result<(Vec<u32>, Vec<f32>), H5adError> {
    let first = offsets[cells.start];
    let n_band = offsets[cells.end] - first;
    let mut next = offsets[cells.clone()].to_vec();
    let mut columns = vec![0_u32; n_band];
    let mut values = vec![0_f32; n_band];
    let n_values = parts.data.len()?;
    let n_cells = offsets.len() - 1;
    let mut gene = 0;
    for start in (0..n_values).step_by(BLOCK) {
        let stored = start..n_values.min(start + BLOCK);
        let block = parts.data.read_range::<f32>(stored.clone())?;
        let mut position = 0;
        for_each_index(&parts.indices, stored, n_cells, |cell| {
            while starts[gene + 1] <= start + position {
                gene += 1;
            }
            if cells.contains(&(cell as usize)) {
                let slot = &mut next[cell as usize - cells.start];
                columns[*slot - first] = gene as u32;
                values[*slot - first] = block[position];
                *slot += 1;
            }
            position += 1;
        })?;
    }
    Ok((columns, values))
}

impl Turned {
    /// A run of rows.
    pub(super) fn read_rows(&self, cells: Range<usize>) -> Result<SparseRows, H5adError> {
        let stored = self.offsets[cells.start]..self.offsets[cells.end];
        let (columns, values) = match &self.values {
            Values::Memory { columns, values } => (
                columns[stored.clone()].to_vec(),
                values[stored.clone()].to_vec(),
            ),
            Values::Disk(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                read_spilled(&mut file, stored.clone()).map_err(|e| spilling(&self.place, &e))?
            }
        };
        let offsets = self.offsets[cells.start..=cells.end].iter();
        Ok(SparseRows {
            offsets: offsets.map(|offset| offset - stored.start).collect(),
            columns,
            values,
        })
    }
}

fn read_spilled(file: &mut File, stored: Range<usize>) -> std::io::Result<(Vec<u32>, Vec<f32>)> {
    file.seek(SeekFrom::Start((stored.start * VALUE_BYTES) as u64))?;
    let mut bytes = vec![0; stored.len() * VALUE_BYTES];
    file.read_exact(&mut bytes)?;
    let pairs = bytes.chunks_exact(VALUE_BYTES).map(|pair| {
        let column = u32::from_le_bytes([pair[0], pair[1], pair[2], pair[3]]);
        let value = f32::from_le_bytes([pair[4], pair[5], pair[6], pair[7]]);
        (column, value)
    });
    Ok(pairs.unzip())
}

fn spilling(place: &ElementPath, reason: &std::io::Error) -> H5adError {
    H5adError::Spill {
        path: place.path(),
        element: place.element(),
        folder: std::env::temp_dir(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use hdf5::File;

    use super::*;
    use crate::h5ad::{element::Group, matrix::Storage};

    #[test]
    fn bands_hold_what_fits_or_one_cell() {
        assert_eq!(bands(&[0, 3, 5, 5, 12, 13], 5), [0..3, 3..4, 4..5]);
        for one in [bands(&[0, 1, 2], 10), bands(&[0, 0, 0], 1)] {
            assert_eq!((one.len(), one[0].clone()), (1, 0..2));
        }
        assert!(bands(&[0], 1).is_empty());
    }

    #[test]
    fn bands_on_disk_give_the_same_rows_as_memory() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.h5");
        let file = File::create(&path)?;
        let group = file.create_group("X")?;
        // Column i of 50 holds rows i, i + 7, … of 90: some rows of every length.
        let mut indices = Vec::new();
        let mut indptr = vec![0];
        for column in 0..50_i64 {
            indices.extend((column % 13..90).step_by(7));
            indptr.push(indices.len() as i64);
        }
        let values: Vec<f32> = (0..indices.len()).map(|value| value as f32).collect();
        let shape = group.new_attr_builder().with_data(&[90_i64, 50]);
        shape.create("shape")?;
        let format = group.new_attr::<hdf5::types::VarLenUnicode>();
        format
            .create("encoding-type")?
            .write_scalar(&"csc_matrix".parse::<hdf5::types::VarLenUnicode>()?)?;
        group
            .new_dataset_builder()
            .with_data(&indices)
            .create("indices")?;
        group
            .new_dataset_builder()
            .with_data(&indptr)
            .create("indptr")?;
        group
            .new_dataset_builder()
            .with_data(&values)
            .create("data")?;
        let root = Group::root(&file, &path)?;
        let matrix = Matrix::open(root.require("X")?)?;
        let Storage::Csc(parts) = &matrix.storage else {
            panic!("a CSC matrix");
        };
        let memory = turn_in_bands(&matrix, parts, BAND)?;
        let disk = turn_in_bands(&matrix, parts, 60)?;
        assert!(matches!(memory.values, Values::Memory { .. }));
        assert!(matches!(disk.values, Values::Disk(_)));
        for cells in [0..90, 3..4, 40..77, 90..90] {
            let (memory, disk) = (memory.read_rows(cells.clone())?, disk.read_rows(cells)?);
            assert_eq!(memory.offsets, disk.offsets);
            assert_eq!(memory.columns, disk.columns);
            assert_eq!(memory.values, disk.values);
        }
        Ok(())
    }
}
