//! The cells of several count matrices below each other.

use std::ops::Range;

use super::selected::NONE;
use crate::counts::{CountSource, CountsError, Csr};

/// Matrices whose columns are moved to those of one matrix. Rows are read from them as they are asked for.
#[derive(Debug)]
pub(super) struct Stacked {
    parts: Vec<Part>,
    n_cells: usize,
    n_genes: usize,
}

#[derive(Debug)]
struct Part {
    counts: Box<dyn CountSource>,
    /// The row that its first cell is.
    first: usize,
    /// The new position of each of its columns, [`NONE`] where it is left out.
    positions: Vec<u32>,
}

impl Stacked {
    /// `parts`: matrices, and for each of their columns its new position below `n_genes`, or [`NONE`].
    pub(super) fn new(
        parts: impl Iterator<Item = (Box<dyn CountSource>, Vec<u32>)>,
        n_genes: usize,
    ) -> Self {
        let mut n_cells = 0;
        let part = |(counts, positions): (Box<dyn CountSource>, Vec<u32>)| {
            let first = n_cells;
            n_cells += counts.n_cells();
            Part {
                counts,
                first,
                positions,
            }
        };
        Self {
            parts: parts.map(part).collect(),
            n_cells,
            n_genes,
        }
    }
}

impl CountSource for Stacked {
    fn n_cells(&self) -> usize {
        self.n_cells
    }

    fn n_genes(&self) -> usize {
        self.n_genes
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError> {
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        let mut moved: Vec<(u32, f32)> = Vec::new();
        for part in &self.parts {
            let end = cells.end.min(part.first + part.counts.n_cells());
            let start = cells.start.max(part.first);
            if start >= end {
                continue;
            }
            let rows = part.counts.rows(start - part.first..end - part.first)?;
            for row in rows.outer_iterator() {
                let new = row
                    .iter()
                    .map(|(gene, &count)| (part.positions[gene], count));
                moved.clear();
                moved.extend(new.filter(|(position, _)| *position != NONE));
                moved.sort_unstable_by_key(|(position, _)| *position);
                columns.extend(moved.iter().map(|(position, _)| *position));
                values.extend(moved.iter().map(|(_, count)| *count));
                offsets.push(values.len());
            }
        }
        Ok(Csr::new(
            (offsets.len() - 1, self.n_genes),
            offsets,
            columns,
            values,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_run_of_cells_is_that_of_the_whole() {
        let matrix = |offsets: &[usize], columns: &[u32], values: &[f32]| -> Box<dyn CountSource> {
            let shape = (offsets.len() - 1, 3);
            Box::new(Csr::new(
                shape,
                offsets.to_vec(),
                columns.to_vec(),
                values.to_vec(),
            ))
        };
        let first = matrix(&[0, 2, 3], &[0, 1, 2], &[1., 2., 3.]);
        let second = matrix(&[0, 3], &[0, 1, 2], &[4., 5., 6.]);
        let parts = [(first, vec![0, NONE, 1]), (second, vec![1, 0, NONE])];
        let stacked = Stacked::new(parts.into_iter(), 2);
        assert_eq!((stacked.n_cells(), stacked.n_genes()), (3, 2));
        let whole = ndarray::arr2(&[[1., 0.], [0., 3.], [5., 4.]]);
        for start in 0..3 {
            for end in start..=3 {
                let rows = stacked.rows(start..end).expect("rows").to_dense();
                assert_eq!(
                    rows,
                    whole.slice(ndarray::s![start..end, ..]),
                    "{start}..{end}"
                );
            }
        }
    }
}
