//! What a model knows of the expression of genes in known cells, and how far cells go beyond it.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{
    Contents, ModelFileError, TensorFile,
    views::{put_matrix, take_matrix},
};

/// How large a measure of known cells is: ln(1 + measure) is about `start` + `slope` · ln total count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TrendByDepth {
    /// Intercept.
    pub start: f64,
    /// Slope.
    pub slope: f64,
}

/// The most that known cells express of any gene.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownExpression {
    /// The share of each of the model's genes in the counts of the cluster that expresses it most, in either half of the cells:
    /// halves × genes.
    pub most: Array2<f64>,
    /// How surprising known cells are.
    pub trend: TrendByDepth,
}

/// How known cells deviate from their clusters, in the highly variable genes.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownDeviations {
    /// Share of each gene in the counts of each cluster, clusters × genes.
    pub shares: Array2<f32>,
    /// θ of each gene's negative binomial distribution.
    pub dispersion: Vec<f32>,
    /// What each gene's residual is multiplied by, 0 for a gene that does not take part.
    pub weight: Vec<f32>,
    /// Mean of each gene's residual after that.
    pub mean: Vec<f32>,
    /// Principal directions of these, genes × directions.
    pub directions: Array2<f32>,
    /// Standard deviation of known cells along each direction; one without any does not take part.
    pub spread: Vec<f32>,
    /// How far known cells lie.
    pub trend: TrendByDepth,
}

impl KnownExpression {
    pub(super) fn put(&self, file: &mut Contents) {
        let name = "annotate.genes.most_share";
        file.f64(name, self.most.shape(), self.most.iter().copied().collect());
        file.json("surprise", &self.trend);
    }

    /// That of a model of so many genes.
    pub(super) fn take(file: &TensorFile, n_genes: usize) -> Result<Self, ModelFileError> {
        let name = "annotate.genes.most_share";
        let (shape, values) = file.f64(name, 2)?;
        file.check(name, shape == [2, n_genes])?;
        let most = ArrayView2::from_shape((2, n_genes), values)
            .map_err(|error| file.damaged(name, &error.to_string()))?
            .to_owned();
        let trend = file.json("surprise")?;
        Ok(Self { most, trend })
    }
}

impl KnownDeviations {
    pub(super) fn put(&self, file: &mut Contents) {
        put_matrix(file, "annotate.clusters.share", &self.shares);
        put_matrix(file, "annotate.deviations.directions", &self.directions);
        for (name, values) in [
            ("dispersion", &self.dispersion),
            ("weight", &self.weight),
            ("mean", &self.mean),
            ("spread", &self.spread),
        ] {
            let name = format!("annotate.deviations.{name}");
            file.f32(&name, &[values.len()], values.clone());
        }
        file.json("deviation", &self.trend);
    }

    /// Those of a model of so many highly variable genes.
    pub(super) fn take(file: &TensorFile, n_genes: usize) -> Result<Self, ModelFileError> {
        let matrix = |name: &str, is_right: &dyn Fn(&Array2<f32>) -> bool| {
            let matrix = take_matrix(file, name)?;
            file.check(name, is_right(&matrix))?;
            Ok::<_, ModelFileError>(matrix)
        };
        let values = |name: &str, n: usize| {
            let name = format!("annotate.deviations.{name}");
            let values = file.f32(&name, 1)?.1.to_vec();
            file.check(&name, values.len() == n)?;
            Ok::<_, ModelFileError>(values)
        };
        let directions = matrix("annotate.deviations.directions", &|directions| {
            directions.nrows() == n_genes
        })?;
        let n_directions = directions.ncols();
        Ok(Self {
            shares: matrix("annotate.clusters.share", &|shares| {
                shares.ncols() == n_genes && shares.nrows() > 0
            })?,
            dispersion: values("dispersion", n_genes)?,
            weight: values("weight", n_genes)?,
            mean: values("mean", n_genes)?,
            spread: values("spread", n_directions)?,
            directions,
            trend: file.json("deviation")?,
        })
    }
}
