//! What a model knows of the expression of all genes: how much of it no known cell has.

use super::{Contents, ModelFileError, TensorFile};

/// The most that known cells express, and how far cells go beyond it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownExpression {
    /// The share of each of the model's genes in the counts of the cluster that expresses it most.
    pub most: Vec<f64>,
    /// How the surprise of known cells grows with depth: ln(1 + surprise) is about `of_depth[0]` + `of_depth[1]` · ln total count.
    pub of_depth: [f64; 2],
    /// How far above that a known cell may lie.
    pub limit: f64,
}

impl KnownExpression {
    pub(super) fn put(&self, file: &mut Contents) {
        file.f64(
            "annotate.genes.most_share",
            &[self.most.len()],
            self.most.clone(),
        );
        file.json(
            "surprise",
            &[self.of_depth[0], self.of_depth[1], self.limit],
        );
    }

    /// That of a model of so many genes.
    pub(super) fn take(file: &TensorFile, n_genes: usize) -> Result<Self, ModelFileError> {
        let name = "annotate.genes.most_share";
        let most = file.f64(name, 1)?.1.to_vec();
        file.check(name, most.len() == n_genes)?;
        let [start, slope, limit]: [f64; 3] = file.json("surprise")?;
        Ok(Self {
            most,
            of_depth: [start, slope],
            limit,
        })
    }
}
