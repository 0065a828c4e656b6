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
    /// Batches by the name that each cell gives its own. Cells without one take no part: they are put to the first batch.
    #[must_use]
    pub fn of(labels: &[Option<String>]) -> Self {
        let mut names: Vec<String> = labels.iter().flatten().cloned().collect();
        names.sort();
        names.dedup();
        let number = |label: &Option<String>| match label {
            Some(label) => names.partition_point(|name| name < label) as u32,
            None => 0,
        };
        let of_cell = labels.iter().map(number).collect();
        Self { of_cell, names }
    }

    /// The same where all cells take part.
    #[cfg(test)]
    pub(crate) fn of_all<L: ToString>(labels: &[L]) -> Self {
        let labels = labels.iter().map(|label| Some(label.to_string()));
        Self::of(&labels.collect::<Vec<_>>())
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
        let batches = Batches::of_all(&["b", "a", "b", "c"]);
        assert_eq!(batches.of_cell, [1, 0, 1, 2]);
        assert_eq!(batches.names, ["a", "b", "c"]);
        assert_eq!(batches.sizes(), [1, 2, 1]);
        let some = batches.select(&[3, 1]);
        assert_eq!((some.of_cell, some.names.len()), (vec![2, 0], 3));
    }

    #[test]
    fn cells_that_take_no_part_name_no_batch() {
        let batches = Batches::of(&["b", "", "a"].map(|name| {
            let takes_part = !name.is_empty();
            takes_part.then(|| name.to_owned())
        }));
        assert_eq!(batches.names, ["a", "b"]);
        assert_eq!(batches.select(&[0, 2]).sizes(), [1, 1]);
    }
}
