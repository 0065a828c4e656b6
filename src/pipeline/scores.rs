//! How good the clusters of a run are, as far as that can be told.

use ndarray::Array2;

use super::{Run, views::Seen};
use crate::{
    grouping::n_groups,
    metrics::{Apartness, Mixing, Scores, Truth},
    preprocess::Prepared,
    read::Input,
};

/// The cells of a run, before anything was learnt of them.
pub(super) struct Data<'a> {
    pub input: &'a Input,
    pub prepared: &'a Prepared,
    /// Positions in `prepared`, ascending.
    pub training_cells: &'a [usize],
    /// The cells as they are seen, where the run makes use of it.
    pub seen: Option<&'a Seen>,
}

/// Measures of clusters and embedding.
pub(super) struct Scored {
    pub scores: Scores,
    /// True labels of the prepared cells, where there are any.
    pub truth: Option<Truth>,
    pub apartness: Apartness,
    /// How batches mix, where there are any.
    pub mixing: Option<Mixing>,
}

impl Run<'_> {
    /// Scores the clusters of all prepared cells (`labels`), whose embedding `z` is, and tells the user what to know of them;
    /// `is_evident` where they were cut from a tree.
    pub(super) fn score(
        &mut self,
        data: &Data<'_>,
        z: &Array2<f32>,
        labels: &[usize],
        is_evident: bool,
    ) -> Scored {
        self.stage("score", "Scoring");
        let apartness = Apartness::of(data.seen, z, labels, data.training_cells);
        if n_groups(labels) == labels.len() {
            self.progress.note(
                "every cell is a cluster of its own: a lower -resolution or -n_clusters brings alike cells together",
            );
        } else if let Some(note) = apartness.note(self.config.resolution, is_evident) {
            self.progress.note(&note);
        }
        let cells = &data.prepared.cells;
        let truth = data.input.truth.as_ref();
        let truth = truth.map(|labels| Truth::of_cells(labels, cells));
        let mixing = self.mixing(data.prepared, data.seen, z, truth.as_ref());
        self.say_if_clusters_follow_samples(data, labels);
        Scored {
            scores: Scores::of(z.view(), labels, truth.as_ref()),
            truth,
            apartness,
            mixing,
        }
    }
}
