//! Which batch (donor, plate, lane) every cell is of.

/// Cells by batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches {
    /// Batch of every cell.
    pub of_cell: Vec<u32>,
    /// Names of the batches, in alphabetical order.
    pub names: Vec<String>,
}

impl Batches {
    /// Batches by the name that each cell gives its own.
    #[must_use]
    pub fn of(labels: &[String]) -> Self {
        let mut names = labels.to_vec();
        names.sort();
        names.dedup();
        let of_cell = labels
            .iter()
            .map(|label| names.partition_point(|name| name < label) as u32)
            .collect();
        Self { of_cell, names }
    }

    /// Number of batches.
    #[must_use]
    pub fn n_batches(&self) -> usize {
        self.names.len()
    }

    /// The batches of some cells, under the same numbers.
    #[must_use]
    pub fn select(&self, cells: &[usize]) -> Self {
        Self {
            of_cell: cells.iter().map(|&cell| self.of_cell[cell]).collect(),
            names: self.names.clone(),
        }
    }

    /// Number of cells of each batch.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.n_batches()];
        for &batch in &self.of_cell {
            sizes[batch as usize] += 1;
        }
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_numbered_by_name() {
        let labels = ["b", "a", "b", "c"].map(String::from);
        let batches = Batches::of(&labels);
        assert_eq!(batches.of_cell, [1, 0, 1, 2]);
        assert_eq!(batches.names, ["a", "b", "c"]);
        assert_eq!(batches.sizes(), [1, 2, 1]);
        let some = batches.select(&[3, 1]);
        assert_eq!((some.of_cell, some.names.len()), (vec![2, 0], 3));
    }
}
