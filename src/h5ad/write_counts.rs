//! Writing counts as a CSR matrix, a run of cells at a time.

use hdf5::{Dataset, Group, H5Type};

use super::new_elements::{CHUNK, GZIP_LEVEL, encode, new_group, write_values};
use crate::counts::{CountSource, CountsError};

/// Cells that are in memory at once.
const CELLS: usize = 1024;

/// Why counts are not written: they cannot be read, or not be written.
pub(super) enum Failed {
    Read(CountsError),
    Write(hdf5::Error),
}

impl From<CountsError> for Failed {
    fn from(error: CountsError) -> Self {
        Self::Read(error)
    }
}

impl From<hdf5::Error> for Failed {
    fn from(error: hdf5::Error) -> Self {
        Self::Write(error)
    }
}

/// Writes `X` as SciPy keeps it: columns in 32 bits, offsets in 32 bits where they fit.
pub(super) fn write_csr(file: &Group, counts: &dyn CountSource) -> Result<(), Failed> {
    let group = new_group(file, "X")?;
    encode(&group, "csr_matrix", "0.1.0")?;
    let (n_cells, n_genes) = (counts.n_cells(), counts.n_genes());
    let shape = [n_cells as i64, n_genes as i64];
    group.new_attr_builder().with_data(&shape).create("shape")?;
    let data = growing::<f32>(&group, "data")?;
    let indices = growing::<i32>(&group, "indices")?;
    let mut offsets = Vec::with_capacity(n_cells + 1);
    offsets.push(0_i64);
    for start in (0..n_cells).step_by(CELLS) {
        let rows = counts.rows(start..n_cells.min(start + CELLS))?;
        let first = offsets[start];
        let ends = rows
            .proper_indptr()
            .iter()
            .skip(1)
            .map(|&end| first + end as i64)
            .collect::<Vec<_>>();
        offsets.extend(ends);
        append(&data, rows.data())?;
        let columns: Vec<i32> = rows.indices().iter().map(|&gene| gene as i32).collect();
        append(&indices, &columns)?;
    }
    let narrow: Result<Vec<i32>, _> = offsets.iter().map(|&offset| offset.try_into()).collect();
    match narrow {
        Ok(narrow) => write_values(&group, "indptr", &narrow)?,
        Err(_) => write_values(&group, "indptr", &offsets)?,
    };
    Ok(())
}

/// An empty compressed dataset that grows.
fn growing<T: H5Type>(group: &Group, name: &str) -> hdf5::Result<Dataset> {
    let builder = group.new_dataset::<T>().shape(0..).chunk(CHUNK);
    let builder = builder.obj_track_times(false).shuffle();
    builder.deflate(GZIP_LEVEL).create(name)
}

fn append<T: H5Type>(dataset: &Dataset, values: &[T]) -> hdf5::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let start = dataset.size();
    dataset.resize(start + values.len())?;
    dataset.write_slice(values, start..start + values.len())
}
