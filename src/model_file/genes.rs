//! The genes of a model: their names, and what each is centred and scaled by.

use super::{Contents, ModelFileError, TensorFile};
use crate::{
    preprocess::{Prepared, Scaling},
    read::DataSet,
};

/// Genes that the training cells had counts of.
#[derive(Debug, Clone, PartialEq)]
pub struct Genes {
    /// Their names, and where the data held these too their symbols and ids: a list for each.
    pub names: Vec<Vec<String>>,
    /// Mean share of each gene in the counts of a cell.
    pub shares: Vec<f64>,
    /// Which of them are the highly variable ones, ascending.
    pub variable: Vec<usize>,
    /// How the log-normalised values of these are centred and scaled.
    pub scaling: Scaling,
    /// Share of each of these in all counts.
    pub variable_shares: Vec<f64>,
}

impl Genes {
    /// Those of a run.
    #[must_use]
    pub fn of(data: &DataSet, prepared: &Prepared) -> Self {
        let n_genes = prepared.detected_in.len();
        let detected: Vec<usize> = (0..n_genes)
            .filter(|&gene| prepared.detected_in[gene] > 0)
            .collect();
        let position = |gene: &usize| detected.partition_point(|other| other < gene);
        let picked = |names: &Vec<String>| {
            let picked = detected.iter().map(|&gene| names[gene].clone());
            picked.collect()
        };
        Self {
            names: data.names_of_genes().iter().map(picked).collect(),
            shares: detected
                .iter()
                .map(|&gene| prepared.mean_shares[gene])
                .collect(),
            variable: prepared.genes.iter().map(position).collect(),
            scaling: prepared.scaling.clone(),
            variable_shares: prepared.gene_shares.clone(),
        }
    }

    /// Number of genes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    pub(super) fn put(&self, file: &mut Contents) {
        let n_variable = [self.variable.len()];
        file.json("genes", &self.names);
        file.f64("annotate.genes.share", &[self.len()], self.shares.clone());
        file.positions("annotate.genes.variable", self.variable.iter().copied());
        file.f64(
            "annotate.genes.variable_share",
            &n_variable,
            self.variable_shares.clone(),
        );
        let Scaling {
            mean,
            std,
            max_value,
        } = &self.scaling;
        file.f64("annotate.scaling.mean", &n_variable, mean.clone());
        file.f64("annotate.scaling.std", &n_variable, std.clone());
        // No bound is infinite, which JSON has no number for.
        file.json(
            "clip",
            &Some(*max_value).filter(|max_value| max_value.is_finite()),
        );
    }

    pub(super) fn take(file: &TensorFile) -> Result<Self, ModelFileError> {
        let names: Vec<Vec<String>> = file.json("genes")?;
        let shares = file.f64("annotate.genes.share", 1)?.1.to_vec();
        let variable = file.positions("annotate.genes.variable", shares.len())?;
        let variable_values = |name: &str| -> Result<Vec<f64>, ModelFileError> {
            let values = file.f64(name, 1)?.1.to_vec();
            file.check(name, values.len() == variable.len())?;
            Ok(values)
        };
        let scaling = Scaling {
            mean: variable_values("annotate.scaling.mean")?,
            std: variable_values("annotate.scaling.std")?,
            max_value: file.json::<Option<f32>>("clip")?.unwrap_or(f32::INFINITY),
        };
        let are_complete = names.iter().all(|names| names.len() == shares.len());
        file.check(
            "genes",
            are_complete && !names.is_empty() && !variable.is_empty(),
        )?;
        Ok(Self {
            variable_shares: variable_values("annotate.genes.variable_share")?,
            names,
            shares,
            variable,
            scaling,
        })
    }
}
