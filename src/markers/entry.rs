//! A value with its cell's group, in one word that sorts by value.

/// A positive value and a group of cells. Entries are in the order of their values, equal ones in that of
/// their clusters.
///
/// The bits of positive floats rise as the numbers do, so that plain integers can be sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u64);

impl Entry {
    /// `value` is above 0 and no NaN; groups number fewer than 2³².
    pub(super) fn new(value: f32, group: usize) -> Self {
        Self(u64::from(value.to_bits()) << 32 | group as u64)
    }

    pub(super) fn value(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }

    pub(super) fn group(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_sort_by_value_and_give_both_parts_back() {
        let mut entries = [(2.5, 0), (f32::MIN_POSITIVE, 7), (2.5, 4_000_000), (0.5, 1)]
            .map(|(v, c)| Entry::new(v, c));
        entries.sort_unstable();
        let parts = entries.map(|entry| (entry.value(), entry.group()));
        assert_eq!(
            parts,
            [(f32::MIN_POSITIVE, 7), (0.5, 1), (2.5, 0), (2.5, 4_000_000)]
        );
    }
}
