//! Names of cells and of columns.

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

/// Columns that a message lists.
const MOST_COLUMNS: usize = 12;
/// Parts of the names of columns that may hold cell types, in small letters.
const TYPE_WORDS: [&str; 10] = [
    "celltype",
    "cell_type",
    "cell type",
    "type",
    "label",
    "annot",
    "class",
    "cluster",
    "ident",
    "subtype",
];

/// The names of columns, those that may hold cell types first, a dozen at most.
#[must_use]
pub fn listed_columns(columns: &[String]) -> String {
    let rank = |name: &&String| {
        let lower = name.to_lowercase();
        let found = TYPE_WORDS.iter().position(|word| lower.contains(word));
        found.unwrap_or(TYPE_WORDS.len())
    };
    let mut names: Vec<&String> = columns.iter().collect();
    names.sort_by_key(rank);
    let shown: Vec<&str> = names
        .iter()
        .take(MOST_COLUMNS)
        .map(|name| name.as_str())
        .collect();
    let more = match columns.len().saturating_sub(MOST_COLUMNS) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    format!("{}{more}", shown.join(", "))
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

    #[test]
    fn long_lists_of_columns_begin_with_likely_ones() {
        let names = |n: usize| (0..n).map(|column| format!("score{column}"));
        let columns: Vec<String> = names(20).chain(["cell_type".to_owned()]).collect();
        let listed = listed_columns(&columns);
        assert!(listed.starts_with("cell_type, score0, "), "{listed}");
        assert!(listed.ends_with("score10, and 9 more"), "{listed}");
        assert_eq!(listed_columns(&columns[..2]), "score0, score1");
    }
}
