//! What the training cells look like after each transformation of their counts, and the graph that they share.

use super::Run;
use crate::{
    config::LeidenGraph,
    graph::{View, Views},
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
