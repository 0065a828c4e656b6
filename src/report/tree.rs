//! The tree as the page shows it: down to forty tips, or to the run's clusters where these are more.

use serde::Serialize;

use super::text::{self, rounded};
use crate::{
    partition::{Found, GeneOfSplit, Node},
    write::Findings,
};

/// Tips that the tree is shown down to, and most splits whose genes are named.
const N_TIPS: usize = 40;
const MOST_NAMED: usize = 250;

/// The upper part of a run's tree. Tips come first, the root last.
#[derive(Debug, Serialize)]
pub(super) struct PageTree {
    /// The tip of every cell of the run.
    #[serde(skip)]
    pub tips: Vec<usize>,
    nodes: Vec<PageNode>,
    /// The run's cluster that each tip lies in.
    clusters: Vec<usize>,
    /// Number of fine clusters that the whole tree starts from.
    n_leaves: usize,
}

#[derive(Debug, Default, Serialize)]
struct PageNode {
    parent: Option<usize>,
    children: Option<[usize; 2]>,
    /// Cells of the run below it.
    cells: usize,
    /// The strongest evidence of its split and of all below it.
    height: f64,
    split: Option<PageSplit>,
}

/// What tells a node's children apart.
#[derive(Debug, Serialize)]
struct PageSplit {
    edges_between: f64,
    stability: f64,
    /// Of a split that the run kept.
    p: Option<f64>,
    /// Genes at least twofold in each child, and the best of them.
    n_genes: [usize; 2],
    genes: [Vec<PageGene>; 2],
}

#[derive(Debug, Serialize)]
struct PageGene {
    name: String,
    share: f64,
    share_other: f64,
    auc: f64,
}

impl PageTree {
    pub(super) fn of(found: &Findings<'_>, types: &Found) -> Self {
        let tree = &types.tree;
        let n_clusters = types.clusters_below(tree.nodes.len() - 1).len();
        let node_of_leaf = tree.cut_into(tree.n_leaves().min(n_clusters.max(N_TIPS)));
        let kept = kept_nodes(&tree.nodes, &node_of_leaf);
        let place = |node: usize| kept.iter().position(|&kept| kept == node);
        let mut nodes: Vec<PageNode> = kept
            .iter()
            .map(|&old| {
                let node = &tree.nodes[old];
                let children = node
                    .children
                    .and_then(|[a, b]| Some([place(a)?, place(b)?]));
                PageNode {
                    parent: node.parent.and_then(place),
                    children,
                    cells: 0,
                    height: rounded(node.height),
                    split: children.and_then(|_| split(found, node)),
                }
            })
            .collect();
        forget_genes_of_weak(&mut nodes);
        let tip_of_leaf: Vec<usize> = node_of_leaf
            .iter()
            .map(|&node| place(node).unwrap_or(0))
            .collect();
        let tips: Vec<usize> = types.leaves.iter().map(|&leaf| tip_of_leaf[leaf]).collect();
        count_cells(&mut nodes, &tips);
        let n_tips = nodes.len().div_ceil(2);
        let mut clusters = vec![0; n_tips];
        for (leaf, &tip) in tip_of_leaf.iter().enumerate() {
            clusters[tip] = types.cluster_of_leaf[leaf];
        }
        Self {
            tips,
            nodes,
            clusters,
            n_leaves: tree.n_leaves(),
        }
    }
}

/// The nodes of a cut, and all above them: the former first, each part in the tree's order, in which children come before
/// their parents.
fn kept_nodes(nodes: &[Node], node_of_leaf: &[usize]) -> Vec<usize> {
    let mut tips = node_of_leaf.to_vec();
    tips.sort_unstable();
    tips.dedup();
    let mut is_above = vec![false; nodes.len()];
    for &tip in &tips {
        let mut node = nodes[tip].parent;
        while let Some(above) = node.filter(|&above| !is_above[above]) {
            is_above[above] = true;
            node = nodes[above].parent;
        }
    }
    tips.extend((0..nodes.len()).filter(|&node| is_above[node]));
    tips
}

fn split(found: &Findings<'_>, node: &Node) -> Option<PageSplit> {
    let evidence = node.evidence.as_ref()?;
    let gene = |gene: &GeneOfSplit| PageGene {
        name: text::name(found.gene_name(gene.gene)),
        share: rounded(gene.share),
        share_other: rounded(gene.share_other),
        auc: rounded(gene.auc),
    };
    Some(PageSplit {
        edges_between: rounded(evidence.edges_between),
        stability: rounded(node.stability.unwrap_or_default()),
        p: node.p,
        n_genes: node.n_genes,
        genes: node
            .genes
            .each_ref()
            .map(|genes| genes.iter().map(gene).collect()),
    })
}

/// In a tree of very many splits only the strongest name their genes.
fn forget_genes_of_weak(nodes: &mut [PageNode]) {
    let mut splits: Vec<usize> = (0..nodes.len())
        .filter(|&node| nodes[node].split.is_some())
        .collect();
    splits.sort_by(|&a, &b| nodes[b].height.total_cmp(&nodes[a].height));
    for &node in splits.iter().skip(MOST_NAMED) {
        if let Some(split) = &mut nodes[node].split {
            split.genes = [Vec::new(), Vec::new()];
        }
    }
}

fn count_cells(nodes: &mut [PageNode], tips: &[usize]) {
    for &tip in tips {
        nodes[tip].cells += 1;
    }
    for node in 0..nodes.len() {
        if let Some(children) = nodes[node].children {
            nodes[node].cells = children.iter().map(|&child| nodes[child].cells).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves 0 to 3; 4 = 0 + 1, 5 = 2 + 3, 6 = 4 + 5.
    fn nodes() -> Vec<Node> {
        let parents = [Some(4), Some(4), Some(5), Some(5), Some(6), Some(6), None];
        let node = |parent| Node {
            parent,
            ..Node::default()
        };
        parents.map(node).into()
    }

    #[test]
    fn what_lies_below_a_cut_is_left_out() {
        assert_eq!(kept_nodes(&nodes(), &[0, 1, 5, 5]), [0, 1, 5, 4, 6]);
        assert_eq!(kept_nodes(&nodes(), &[6; 4]), [6]);
        assert_eq!(kept_nodes(&nodes(), &[0, 1, 2, 3]), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn cells_add_up() {
        let leaf = || PageNode::default();
        let root = PageNode {
            children: Some([0, 1]),
            ..leaf()
        };
        let mut nodes = [leaf(), leaf(), root];
        count_cells(&mut nodes, &[0, 1, 1]);
        assert_eq!(nodes.map(|node| node.cells), [1, 2, 3]);
    }
}
