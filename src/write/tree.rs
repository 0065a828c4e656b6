//! The tree of clusters, with the evidence of every split.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;

use super::{Findings, WriteError, write_file, write_json};
use crate::partition::{Evidence, Found, GeneOfSplit, Node};

/// The smallest p-value that is written out.
const LEAST_P: f64 = 1e-300;

/// The tree in `results/NAME.json`.
#[derive(Debug, Serialize)]
pub struct TreeSummary {
    /// Leaves of the tree: Leiden's fine clusters.
    pub n_fine_clusters: usize,
    /// A line for every split that was kept, the strongest first: the clusters on both sides, and what tells them apart.
    pub splits: Vec<String>,
}

impl TreeSummary {
    /// Of a run's tree, where there is one.
    #[must_use]
    pub fn of(found: &Findings) -> Option<Self> {
        let types = found.types.as_ref()?;
        Some(Self {
            n_fine_clusters: types.tree.n_leaves(),
            splits: split_lines(found),
        })
    }
}

/// A line for every split that was kept, the strongest first. Empty without a tree.
#[must_use]
pub fn split_lines(found: &Findings) -> Vec<String> {
    let Some(types) = &found.types else {
        return Vec::new();
    };
    let mut splits: Vec<&Node> = types
        .tree
        .nodes
        .iter()
        .enumerate()
        .filter(|(node, _)| types.is_split(*node))
        .map(|(_, node)| node)
        .collect();
    let strength = |node: &Node| node.evidence.as_ref().map_or(0.0, |found| found.strength);
    splits.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    let line = |node: &&Node| line(node, types, |gene| found.gene_name(gene));
    splits.iter().filter_map(line).collect()
}

/// `0+3 | 2: 14 genes, best KLRD1 (AUC 0.98); 2 % of edges between; in 100 % of halves; p 3e-41`
fn line<'a>(node: &Node, types: &Found, name: impl Fn(usize) -> &'a str) -> Option<String> {
    let [one, other] = node.children?.map(|child| {
        let clusters = types.clusters_below(child);
        let texts: Vec<String> = clusters.iter().map(ToString::to_string).collect();
        texts.join("+")
    });
    let evidence = node.evidence.as_ref()?;
    let best = node.genes.iter().flatten();
    let best = best.max_by(|a, b| a.auc.total_cmp(&b.auc));
    let genes = match (node.n_genes[0] + node.n_genes[1], best) {
        (0, None) => "no gene".to_owned(),
        (n, best) => {
            let genes = if n == 1 { "gene" } else { "genes" };
            let best = best.map(|gene| format!(", best {} (AUC {:.2})", name(gene.gene), gene.auc));
            format!("{n} {genes}{}", best.unwrap_or_default())
        }
    };
    Some(format!(
        "{one} | {other}: {genes}; {:.0} % of edges between; in {:.0} % of halves{}",
        100.0 * evidence.edges_between,
        100.0 * node.stability.unwrap_or_default(),
        node.p.map(p_text).unwrap_or_default()
    ))
}

/// `; p 3e-41`
fn p_text(p: f64) -> String {
    if p < LEAST_P {
        format!("; p < {LEAST_P:.0e}")
    } else if p < 0.001 {
        format!("; p {p:.0e}")
    } else {
        format!("; p {p:.3}")
    }
}

#[derive(Serialize)]
struct TreeFile<'a> {
    n_clusters: usize,
    n_fine_clusters: usize,
    /// The strength above which splits are kept, unless a number of clusters is asked for.
    enough: f64,
    nodes: Vec<NodeEntry<'a>>,
}

#[derive(Serialize)]
struct NodeEntry<'a> {
    id: usize,
    parent: Option<usize>,
    children: Option<[usize; 2]>,
    /// Clustered cells below it.
    cells: usize,
    /// Labels of `pred_label/NAME.csv` below it.
    clusters: Vec<usize>,
    /// Finest clusters (`fine`) of `pred_label/NAME.csv` below it.
    fine: &'a [usize],
    /// Whether its children are of different clusters.
    is_split: bool,
    #[serde(flatten)]
    evidence: Option<&'a Evidence>,
    stability: Option<f64>,
    /// Of a split that was kept.
    p: Option<f64>,
    /// Genes at least twofold, cautiously, in each child.
    n_genes: Option<[usize; 2]>,
    /// The best of them.
    genes: Option<[Vec<GeneEntry<'a>>; 2]>,
}

#[derive(Serialize)]
struct GeneEntry<'a> {
    name: &'a str,
    share: f64,
    share_other: f64,
    log2_fold: f64,
    auc: f64,
}

/// Writes every node, leaves first, the root last.
pub fn write_tree(path: &Path, found: &Findings) -> Result<(), WriteError> {
    let Some(types) = &found.types else {
        return Ok(());
    };
    let gene = |gene: &GeneOfSplit| GeneEntry {
        name: found.gene_name(gene.gene),
        share: gene.share,
        share_other: gene.share_other,
        log2_fold: gene.fold / std::f64::consts::LN_2,
        auc: gene.auc,
    };
    let fine = types.fine_below_each();
    let nodes = types.tree.nodes.iter().enumerate().map(|(id, node)| {
        let has_children = node.children.is_some();
        NodeEntry {
            id,
            parent: node.parent,
            children: node.children,
            cells: node.cells,
            clusters: types.clusters_below(id),
            fine: &fine[id],
            is_split: types.is_split(id),
            evidence: node.evidence.as_ref(),
            stability: node.stability,
            p: node.p,
            n_genes: has_children.then_some(node.n_genes),
            genes: has_children.then(|| {
                node.genes
                    .each_ref()
                    .map(|genes| genes.iter().map(gene).collect())
            }),
        }
    });
    let tree = TreeFile {
        n_clusters: types.clusters_below(types.tree.nodes.len() - 1).len(),
        n_fine_clusters: types.tree.n_leaves(),
        enough: types.enough,
        nodes: nodes.collect(),
    };
    write_json(path, &tree)
}

/// Writes the tree above the clusters in Newick's format.
pub fn write_newick(path: &Path, found: &Findings) -> Result<(), WriteError> {
    let Some(text) = newick(found) else {
        return Ok(());
    };
    write_file(path, |path| std::fs::write(path, text + "\n"))
}

/// The tree above the clusters, whose labels are the names of its tips. The length of a branch is by how much the evidence
/// falls along it; tips lie where the weakest split is.
pub(crate) fn newick(found: &Findings) -> Option<String> {
    let types = found.types.as_ref()?;
    let splits = (0..types.tree.nodes.len()).filter(|&node| types.is_split(node));
    let weakest = splits
        .map(|node| types.tree.nodes[node].height)
        .fold(f64::INFINITY, f64::min);
    let mut text = String::new();
    subtree(types, types.tree.nodes.len() - 1, weakest, &mut text);
    text.push(';');
    Some(text)
}

fn subtree(types: &Found, node: usize, weakest: f64, text: &mut String) {
    let height = |node: usize| {
        if types.is_split(node) {
            types.tree.nodes[node].height
        } else {
            weakest
        }
    };
    match types.tree.nodes[node].children {
        Some([one, other]) if types.is_split(node) => {
            for (before, child) in [("(", one), (",", other)] {
                text.push_str(before);
                subtree(types, child, weakest, text);
                let _ = write!(text, ":{:.4}", height(node) - height(child));
            }
            text.push(')');
        }
        _ => {
            for cluster in types.clusters_below(node) {
                let _ = write!(text, "{cluster}");
            }
        }
    }
}
