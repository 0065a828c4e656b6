//! Counts as they come: a cell, a gene, a value at a time.

use crate::h5ad::SparseRows;

/// Entries of a matrix in any order, 12 bytes each.
#[derive(Debug, Default)]
pub(super) struct Triplets {
    cells: Vec<u32>,
    genes: Vec<u32>,
    values: Vec<f32>,
}

impl Triplets {
    /// Adds an entry.
    pub(super) fn push(&mut self, cell: u32, gene: u32, value: f32) {
        self.cells.push(cell);
        self.genes.push(gene);
        self.values.push(value);
    }

    /// The entries cell by cell; those of a cell keep their order. Linear in entries and cells; without a copy where they
    /// came cell by cell, else with one of 8 bytes per entry.
    pub(super) fn into_rows(self, n_cells: usize) -> SparseRows {
        let mut offsets = vec![0_usize; n_cells + 1];
        for &cell in &self.cells {
            offsets[cell as usize + 1] += 1;
        }
        for cell in 0..n_cells {
            offsets[cell + 1] += offsets[cell];
        }
        let (columns, values) = if self.cells.is_sorted() {
            (self.genes, self.values)
        } else {
            let mut next = offsets.clone();
            let mut columns = vec![0; self.genes.len()];
            let mut values = vec![0.0; self.values.len()];
            for (entry, &cell) in self.cells.iter().enumerate() {
                let slot = &mut next[cell as usize];
                columns[*slot] = self.genes[entry];
                values[*slot] = self.values[entry];
                *slot += 1;
            }
            (columns, values)
        };
        SparseRows {
            offsets,
            columns,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(entries: &[(u32, u32, f32)]) -> SparseRows {
        let mut triplets = Triplets::default();
        for &(cell, gene, value) in entries {
            triplets.push(cell, gene, value);
        }
        triplets.into_rows(3)
    }

    #[test]
    fn any_order_gives_the_same_rows() {
        let by_cell = rows(&[(0, 2, 1.), (0, 1, 2.), (2, 0, 3.)]);
        let by_gene = rows(&[(2, 0, 3.), (0, 2, 1.), (0, 1, 2.)]);
        for rows in [by_cell, by_gene] {
            assert_eq!(rows.offsets, [0, 2, 2, 3]);
            assert_eq!(rows.columns, [2, 1, 0]);
            assert_eq!(rows.values, [1., 2., 3.]);
        }
        assert_eq!(rows(&[]).offsets, [0; 4]);
    }
}
