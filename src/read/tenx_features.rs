//! The features that Cell Ranger counts: genes, and whatever else was measured.

use super::{ReadError, ReadOptions};
use crate::h5ad::Column;

/// Cell Ranger's name of the feature type that genes are.
const GENES: &str = "Gene Expression";

/// Features by column; a column that the file lacks is empty.
#[derive(Debug, Default)]
pub(super) struct Features {
    /// Gene symbols, or the names of antibodies and the like.
    pub(super) names: Vec<String>,
    /// Ensembl identifiers, or those of antibodies and the like.
    pub(super) ids: Vec<String>,
    /// `Gene Expression`, `Antibody Capture` and so on.
    pub(super) types: Vec<String>,
    pub(super) genomes: Vec<String>,
}

impl Features {
    /// The positions of the features that the options select.
    pub(super) fn select(&self, file: &str, options: &ReadOptions) -> Result<Vec<u32>, ReadError> {
        let is_wanted = |column: &[String], feature: usize, wanted: Option<&str>| match wanted {
            Some(wanted) if !column.is_empty() => column[feature] == wanted,
            _ => true,
        };
        let of_type = options.gex_only.then_some(GENES);
        let of_genome = options.genome.as_deref();
        let genes = |&feature: &usize| is_wanted(&self.types, feature, of_type);
        let genome = |&feature: &usize| is_wanted(&self.genomes, feature, of_genome);
        let all = 0..self.names.len();
        let no = |wanted: String, found: &[String]| ReadError::NoFeatures {
            file: file.to_owned(),
            wanted,
            found: distinct(found),
        };
        if !all.clone().any(|feature| genes(&feature)) {
            let wanted = format!("'{GENES}' (-gex_only False reads all)");
            return Err(no(wanted, &self.types));
        }
        let selected: Vec<u32> = all
            .filter(genes)
            .filter(genome)
            .map(|feature| feature as u32)
            .collect();
        match of_genome {
            Some(wanted) if selected.is_empty() => {
                Err(no(format!("of genome {wanted}"), &self.genomes))
            }
            _ => Ok(selected),
        }
    }

    /// Names and columns of `var` of the selected features.
    pub(super) fn into_var(self, selected: &[u32]) -> (Vec<String>, Vec<(String, Column)>) {
        let pick = |column: Vec<String>| -> Vec<String> {
            let picked = selected
                .iter()
                .map(|&feature| column[feature as usize].clone());
            picked.collect()
        };
        let labels = |column| Column::Categorical(pick(column).into_iter().map(Some).collect());
        let mut var = Vec::new();
        if !self.ids.is_empty() {
            var.push(("gene_ids".to_owned(), Column::Text(pick(self.ids))));
        }
        for (name, column) in [("feature_types", self.types), ("genome", self.genomes)] {
            if !column.is_empty() {
                var.push((name.to_owned(), labels(column)));
            }
        }
        (pick(self.names), var)
    }
}

/// The different values, in the order in which they first occur.
fn distinct(values: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for value in values {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
    }
    distinct
}
