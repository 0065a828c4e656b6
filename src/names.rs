//! Names that tell cells apart.

use std::collections::{HashMap, HashSet};

/// Makes names unique as `anndata`'s `obs_names_make_unique` does: the first of a name keeps it, those
/// after it become `NAME-1`, `NAME-2`, …, less names that are already there. Returns how many were
/// renamed.
pub fn make_unique(names: &mut [String]) -> usize {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    if taken.len() == names.len() {
        return 0;
    }
    let mut seen = HashSet::with_capacity(taken.len());
    let mut counters: HashMap<String, usize> = HashMap::new();
    let mut renamed = 0;
    for name in names {
        if seen.insert(name.clone()) {
            continue;
        }
        let counter = counters.entry(name.clone()).or_default();
        *name = next_free(name, counter, &taken);
        taken.insert(name.clone());
        renamed += 1;
    }
    renamed
}

fn next_free(name: &str, counter: &mut usize, taken: &HashSet<String>) -> String {
    loop {
        *counter += 1;
        let candidate = format!("{name}-{counter}");
        if !taken.contains(&candidate) {
            return candidate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(names: &[&str]) -> (Vec<String>, usize) {
        let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let renamed = make_unique(&mut names);
        (names, renamed)
    }

    #[test]
    fn names_without_duplicates_stay() {
        assert_eq!(unique(&["a", "b"]), (vec!["a".into(), "b".into()], 0));
        assert_eq!(unique(&[]), (vec![], 0));
    }

    #[test]
    fn duplicates_are_numbered_as_anndata_does() {
        // anndata.utils.make_index_unique(pd.Index(["a", "a", "b", "a-1", "a", "b", "b"]))
        let (names, renamed) = unique(&["a", "a", "b", "a-1", "a", "b", "b"]);
        assert_eq!(names, ["a", "a-2", "b", "a-1", "a-3", "b-1", "b-2"]);
        assert_eq!(renamed, 4);
    }

    #[test]
    fn a_made_name_may_not_collide_with_a_later_duplicate() {
        // anndata.utils.make_index_unique(pd.Index(["a", "a-1", "a-1", "a"]))
        let (names, _) = unique(&["a", "a-1", "a-1", "a"]);
        assert_eq!(names, ["a", "a-1", "a-1-1", "a-2"]);
    }
}
