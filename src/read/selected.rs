//! Some of the columns of a count matrix.

use std::ops::Range;

use crate::counts::{CountSource, CountsError, Csr};

/// Stands for a column that is left out.
pub(super) const NONE: u32 = u32::MAX;

/// The selected columns of a source, in their order.
#[derive(Debug)]
pub(super) struct SelectedGenes {
    all: Box<dyn CountSource>,
    /// The new position of each column of the source.
    positions: Vec<u32>,
    n_genes: usize,
}

impl SelectedGenes {
    /// Takes columns in rising order; a source of which all are taken stays as it is.
    pub(super) fn of(all: Box<dyn CountSource>, selected: &[u32]) -> Box<dyn CountSource> {
        if selected.len() == all.n_genes() {
            return all;
        }
        Box::new(Self {
            positions: positions(all.n_genes(), selected),
            n_genes: selected.len(),
            all,
        })
    }
}

impl CountSource for SelectedGenes {
    fn n_cells(&self) -> usize {
        self.all.n_cells()
    }

    fn n_genes(&self) -> usize {
        self.n_genes
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError> {
        let all = self.all.rows(cells)?;
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for row in all.outer_iterator() {
            for (&column, &value) in row.indices().iter().zip(row.data()) {
                let position = self.positions[column as usize];
                if position != NONE {
                    columns.push(position);
                    values.push(value);
                }
            }
            offsets.push(values.len());
        }
        let shape = (all.rows(), self.n_genes);
        Ok(Csr::new(shape, offsets, columns, values))
    }
}

/// Where each of `n` columns goes.
pub(super) fn positions(n: usize, selected: &[u32]) -> Vec<u32> {
    let mut positions = vec![NONE; n];
    for (position, &column) in selected.iter().enumerate() {
        positions[column as usize] = position as u32;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_columns_move_together() {
        let all = Csr::new(
            (2, 4),
            vec![0, 3, 4],
            vec![0, 1, 3, 2],
            vec![1., 2., 3., 4.],
        );
        let some = SelectedGenes::of(Box::new(all), &[1, 3]);
        assert_eq!((some.n_cells(), some.n_genes()), (2, 2));
        let rows = some.rows(0..2).expect("rows");
        assert_eq!(rows.to_dense(), ndarray::arr2(&[[2., 3.], [0., 0.]]));
    }
}
