//! What the cells look like after each transformation of their counts, and the graph that the training cells share.

use std::mem;

use ndarray::{ArcArray2, Array2, Axis};

use super::Run;
use crate::{
    graph::{GraphError, JointGraph},
    metrics::{Apartness, cosine_silhouette},
    partition::{Cut, Resolution},
    preprocess::{CellComponents, Prepared},
    unit::unit_rows,
};

/// The cells as they are seen.
pub(super) struct Seen {
    /// All cells' scores, in components that were found on the training cells.
    pub scores: CellComponents,
    /// The training cells' scores in the components that the views share.
    training_shared: Array2<f32>,
    /// The graph that the training cells have in common over all views.
    pub joint: JointGraph,
}

impl Seen {
    /// The graph that all prepared cells have in common over the views, of which `cells` are the training cells. Takes the scores
    /// of all cells and the graph of the training cells: with millions of cells memory is dear.
    pub(super) fn take_joint_of_all(
        &mut self,
        cells: &[usize],
        seed: u64,
    ) -> Result<JointGraph, GraphError> {
        let each = mem::take(&mut self.scores.each);
        let shared = mem::take(&mut self.scores.shared);
        let of_training = mem::take(&mut self.joint);
        if cells.len() == shared.nrows() {
            return Ok(of_training);
        }
        let each = each.into_iter().map(ArcArray2::into_owned);
        JointGraph::of_views(each, shared, seed)
    }
}

/// Clusters that are no further apart than this before training are not told apart by the counts.
const NOT_APART: f64 = 0.1;

impl Apartness {
    /// Of the clusters of all cells (`labels`) among the training cells (`cells`), as they are `seen` before training and
    /// embedded after it (`z`).
    pub(super) fn of(
        seen: Option<&Seen>,
        z: &Array2<f32>,
        labels: &[usize],
        cells: &[usize],
    ) -> Self {
        let labels: Vec<usize> = cells.iter().map(|&cell| labels[cell]).collect();
        let width = |x: &Array2<f32>| cosine_silhouette(unit_rows(x.view()).view(), &labels);
        Self {
            before_training: seen.and_then(|seen| width(&seen.training_shared)),
            after_training: width(&z.select(Axis(0), cells)),
        }
    }

    /// What the user should know of it, where clusters were asked for in this way; `is_evident` where every split of the
    /// clusters has evidence of its own, as those of a tree do: a rare type far from all others hardly moves the mean over cells.
    pub(super) fn note(&self, resolution: Resolution, is_evident: bool) -> Option<String> {
        let Some(after) = self.after_training else {
            return note_on_one_cluster(resolution).map(str::to_owned);
        };
        let Some(before) = self.before_training else {
            return Some(format!(
                "the clusters' silhouette is {after:.2} in the embedding, which was trained to part its cells"
            ));
        };
        let told = format!(
            "the clusters' silhouette is {before:.2} before training, {after:.2} in the embedding"
        );
        Some(if before < NOT_APART && !is_evident {
            format!("{told}: little in the counts tells them apart, and they may be one cell type")
        } else {
            told
        })
    }
}

/// What there is to say of a single cluster; nothing where one was asked for.
fn note_on_one_cluster(resolution: Resolution) -> Option<&'static str> {
    match resolution {
        Resolution::Fixed(_) => {
            Some("all cells are one cluster at this -resolution; a higher one may find more")
        }
        Resolution::Tree(Cut::Clusters(_)) => None,
        Resolution::Tree(Cut::Evidence(_)) => {
            Some("all cells are one cluster: nothing was found that tells them apart")
        }
    }
}

impl Run<'_> {
    /// The cells as they are seen in components of the training cells (positions in `prepared`), where the run makes use of
    /// them.
    pub(super) fn see(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
    ) -> anyhow::Result<Option<Seen>> {
        let parts = self.config.model.parts;
        if !(parts.residual || parts.contrast || self.config.leiden_graph.holds_expression()) {
            self.say_if_batches_stay_apart(prepared);
            return Ok(None);
        }
        self.stage("views", &format!("Views of {} cells", prepared.n_cells()));
        let scores =
            CellComponents::find(prepared, cells, self.config.model.n_z, self.config.seed)?;
        let views = scores.each.iter().map(|view| view.select(Axis(0), cells));
        let training_shared = scores.shared.select(Axis(0), cells);
        let joint = JointGraph::of_views(views, training_shared.clone(), self.config.seed)?;
        Ok(Some(Seen {
            scores,
            training_shared,
            joint,
        }))
    }
}
