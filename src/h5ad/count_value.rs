//! The count that a stored value stands for.

use crate::counts::CountRules;

/// Above this, 2³¹, no value is a count: so many molecules or reads are in no cell, and such values come from another
/// scale or from damage.
pub(crate) const LARGEST_COUNT: f32 = 2_147_483_648.0;

/// The count that a value of any format stands for; `None` where it stands for none by the rules, or is beyond
/// [`LARGEST_COUNT`].
pub(crate) fn count_of(value: f32, rules: CountRules) -> Option<f32> {
    rules.count(value).filter(|&count| count <= LARGEST_COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_has_more_than_two_billion_molecules_of_a_gene() {
        let round = CountRules {
            round: true,
            ..CountRules::default()
        };
        for rules in [CountRules::default(), round] {
            assert_eq!(count_of(LARGEST_COUNT, rules), Some(LARGEST_COUNT));
            for value in [LARGEST_COUNT.next_up(), 1e12, 1e30, f32::INFINITY] {
                assert_eq!(count_of(value, rules), None, "{value}");
            }
        }
    }
}
