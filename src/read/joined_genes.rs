//! The genes of several inputs that are joined.

use std::collections::HashMap;

use strum::{EnumString, IntoStaticStr, VariantNames};

use super::selected::NONE;

/// Which genes are read where several inputs are joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum GeneJoin {
    /// Those that all inputs have.
    #[default]
    Intersection,
    /// Those that any input has; they count as not detected in the others.
    Union,
}

impl GeneJoin {
    /// The end of `100 genes in both`.
    pub(super) fn in_words(self, n_files: usize) -> &'static str {
        match (self, n_files) {
            (Self::Intersection, 2) => "in both",
            (Self::Intersection, _) => "in all of them",
            (Self::Union, 2) => "in either of them",
            (Self::Union, _) => "in any of them",
        }
    }
}

/// The genes of the joined data set, and where each input has them.
pub(super) struct JoinedGenes {
    /// Their names, in the order of the first input that has them.
    pub names: Vec<String>,
    /// For every input, the new column of each of its own columns; [`NONE`] where it is left out.
    pub positions: Vec<Vec<u32>>,
    /// For every input, those of its columns that are in no input before it: together they are all genes in order.
    pub taken_from: Vec<Vec<u32>>,
}

impl JoinedGenes {
    /// `names` are the genes of every input; each is there once in an input.
    pub(super) fn of(names: &[Vec<String>], which: GeneJoin) -> Self {
        let mut n_inputs: HashMap<&str, usize> = HashMap::new();
        for name in names.iter().flatten() {
            *n_inputs.entry(name).or_default() += 1;
        }
        let is_read =
            |name: &str| which == GeneJoin::Union || n_inputs.get(name) == Some(&names.len());
        let mut new: HashMap<&str, u32> = HashMap::new();
        let mut joined = Self {
            names: Vec::new(),
            positions: Vec::new(),
            taken_from: Vec::new(),
        };
        for names in names {
            let mut taken = Vec::new();
            let mut positions = vec![NONE; names.len()];
            for (column, name) in names.iter().enumerate().filter(|(_, name)| is_read(name)) {
                positions[column] = *new.entry(name).or_insert_with(|| {
                    taken.push(column as u32);
                    joined.names.push(name.clone());
                    joined.names.len() as u32 - 1
                });
            }
            joined.positions.push(positions);
            joined.taken_from.push(taken);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&[&str]]) -> Vec<Vec<String>> {
        let owned = |names: &&[&str]| names.iter().map(ToString::to_string).collect();
        of.iter().map(owned).collect()
    }

    #[test]
    fn shared_genes_are_in_the_order_of_the_first_input() {
        let genes = JoinedGenes::of(
            &names(&[&["a", "b", "c"], &["c", "d", "a"]]),
            GeneJoin::Intersection,
        );
        assert_eq!(genes.names, ["a", "c"]);
        assert_eq!(genes.positions, [[0, NONE, 1], [1, NONE, 0]]);
        assert_eq!(genes.taken_from, [vec![0, 2], vec![]]);
    }

    #[test]
    fn all_genes_are_in_the_order_in_which_they_occur() {
        let genes = JoinedGenes::of(
            &names(&[&["a", "b"], &["c", "b"], &["d", "a"]]),
            GeneJoin::Union,
        );
        assert_eq!(genes.names, ["a", "b", "c", "d"]);
        assert_eq!(genes.positions, [[0, 1], [2, 1], [3, 0]]);
        assert_eq!(genes.taken_from, [vec![0, 1], vec![0], vec![0]]);
    }
}
