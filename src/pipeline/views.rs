//! What the training cells look like after each transformation of their counts, and the graph that they share.

use super::Run;
use ndarray::Array2;
use serde::Serialize;

use crate::{
    config::LeidenGraph,
    graph::{View, Views, unit_rows},
    metrics::cosine_silhouette,
    preprocess::{CellComponents, Prepared, ViewComponents},
};

/// The training cells as they are seen.
pub(super) struct Seen {
    /// What any cell is seen by.
    pub components: ViewComponents,
    /// The training cells' scores.
    pub scores: CellComponents,
    /// Their neighbours in each view, and their joint graph.
    pub views: Views,
}

/// How far apart the clusters of the training cells lie before training and after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Apartness {
    /// Silhouette by cosine of the clusters in the components that the views share, which no training has touched, from −1
    /// to 1; `null` where it is not defined (a single cluster), or the run made no use of the views.
    pub before_training: Option<f64>,
    /// The same in the trained embedding.
    pub after_training: Option<f64>,
}

/// Clusters that are no further apart than this before training are not told apart by the counts.
const NOT_APART: f64 = 0.1;

impl Apartness {
    /// Of clusters of the training cells, seen in `before` and `after` training: cells × components.
    pub(super) fn of(before: Option<&Array2<f32>>, after: &Array2<f32>, labels: &[usize]) -> Self {
        let width = |x: &Array2<f32>| cosine_silhouette(unit_rows(x.view()).view(), labels);
        Self {
            before_training: before.and_then(width),
            after_training: width(after),
        }
    }

    /// What the user should know of it; `is_evident` where every split of the clusters has evidence of its own, as those
    /// of a tree do: a rare type far from all others hardly moves the mean over cells.
    pub(super) fn note(&self, is_evident: bool) -> String {
        let Some(after) = self.after_training else {
            return "all cells are one cluster: nothing was found that tells them apart".to_owned();
        };
        let Some(before) = self.before_training else {
            return format!(
                "the clusters' silhouette is {after:.2} in the embedding, which was trained to part its cells"
            );
        };
        let told = format!(
            "the clusters' silhouette is {before:.2} before training, {after:.2} in the embedding"
        );
        if before < NOT_APART && !is_evident {
            format!("{told}: little in the counts tells them apart, and they may be one cell type")
        } else {
            told
        }
    }
}

impl Run<'_> {
    /// The views of the training cells (positions in `prepared`), where the run makes use of them.
    pub(super) fn see(
        &mut self,
        prepared: &Prepared,
        cells: &[usize],
    ) -> anyhow::Result<Option<Seen>> {
        let parts = self.config.model.parts;
        let for_clusters = matches!(
            self.config.leiden_graph,
            LeidenGraph::Expression | LeidenGraph::Joint
        );
        if !(parts.residual || parts.contrast || for_clusters) {
            return Ok(None);
        }
        self.stage("views", &format!("Views of {} cells", cells.len()));
        let (components, scores) = ViewComponents::find(prepared, cells, self.config.model.n_z)?;
        let views = scores.each.iter().map(|scores| View::of(&scores.view()));
        let totals: Vec<f32> = cells.iter().map(|&cell| prepared.totals[cell]).collect();
        let views = Views::of(views.collect::<Result<_, _>>()?, &totals);
        Ok(Some(Seen {
            components,
            scores,
            views,
        }))
    }
}
