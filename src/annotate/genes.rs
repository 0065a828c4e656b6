//! Genes of new cells, found among those of a model.

use std::collections::HashMap;

use super::AnnotateError;
use crate::model_file::Genes;

/// Share of the highly variable genes below which nothing is labelled. Measured: see docs/annotate.md.
const LEAST_SHARE: f64 = 0.5;

/// Names that a message shows of either side.
const SHOWN: usize = 3;

/// Which gene of the model every gene of the data is.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneMatch {
    /// For each gene of the data its position among the model's genes, where it is one of these.
    pub in_model: Vec<Option<u32>>,
    /// For each gene of the data its position among the highly variable genes, where it is one of these.
    pub in_variable: Vec<Option<u32>>,
    /// Highly variable genes that the data lack, ascending.
    pub unmeasured: Vec<usize>,
    /// Number of the model's genes that the data have.
    pub n_found: usize,
    /// Share that these have in the counts of a training cell: 1 where all are there.
    pub share: f64,
}

impl GeneMatch {
    /// Finds the model's genes among those of the data, whatever their order: by names, symbols or ids, those of the model
    /// and those of the data under which most highly variable genes are found. `input` is what the data are called.
    ///
    /// # Errors
    /// Where less than half of the highly variable genes are there.
    pub fn find(genes: &Genes, names: &[Vec<String>], input: &str) -> Result<Self, AnnotateError> {
        let is_variable = flags(&genes.variable, genes.len());
        let mut best: Option<(usize, Vec<Option<u32>>)> = None;
        for ours in &genes.names {
            let place: HashMap<&str, u32> = (0..)
                .zip(ours)
                .map(|(gene, name)| (without_version(name), gene))
                .collect();
            for theirs in names {
                let found = theirs.iter().map(|name| place.get(without_version(name)));
                let found = once(found.map(Option::<&u32>::copied).collect(), genes.len());
                let n_variable = found.iter().flatten();
                let n_variable = n_variable
                    .filter(|&&gene| is_variable[gene as usize])
                    .count();
                if best.as_ref().is_none_or(|(most, _)| n_variable > *most) {
                    best = Some((n_variable, found));
                }
            }
        }
        let (n_variable, in_model) = best.unwrap_or_default();
        let wanted = genes.variable.len();
        if (n_variable as f64) < LEAST_SHARE * wanted as f64 {
            let least = (LEAST_SHARE * wanted as f64).ceil() as usize;
            return Err(AnnotateError::FewGenes {
                input: input.to_owned(),
                found: n_variable,
                wanted,
                least,
                why: match names.first().map_or(0, Vec::len) {
                    few if few < least => format!("it has {few} genes in all"),
                    _ => format!(
                        "its genes are called {}, those of the model {}; are both of one species, with the same kind of names?",
                        shown(names.first()),
                        shown(genes.names.first())
                    ),
                },
            });
        }
        Ok(Self::of(genes, in_model))
    }

    fn of(genes: &Genes, in_model: Vec<Option<u32>>) -> Self {
        let found: Vec<usize> = in_model
            .iter()
            .flatten()
            .map(|&gene| gene as usize)
            .collect();
        let is_found = flags(&found, genes.len());
        let mut place = vec![None; genes.len()];
        for (column, &gene) in (0_u32..).zip(&genes.variable) {
            place[gene] = Some(column);
        }
        let in_variable = in_model.iter().map(|gene| place[(*gene)? as usize]);
        let share = if found.len() == genes.len() {
            1.0
        } else {
            let sum = |counts: &mut dyn Iterator<Item = f64>| counts.sum::<f64>();
            let shares = genes.shares.iter().copied();
            let of_found = shares.zip(&is_found).filter(|(_, found)| **found);
            sum(&mut of_found.map(|(share, _)| share)) / sum(&mut genes.shares.iter().copied())
        };
        let unmeasured = genes.variable.iter().enumerate();
        let unmeasured = unmeasured.filter(|&(_, &gene)| !is_found[gene]);
        Self {
            in_variable: in_variable.collect(),
            unmeasured: unmeasured.map(|(column, _)| column).collect(),
            n_found: found.len(),
            share,
            in_model,
        }
    }
}

/// Which of so many are among `members`.
fn flags(members: &[usize], n: usize) -> Vec<bool> {
    let mut flags = vec![false; n];
    for &member in members {
        flags[member] = true;
    }
    flags
}

/// The same, each gene found only where it occurs first.
fn once(found: Vec<Option<u32>>, n_genes: usize) -> Vec<Option<u32>> {
    let mut is_taken = vec![false; n_genes];
    let first = |gene: Option<u32>| {
        let gene = gene?;
        let taken = std::mem::replace(&mut is_taken[gene as usize], true);
        (!taken).then_some(gene)
    };
    found.into_iter().map(first).collect()
}

/// An id of Ensembl without its version: `ENSG00000141510` of `ENSG00000141510.18`.
fn without_version(name: &str) -> &str {
    match name.split_once('.') {
        Some((id, version))
            if id.starts_with("ENS") && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            id
        }
        _ => name,
    }
}

fn shown(names: Option<&Vec<String>>) -> String {
    let names = names.map(Vec::as_slice).unwrap_or_default();
    names[..names.len().min(SHOWN)].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Scaling;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn genes() -> Genes {
        Genes {
            names: vec![
                texts(&["a", "b", "c", "d"]),
                texts(&["ENS1", "ENS2", "ENS3", "ENS4"]),
            ],
            shares: vec![0.1, 0.2, 0.3, 0.4],
            variable: vec![1, 3],
            scaling: Scaling {
                mean: vec![0.0; 2],
                std: vec![1.0; 2],
                max_value: 10.0,
            },
            variable_shares: vec![0.2, 0.4],
        }
    }

    fn found(names: &[&[&str]]) -> Result<GeneMatch, AnnotateError> {
        let names: Vec<Vec<String>> = names.iter().map(|names| texts(names)).collect();
        GeneMatch::find(&genes(), &names, "new.h5ad")
    }

    #[test]
    fn genes_are_found_in_any_order() {
        let found = found(&[&["d", "x", "a", "b", "c"]]).expect("all are there");
        assert_eq!(found.in_model, [Some(3), None, Some(0), Some(1), Some(2)]);
        assert_eq!(found.in_variable, [Some(1), None, None, Some(0), None]);
        assert!((found.share - 1.0).abs() < f64::EPSILON && found.unmeasured.is_empty());
    }

    #[test]
    fn ids_are_found_where_names_are_not() {
        let found = found(&[&["A", "B", "D"], &["ENS1.3", "ENS2.1", "ENS4.2"]]).expect("ids");
        assert_eq!(found.in_model, [Some(0), Some(1), Some(3)]);
        assert!((found.share - 0.7).abs() < 1e-12);
    }

    #[test]
    fn missing_genes_are_known() {
        let found = found(&[&["d", "a"]]).expect("half of them");
        assert_eq!((found.unmeasured.as_slice(), found.n_found), (&[0][..], 2));
    }

    #[test]
    fn other_genes_are_refused() {
        let refusal = found(&[&["A", "B"]])
            .expect_err("none is there")
            .to_string();
        assert!(
            refusal.contains("has 0 of the 2 highly variable genes"),
            "{refusal}"
        );
        assert!(
            refusal.contains("called A, B, those of the model a, b, c"),
            "{refusal}"
        );
        let refusal = found(&[&[]]).expect_err("there is none").to_string();
        assert!(refusal.ends_with("it has 0 genes in all"), "{refusal}");
    }
}
