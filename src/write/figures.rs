//! The figures of a run: cells by cluster and by true label, and the tree.

use std::path::Path;

use ndarray::ArrayView2;

use super::{Findings, OutputPaths, WriteError, write_file};
use crate::{
    grouping::{n_groups, sizes},
    metrics::Truth,
    partition::{Found, Node},
    plot::{Figure, TreeFigure, TreeNode, drawable, title, write_figure, write_tree_figure},
    progress::Progress,
};

/// Writes one figure coloured by cluster, where true labels are known one by these, and where there is one the tree.
///
/// `coords`: the cells' places, n × 2.
pub fn write_figures(
    found: &Findings<'_>,
    paths: &OutputPaths,
    coords: ArrayView2<'_, f32>,
    progress: &Progress,
) -> Result<(), WriteError> {
    let labels = &found.labels;
    let names: Vec<String> = (0..n_groups(labels))
        .map(|cluster| cluster.to_string())
        .collect();
    let path = paths.predicted_figure(found.config.save.figure_format);
    let title = title(&drawn_name(found), "predicted clusters", found.scores.asw);
    let figure = Figure {
        title: &title,
        coords,
        labels,
        names: &names,
    };
    write_cells(found, &path, &figure)?;
    if let Some(truth) = &found.truth {
        write_true_labels(found, truth, paths, coords, progress)?;
    }
    if let Some(types) = &found.types {
        write_tree(found, types, paths)?;
    }
    Ok(())
}

/// The data set's name in letters that the figures' font has.
fn drawn_name(found: &Findings<'_>) -> String {
    drawable(std::slice::from_ref(&found.config.name))
        .0
        .concat()
}

fn write_cells(found: &Findings<'_>, path: &Path, figure: &Figure) -> Result<(), WriteError> {
    let format = found.config.save.figure_format;
    write_file(path, |path| write_figure(path, figure, format))
}

fn write_true_labels(
    found: &Findings<'_>,
    truth: &Truth,
    paths: &OutputPaths,
    coords: ArrayView2<'_, f32>,
    progress: &Progress,
) -> Result<(), WriteError> {
    let path = paths.true_figure(found.config.save.figure_format);
    // A code beyond the names marks a cell without label.
    let codes: Vec<usize> = truth
        .codes
        .iter()
        .map(|code| code.unwrap_or(truth.names.len()))
        .collect();
    let names = drawn_names(&truth.names, &path, progress);
    // The clusters' ASW says nothing of these labels.
    let title = title(&drawn_name(found), "true labels", None);
    let figure = Figure {
        title: &title,
        coords,
        labels: &codes,
        names: &names,
    };
    write_cells(found, &path, &figure)
}

/// Names of labels as the figure at `path` shows them. A note says what stands there for those whose letters the font lacks.
pub(crate) fn drawn_names(names: &[String], path: &Path, progress: &Progress) -> Vec<String> {
    let (names, stand_ins) = drawable(names);
    if !stand_ins.is_empty() {
        progress.note(&format!(
            "the figure's font lacks letters of some labels; in {} {}",
            path.display(),
            stand_ins.join(", ")
        ));
    }
    names
}

fn write_tree(found: &Findings<'_>, types: &Found, paths: &OutputPaths) -> Result<(), WriteError> {
    let format = found.config.save.figure_format;
    let figure = TreeFigure {
        title: &title(&drawn_name(found), "tree of clusters", None),
        nodes: &nodes_of_tree(found, types),
    };
    write_file(&paths.tree_figure(format), |path| {
        write_tree_figure(path, &figure, format)
    })
}

/// The splits that were kept, and the clusters below them.
fn nodes_of_tree(found: &Findings<'_>, types: &Found) -> Vec<TreeNode> {
    let nodes = &types.tree.nodes;
    let sizes = sizes(&found.labels);
    let is_tip = |node: usize| {
        let below_a_split = nodes[node]
            .parent
            .is_none_or(|parent| types.is_split(parent));
        below_a_split && !types.is_split(node)
    };
    let shown: Vec<usize> = (0..nodes.len())
        .filter(|&node| types.is_split(node) || is_tip(node))
        .collect();
    let place = |node: usize| shown.binary_search(&node).ok();
    let shown_node = |&node: &usize| {
        let children = nodes[node].children.filter(|_| types.is_split(node));
        let cluster = types.clusters_below(node).first().copied().unwrap_or(0);
        TreeNode {
            label: match children {
                Some(_) => evidence(found, &nodes[node]),
                None => format!("{cluster}: {} cells", sizes[cluster]),
            },
            children: children.and_then(|[one, other]| Some([place(one)?, place(other)?])),
            height: nodes[node].height,
            color: cluster,
        }
    };
    shown.iter().map(shown_node).collect()
}

/// `Snap25 | Mbp: 1 % of edges, 100 % of halves`: the best gene of each side, and how firm the split is.
fn evidence(found: &Findings<'_>, node: &Node) -> String {
    let best = node.genes.each_ref().map(|genes| {
        let best = genes.iter().max_by(|a, b| a.auc.total_cmp(&b.auc));
        best.map_or("no gene", |best| found.gene_name(best.gene))
    });
    let edges = node
        .evidence
        .as_ref()
        .map_or(0.0, |found| found.edges_between);
    format!(
        "{} | {}: {:.0} % of edges, {:.0} % of halves",
        best[0],
        best[1],
        100.0 * edges,
        100.0 * node.stability.unwrap_or_default()
    )
}
