//! A cells × genes matrix in the file: how it is stored, and whether its parts fit together.

use super::{
    H5adError,
    array::Array,
    element::{Element, Group},
    element_path::ElementPath,
};

/// How many runs of values [`Matrix::sample`] reads, spread evenly over the matrix.
const SAMPLE_RUNS: usize = 16;
/// How many stored values of a sparse matrix make a run.
const SAMPLE_RUN_VALUES: usize = 4096;

/// A matrix whose parts have the right lengths; its values are unread.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) n_cells: usize,
    pub(crate) n_genes: usize,
    pub(crate) storage: Storage,
    pub(crate) place: ElementPath,
}

/// How the values are laid out.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// A two-dimensional dataset.
    Dense(Array),
    /// A two-dimensional dataset of genes × cells.
    DenseByGenes(Array),
    /// Compressed sparse rows: cell by cell.
    Csr(Sparse),
    /// Compressed sparse columns: gene by gene.
    Csc(Sparse),
}

/// The three parts of a compressed sparse matrix.
#[derive(Debug, Clone)]
pub(crate) struct Sparse {
    /// The stored values.
    pub(crate) data: Array,
    /// The column (CSR) or row (CSC) of each value.
    pub(crate) indices: Array,
    /// Where each row (CSR) or column (CSC) starts in `data`.
    pub(crate) indptr: Array,
}

impl Matrix {
    /// Checks a matrix's encoding and the lengths of its parts.
    pub(crate) fn open(element: Element) -> Result<Self, H5adError> {
        let matrix = match element {
            Element::Array(array) => Self::open_dense(array)?,
            Element::Group(group) => Self::open_sparse(&group)?,
        };
        if u32::try_from(matrix.n_genes).is_err() {
            let found = format!("a matrix of {} genes", matrix.n_genes);
            return Err(matrix.place.encoding("fewer than 2^32 genes", found));
        }
        Ok(matrix)
    }

    pub(crate) fn open_dense(array: Array) -> Result<Self, H5adError> {
        array.check_numeric()?;
        let [n_cells, n_genes] = array.shape()[..] else {
            let found = format!("a dataset of shape {:?}", array.shape());
            return Err(array.place().encoding("a matrix of cells x genes", found));
        };
        Ok(Self {
            n_cells,
            n_genes,
            place: array.place().clone(),
            storage: Storage::Dense(array),
        })
    }

    /// A dataset of genes × cells.
    pub(crate) fn open_dense_by_genes(array: Array) -> Result<Self, H5adError> {
        let upright = Self::open_dense(array)?;
        let Storage::Dense(array) = upright.storage else {
            return Ok(upright);
        };
        Ok(Self {
            n_cells: upright.n_genes,
            n_genes: upright.n_cells,
            place: upright.place,
            storage: Storage::DenseByGenes(array),
        })
    }

    /// A group of `data`, `indices` and `indptr` that is known to be stored by cells.
    pub(crate) fn open_csr(
        group: &Group,
        n_cells: usize,
        n_genes: usize,
    ) -> Result<Self, H5adError> {
        let parts = Sparse::open(group)?;
        parts.check(n_cells)?;
        Ok(Self {
            n_cells,
            n_genes,
            storage: Storage::Csr(parts),
            place: group.place().clone(),
        })
    }

    fn open_sparse(group: &Group) -> Result<Self, H5adError> {
        let (n_cells, n_genes) = sparse_shape(group)?;
        let parts = Sparse::open(group)?;
        let encoding = group
            .text_attribute("encoding-type")
            .or_else(|| group.text_attribute("h5sparse_format"));
        let (n_major, storage) = match encoding.as_deref() {
            Some("csr_matrix" | "csr") => (n_cells, Storage::Csr(parts.clone())),
            Some("csc_matrix" | "csc") => (n_genes, Storage::Csc(parts.clone())),
            other => {
                let found = match other {
                    Some(encoding) => format!("a group encoded as '{encoding}'"),
                    None => "a group without the attribute 'encoding-type'".to_owned(),
                };
                let expected = "a dense dataset, a csr_matrix or a csc_matrix";
                return Err(group.place().encoding(expected, found));
            }
        };
        parts.check(n_major)?;
        Ok(Self {
            n_cells,
            n_genes,
            storage,
            place: group.place().clone(),
        })
    }

