//! How many cells two partitions put together.

/// Cells per pair of labels, and per label of each partition.
pub(super) struct Contingency {
    /// Sizes of the pairs of labels that occur, with their row and column.
    pub(super) cells: Vec<(usize, usize, u64)>,
    /// Cells per label of the first partition.
    pub(super) rows: Vec<u64>,
    /// Cells per label of the second partition.
    pub(super) columns: Vec<u64>,
}

impl Contingency {
    /// Counts the pairs of `a` and `b` by sorting them: O(n log n), whatever the label values.
    pub(super) fn new(a: &[usize], b: &[usize]) -> Self {
        assert_eq!(a.len(), b.len(), "one label per cell in each partition");
        let mut pairs: Vec<(usize, usize)> = ranks(a).into_iter().zip(ranks(b)).collect();
        pairs.sort_unstable();
        let cells: Vec<(usize, usize, u64)> = pairs
            .chunk_by(|x, y| x == y)
            .map(|run| (run[0].0, run[0].1, run.len() as u64))
            .collect();
        let n_rows = cells.iter().map(|cell| cell.0 + 1).max().unwrap_or(0);
        let n_columns = cells.iter().map(|cell| cell.1 + 1).max().unwrap_or(0);
        let (mut rows, mut columns) = (vec![0; n_rows], vec![0; n_columns]);
        for &(row, column, count) in &cells {
            rows[row] += count;
            columns[column] += count;
        }
        Self {
            cells,
            rows,
            columns,
        }
    }

    /// Number of cells.
    pub(super) fn n_cells(&self) -> u64 {
        self.rows.iter().sum()
    }
}

/// Labels as positions among the sorted distinct labels: 0.. without gaps.
pub(super) fn ranks(labels: &[usize]) -> Vec<usize> {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    labels
        .iter()
        .map(|label| distinct.partition_point(|other| other < label))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_pairs_of_any_label_values() {
        let table = Contingency::new(&[9, 9, 4, 4, 4], &[0, 7, 7, 7, 0]);
        assert_eq!(table.cells, [(0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 1)]);
        assert_eq!(table.rows, [3, 2]);
        assert_eq!(table.columns, [2, 3]);
        assert_eq!(table.n_cells(), 5);
    }

    #[test]
    fn no_cells_make_an_empty_table() {
        assert_eq!(Contingency::new(&[], &[]).n_cells(), 0);
    }
}
