//! Names that differ.

use std::collections::HashSet;

/// Appends `-1`, `-2`, … to later names that are equal to an earlier one, as anndata does.
pub(super) fn make_unique(names: &mut [String]) {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    if taken.len() == names.len() {
        return;
    }
    let mut seen = HashSet::new();
    for name in names {
        if seen.insert(name.clone()) {
            continue;
        }
        let mut suffix = 1_usize;
        let unique = loop {
            let candidate = format!("{name}-{suffix}");
            if taken.insert(candidate.clone()) {
                break candidate;
            }
            suffix += 1;
        };
        seen.insert(unique.clone());
        *name = unique;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_names_get_a_number_that_is_free() {
        let mut names = ["a", "b", "a", "a-1", "a", "b"].map(str::to_owned);
        make_unique(&mut names);
        assert_eq!(names, ["a", "b", "a-2", "a-1", "a-3", "b-1"]);
    }

    #[test]
    fn different_names_stay() {
        let mut names = ["x", "y"].map(str::to_owned);
        make_unique(&mut names);
        assert_eq!(names, ["x", "y"]);
    }
}
