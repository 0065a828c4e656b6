//! Rows as a file holds them, made into clean sparse counts.

use crate::counts::{CountRules, Csr, LARGEST_COUNT};

/// A value that is negative, fractional, too large or NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NotCount(pub(crate) f32);

/// Rows of stored values: columns in any order, some perhaps twice, some values zero or NaN.
#[derive(Debug, Clone, Default)]
pub(crate) struct SparseRows {
    /// Where each row starts in `columns` and `values`; starts at 0.
    pub(crate) offsets: Vec<usize>,
    pub(crate) columns: Vec<u32>,
    pub(crate) values: Vec<f32>,
}

impl SparseRows {
    /// No row yet.
    pub(crate) fn new() -> Self {
        Self {
            offsets: vec![0],
            ..Self::default()
        }
    }

    /// Adds the values of a dense row that are not 0.
    pub(crate) fn push_dense<'a>(&mut self, row: impl IntoIterator<Item = &'a f32>) {
        for (column, &value) in row.into_iter().enumerate() {
            if value != 0.0 {
                self.push(column, value);
            }
        }
        self.end_row();
    }

    /// Adds a value to the row at the end.
    pub(crate) fn push(&mut self, column: usize, value: f32) {
        self.columns.push(column as u32);
        self.values.push(value);
    }

    /// Ends the row to which values were added.
    pub(crate) fn end_row(&mut self) {
        self.offsets.push(self.values.len());
    }

    /// Adds the rows of another matrix of the same columns.
    pub(crate) fn append(&mut self, other: Self) {
        let end = self.values.len();
        let offsets = other.offsets.iter().skip(1).map(|offset| end + offset);
        self.offsets.extend(offsets);
        self.columns.extend(other.columns);
        self.values.extend(other.values);
    }

    /// Sorted columns, duplicates summed, zeros dropped; fails at the first value that by the rules
    /// is not a count. Works in place, in time linear in the stored values where rows are sorted.
    pub(crate) fn into_counts(
        mut self,
        n_genes: usize,
        rules: CountRules,
    ) -> Result<Csr, NotCount> {
        let mut end = 0;
        let mut row_start = 0;
        let mut scratch = Vec::new();
        for row in 1..self.offsets.len() {
            let stored = row_start..self.offsets[row];
            row_start = stored.end;
            if is_clean(&self.columns[stored.clone()], &self.values[stored.clone()]) {
                end = self.move_row(stored, end);
            } else {
                self.sort_row(stored.clone(), &mut scratch);
                end = self.compact_row(stored, end, rules)?;
            }
            self.offsets[row] = end;
        }
        self.columns.truncate(end);
        self.values.truncate(end);
        let shape = (self.offsets.len() - 1, n_genes);
        Ok(Csr::new(shape, self.offsets, self.columns, self.values))
    }

    /// Sorts a row by column, where it is not; equal columns keep their order.
    fn sort_row(&mut self, row: std::ops::Range<usize>, scratch: &mut Vec<(u32, f32)>) {
        let columns = &mut self.columns[row.clone()];
        if columns.is_sorted() {
            return;
        }
        let values = &mut self.values[row];
        scratch.clear();
        scratch.extend(columns.iter().copied().zip(values.iter().copied()));
        scratch.sort_by_key(|&(column, _)| column);
        for (position, &(column, value)) in scratch.iter().enumerate() {
            columns[position] = column;
            values[position] = value;
        }
    }

    /// Moves a clean row to `start`, which is not behind it; returns its end.
    fn move_row(&mut self, row: std::ops::Range<usize>, start: usize) -> usize {
        let end = start + row.len();
        if start < row.start {
            self.columns.copy_within(row.clone(), start);
            self.values.copy_within(row, start);
        }
        end
    }

    /// Moves a sorted row's counts to `start`, which is not behind the row; returns their end.
    fn compact_row(
        &mut self,
        row: std::ops::Range<usize>,
        start: usize,
        rules: CountRules,
    ) -> Result<usize, NotCount> {
        let mut end = start;
        for position in row {
            let (column, value) = (self.columns[position], self.values[position]);
            let value = rules.count(value).ok_or(NotCount(value))?;
            if value == 0.0 {
                continue;
            }
            if end > start && self.columns[end - 1] == column {
                let sum = self.values[end - 1] + value;
                if sum > LARGEST_COUNT {
                    return Err(NotCount(sum));
                }
                self.values[end - 1] = sum;
            } else {
                self.columns[end] = column;
                self.values[end] = value;
                end += 1;
            }
        }
        Ok(end)
    }
}

