//! What sets known cells apart from each other, so that it is seen what sets a new cell apart from them.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::{
    Contents, ModelFileError, TensorFile,
    views::{put_matrix, take_matrix},
};

/// Measures of a cell: how far it is from others in the embedding, its surprise, and its deviation.
pub const N_MEASURES: usize = 3;

const MEASURES: &str = "annotate.novelty.measures";
const USUAL: &str = "annotate.novelty.usual";

/// The measures of known cells, each judged by other cells.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownNovelty {
    /// How far each measure of known cells is above what is usual in their clusters, measures × cells; every row ascends.
    pub measures: Array2<f32>,
    /// What is usual in each cluster, clusters × measures.
    pub usual: Array2<f32>,
    /// What the scores of known cells are.
    pub limits: NoveltyLimits,
}

/// Scores of known cells; a score is the sum of a cell's measures as log odds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NoveltyLimits {
    /// The score that a known cell may have.
    pub alone: f32,
    /// The mean score that a known cell and its nearest known cells may have.
    pub together: f32,
    /// The lower decile of the scores.
    pub low: f32,
    /// Their median.
    pub median: f32,
}

impl KnownNovelty {
    pub(super) fn put(&self, file: &mut Contents) {
        put_matrix(file, MEASURES, &self.measures);
        put_matrix(file, USUAL, &self.usual);
        file.json("novelty", &self.limits);
    }

    /// That of a model of so many clusters.
    pub(super) fn take(file: &TensorFile, n_clusters: usize) -> Result<Self, ModelFileError> {
        let measures = take_matrix(file, MEASURES)?;
        let mut rows = measures.axis_iter(Axis(0));
        let ascend = rows.all(|row| row.iter().is_sorted());
        file.check(MEASURES, measures.nrows() == N_MEASURES && ascend)?;
        let usual = take_matrix(file, USUAL)?;
        file.check(USUAL, usual.dim() == (n_clusters, N_MEASURES))?;
        Ok(Self {
            measures,
            usual,
            limits: file.json("novelty")?,
        })
    }
}
