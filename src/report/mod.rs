//! One run as a page that opens in any browser: what was run, the map of the cells, the tree with the evidence of every
//! split, the clusters and what tells them apart, agreement with true labels, training, warnings.
//!
//! ```text
//! findings ──► drawn cells, expression of markers ──► facts, tables ──► template ─┐
//!                                                 ──► packed arrays ──► script ───┴──► report/NAME.html
//! ```
//!
//! The page fetches nothing and runs no script but its own, whose hash stands in its Content-Security-Policy.
//! Every name is untrusted: the template escapes text, the script only ever sets text, and no name can end the data.

mod cells;
mod clusters;
mod curves;
mod dots;
mod error;
mod expression;
mod facts;
mod index;
mod multiqc;
mod nearest;
mod new_cells;
mod options;
mod packed;
mod page;
mod text;
mod tree;
mod truth;

use std::path::Path;

use ndarray::ArrayView2;

use self::{
    cells::Cells,
    clusters::ClusterTable,
    curves::charts,
    dots::{DotPlot, markers_on_show},
    expression::Expression,
    facts::Facts,
    page::{Data, Page},
    tree::PageTree,
    truth::Agreement,
};
pub use self::{
    error::ReportError,
    index::{IndexRow, write_index},
    multiqc::write_multiqc,
    new_cells::{ReportedCells, write_new_cells},
};
pub(crate) use self::{facts::time_and_memory, text::whole};
use crate::{
    grouping::n_groups,
    memory::StageLog,
    partition::Found,
    plot::{hex_colors, sampled_order},
    progress::Said,
    write::{Findings, WriteError, write_file},
};

/// Most cells that the map draws.
const MOST_DRAWN: usize = 50_000;

/// Most bytes of a report.
pub const MOST_BYTES: usize = 5_000_000;

/// Colours of labels; further ones begin again.
const MOST_COLORS: usize = 200;

/// A run as its report tells it.
#[derive(Debug, Clone, Copy)]
pub struct ReportedRun<'a> {
    /// What it found.
    pub found: &'a Findings<'a>,
    /// The cells' names, unique.
    pub names: &'a [String],
    /// Their places in the plane, n × 2.
    pub layout: ArrayView2<'a, f32>,
    /// What it said while it worked.
    pub said: &'a Said,
    /// What its stages took.
    pub log: &'a StageLog,
}

/// Writes a run's report, of at most 5 MB whatever the number of cells.
///
/// Reads the input once for the expression of the markers that it shows. Time is linear in the counts.
///
/// # Errors
/// Where the input cannot be read again or the file cannot be written.
pub fn write_report(path: &Path, run: &ReportedRun<'_>) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), ReportError> {
        let page = page_of(run)?.render()?;
        debug_assert!(page.len() <= MOST_BYTES);
        Ok(std::fs::write(path, page)?)
    })
}

fn page_of(run: &ReportedRun<'_>) -> Result<Page, ReportError> {
    let found = run.found;
    let tree = found
        .types
        .as_ref()
        .map(|types: &Found| PageTree::of(found, types));
    let tips = match &tree {
        Some(tree) => tree.tips.clone(),
        None => found.labels.clone(),
    };
    let drawn = sampled_order(&tips, MOST_DRAWN, found.config.seed);
    let table = ClusterTable::of(found);
    let shown = markers_on_show(found);
    let genes: Vec<usize> = shown.iter().map(|shown| shown.gene).collect();
    let expression = Expression::read(found, &genes, &drawn)?;
    let names: Vec<String> = (0..n_groups(&found.labels))
        .map(|label| label.to_string())
        .collect();
    let agreement = found
        .truth
        .as_ref()
        .map(|truth| Agreement::of(truth, &found.labels, &names, found.scores));
    let n_colors = MOST_COLORS.min(n_groups(&tips)).max(1);
    Ok(Page {
        facts: Facts::of(run, drawn.len()),
        agreement,
        notes: text::clipped_all(&run.said.notes),
        stages: facts::stages(run.log),
        version: env!("CARGO_PKG_VERSION"),
        data: Data {
            cells: Cells::of(run, &drawn, &tips),
            clusters: table.sizes.clone(),
            tree,
            colors: hex_colors(n_colors),
            genes: expression.packed(),
            dots: DotPlot::of(found, &shown, &expression),
            charts: charts(run.said),
        },
        table,
    })
}