/// Whether each column comes once, in order, with a whole number above 0, as in most files, which is a count: the largest that
/// `i32` gives back is [`LARGEST_COUNT`]. All values are looked at, without a branch, so that several are at a time.
fn is_clean(columns: &[u32], values: &[f32]) -> bool {
    let in_order = |pair: &[u32]| pair[0] < pair[1];
    let are_in_order = columns
        .windows(2)
        .fold(true, |all, pair| all & in_order(pair));
    let is_count = |value: f32| {
        let whole = value as i32 as f32;
        (value > 0.0) & (whole.to_bits() == value.to_bits())
    };
    let are_counts = values
        .iter()
        .fold(true, |all, &value| all & is_count(value));
    are_in_order & are_counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(offsets: &[usize], columns: &[u32], values: &[f32]) -> SparseRows {
        SparseRows {
            offsets: offsets.to_vec(),
            columns: columns.to_vec(),
            values: values.to_vec(),
        }
    }

    const STRICT: CountRules = CountRules {
        round: false,
        nan_as_zero: false,
    };

    #[test]
    fn unsorted_and_duplicate_columns_are_sorted_and_summed() {
        let raw = rows(
            &[0, 4, 4, 6],
            &[2, 0, 2, 1, 1, 0],
            &[1., 2., 3., 0., f32::NAN, 7.],
        );
        let rules = CountRules {
            nan_as_zero: true,
            ..STRICT
        };
        let counts = raw.into_counts(3, rules).expect("counts");
        assert_eq!(counts.shape(), (3, 3));
        assert_eq!(counts.indptr().raw_storage(), [0, 2, 2, 3]);
        assert_eq!(counts.indices(), [0, 2, 0]);
        assert_eq!(counts.data(), [2., 4., 7.]);
    }

    #[test]
    fn a_clean_row_is_the_same_as_one_that_is_made_clean() {
        let values = [1.0, 255.0, 65_536.0, 2_147_483_520.0, LARGEST_COUNT];
        for (columns, value) in [([0, 1], 0.0), ([1, 0], 1.0), ([0, 0], 2.0), ([0, 1], 1.0)] {
            let mut raw = rows(&[0, 2], &columns, &[value, 1.0]);
            raw.append(rows(&[0, 5], &[0, 1, 2, 7, 9], &values));
            let counts = raw.into_counts(10, STRICT).expect("counts");
            let cell = counts.outer_view(1).expect("a cell");
            assert_eq!(cell.indices(), [0, 1, 2, 7, 9]);
            assert_eq!(cell.data(), values);
        }
        for value in [0.0, -1.0, 0.5, 1.000_01, 1e12, f32::NAN, f32::INFINITY] {
            assert!(!is_clean(&[3], &[value]), "{value}");
        }
    }

    #[test]
    fn the_first_value_that_is_no_count_is_reported() {
        for value in [-1., 0.5, 1e12, f32::INFINITY, f32::NEG_INFINITY] {
            let raw = rows(&[0, 2], &[0, 1], &[3., value]);
            assert_eq!(
                raw.into_counts(2, STRICT).expect_err("no count"),
                NotCount(value)
            );
        }
    }

    #[test]
    fn a_sum_that_is_too_large_is_no_count() {
        let raw = rows(&[0, 2], &[1, 1], &[LARGEST_COUNT, 256.]);
        assert!(raw.into_counts(2, STRICT).is_err());
    }

    proptest! {
        #[test]
        fn counts_equal_a_dense_sum(entries in prop::collection::vec((0..4_usize, 0..5_u32, 0..9_u8), 0..60)) {
            let mut dense = [[0_u32; 5]; 4];
            let mut raw = SparseRows::new();
            for (row, expected) in dense.iter_mut().enumerate() {
                for &(_, column, value) in entries.iter().filter(|entry| entry.0 == row) {
                    expected[column as usize] += u32::from(value);
                    raw.push(column as usize, f32::from(value));
                }
                raw.end_row();
            }
            let counts = raw.into_counts(5, STRICT).expect("counts");
            for (row, expected) in dense.iter().enumerate() {
                for (column, &value) in expected.iter().enumerate() {
                    let count = counts.get(row, column).map_or(0, |&count| count as u32);
                    prop_assert_eq!(count, value);
                }
            }
            prop_assert!(counts.data().iter().all(|&value| value > 0.));
        }
    }
}