    /// Values from all over the matrix, at most 16 whole rows or 65,536 stored values.
    pub(crate) fn sample(&self) -> Result<Vec<f32>, H5adError> {
        match &self.storage {
            Storage::Dense(array) => {
                let rows = spread(self.n_cells, 1).map(|start| array.read_rows(start..start + 1));
                let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
                Ok(rows.iter().flatten().copied().collect())
            }
            Storage::DenseByGenes(array) => {
                let columns =
                    spread(self.n_cells, 1).map(|start| array.read_columns(start..start + 1));
                let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
                Ok(columns.iter().flatten().copied().collect())
            }
            Storage::Csr(parts) | Storage::Csc(parts) => {
                let n_values = parts.data.len()?;
                let runs = spread(n_values, SAMPLE_RUN_VALUES).map(|start| {
                    let end = n_values.min(start + SAMPLE_RUN_VALUES);
                    parts.data.read_range::<f32>(start..end)
                });
                Ok(runs.collect::<Result<Vec<_>, _>>()?.concat())
            }
        }
    }
}

impl Matrix {
    /// The values, less zeros, of some whole cells from all over the matrix; none where it is stored by genes.
    pub(crate) fn sample_rows(&self) -> Result<Vec<Vec<f32>>, H5adError> {
        let cells = spread(self.n_cells, 1);
        let mut rows: Vec<Vec<f32>> = match &self.storage {
            Storage::Dense(array) => cells
                .map(|cell| Ok(array.read_rows(cell..cell + 1)?.into_iter().collect()))
                .collect::<Result<_, H5adError>>()?,
            Storage::DenseByGenes(array) => cells
                .map(|cell| Ok(array.read_columns(cell..cell + 1)?.into_iter().collect()))
                .collect::<Result<_, H5adError>>()?,
            Storage::Csr(parts) => {
                let offsets = parts.offsets()?;
                cells
                    .map(|cell| parts.data.read_range(offsets[cell]..offsets[cell + 1]))
                    .collect::<Result<_, _>>()?
            }
            Storage::Csc(_) => Vec::new(),
        };
        for row in &mut rows {
            row.retain(|&value| value != 0.0 && value.is_finite());
        }
        Ok(rows)
    }
}

impl Sparse {
    fn open(group: &Group) -> Result<Self, H5adError> {
        Ok(Self {
            data: group.array("data")?,
            indices: group.array("indices")?,
            indptr: group.array("indptr")?,
        })
    }

    fn check(&self, n_major: usize) -> Result<(), H5adError> {
        self.data.check_numeric()?;
        self.indices.check_numeric()?;
        self.indptr.check_numeric()?;
        let n_values = self.data.len()?;
        let indices = &self.indices;
        indices.place().check_length(indices.len()?, n_values, || {
            format!("{} has {n_values} values", self.data.place().element())
        })?;
        let indptr = &self.indptr;
        let expected = n_major.saturating_add(1);
        indptr.place().check_length(indptr.len()?, expected, || {
            format!("its matrix has {n_major} rows or columns to point to")
        })
    }

    /// The offsets, which rise from 0 to the number of values. Costs 16 bytes per row or column.
    pub(crate) fn offsets(&self) -> Result<Vec<usize>, H5adError> {
        let n_values = self.data.len()?;
        let raw = self.indptr.read::<i64>()?;
        let mut offsets = Vec::with_capacity(raw.len());
        let mut previous = 0;
        for (position, &found) in raw.iter().enumerate() {
            let is_first = position == 0;
            let is_last = position + 1 == raw.len();
            let offset = usize::try_from(found).ok().filter(|&offset| {
                offset >= previous
                    && offset <= n_values
                    && (!is_first || offset == 0)
                    && (!is_last || offset == n_values)
            });
            previous = offset.ok_or_else(|| H5adError::Indptr {
                path: self.indptr.place().path(),
                element: self.indptr.place().element(),
                n_values,
                position,
                found,
            })?;
            offsets.push(previous);
        }
        Ok(offsets)
    }
}

fn sparse_shape(group: &Group) -> Result<(usize, usize), H5adError> {
    let shape = group
        .numbers_attribute("shape")
        .or_else(|| group.numbers_attribute("h5sparse_shape"));
    if let Some(&[n_cells, n_genes]) = shape.as_deref() {
        return Ok((n_cells as usize, n_genes as usize));
    }
    let expected = "a sparse matrix with an attribute 'shape' of two numbers";
    Err(group.place().encoding(expected, "a group without it"))
}

/// Where runs of a length start that are spread evenly over `0..n`.
fn spread(n: usize, run: usize) -> impl Iterator<Item = usize> {
    let n_runs = SAMPLE_RUNS.min(n.div_ceil(run));
    let step = n / n_runs.max(1);
    (0..n_runs).map(move |index| index * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_spread_over_everything() {
        assert_eq!(spread(0, 1).count(), 0);
        assert_eq!(spread(3, 1).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(spread(160, 1).last(), Some(150));
    }
}
