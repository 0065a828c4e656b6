//! The tree of fine clusters.

use rayon::prelude::*;

use super::{
    auc::auc,
    split_evidence::{Evidence, GeneOfSplit},
};
use crate::{grouping::Members, packed_counts::PackedCounts};

/// Most cells of either side that a gene's AUC is taken over, evenly spread: more would change it by less than 0.01.
const MOST_FOR_AUC: usize = 5000;

/// A binary tree of clusters: leaves are the fine ones, every other node its two children together.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The leaves in the order of the fine clusters, then nodes in the order in which they were merged; the root is last.
    pub nodes: Vec<Node>,
}

/// A cluster of the tree.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The node that it was merged into; `None` of the root.
    pub parent: Option<usize>,
    /// What it is split into; `None` of a leaf.
    pub children: Option<[usize; 2]>,
    /// Number of its cells.
    pub cells: usize,
    /// What tells its children apart; `None` of a leaf.
    pub evidence: Option<Evidence>,
    /// The strongest evidence of its own split and of all below it.
    pub height: f64,
    /// Share of random halves of the cells in which the genes' evidence, with the edges of all cells, would still part its
    /// children; `None` of a leaf.
    pub stability: Option<f64>,
    /// The strength in each of these halves.
    pub in_halves: Vec<f64>,
    /// The p-value of a test in counts that had no part in telling the children apart; `None` of a leaf, and where the
    /// split was not kept.
    pub p: Option<f64>,
    /// Genes that are at least twofold, cautiously, in each child.
    pub n_genes: [usize; 2],
    /// The best genes of each child.
    pub genes: [Vec<GeneOfSplit>; 2],
}

impl Tree {
    /// Number of fine clusters.
    #[must_use]
    pub fn n_leaves(&self) -> usize {
        self.nodes.len().div_ceil(2)
    }

    /// The leaves below a node, or itself where it is one, ascending.
    #[must_use]
    pub fn leaves_below(&self, node: usize) -> Vec<usize> {
        let mut open = vec![node];
        let mut leaves = Vec::new();
        while let Some(node) = open.pop() {
            match self.nodes[node].children {
                Some(children) => open.extend(children),
                None => leaves.push(node),
            }
        }
        leaves.sort_unstable();
        leaves
    }

    /// Gives the genes of all splits other numbers.
    pub(super) fn name_genes(&mut self, number: impl Fn(usize) -> usize) {
        for gene in self
            .nodes
            .iter_mut()
            .flat_map(|node| node.genes.iter_mut().flatten())
        {
            gene.gene = number(gene.gene);
        }
    }

    /// Cells below a node, at most `most` of them, evenly spread. `members`: those of every leaf.
    pub(super) fn some_below(&self, node: usize, members: &Members, most: usize) -> Vec<usize> {
        let leaves = self.leaves_below(node);
        let all = leaves.iter().flat_map(|&leaf| members.cells(leaf));
        let step = self.nodes[node].cells.div_ceil(most).max(1);
        all.step_by(step).map(|&cell| cell as usize).collect()
    }

    /// Counts the cells of every node anew.
    pub(super) fn count_cells(&mut self, leaves: &[usize]) {
        self.nodes.iter_mut().for_each(|node| node.cells = 0);
        for &leaf in leaves {
            self.nodes[leaf].cells += 1;
        }
        for node in 0..self.nodes.len() {
            if let Some(children) = self.nodes[node].children {
                self.nodes[node].cells = children.map(|child| self.nodes[child].cells).iter().sum();
            }
        }
    }
}

impl Node {
    /// A node before anything is known of it.
    pub(super) fn new() -> Self {
        Self {
            height: f64::NEG_INFINITY,
            ..Self::default()
        }
    }
}

/// Finds the AUC of every gene that a split names.
///
/// `counts`: raw counts, n × g; `totals`: n; `leaves`: the leaf of every cell.
pub(super) fn judge_genes(
    tree: &mut Tree,
    counts: &PackedCounts,
    totals: &[f32],
    leaves: &[usize],
) {
    let members = Members::of(leaves.iter().copied(), tree.n_leaves());
    let judged: Vec<Option<[Vec<f64>; 2]>> = tree
        .nodes
        .par_iter()
        .map(|node| {
            let genes: Vec<usize> = node
                .genes
                .iter()
                .flatten()
                .map(|found| found.gene)
                .collect();
            let sides = node.children?.map(|child| {
                let cells = tree.some_below(child, &members, MOST_FOR_AUC);
                shares_of(&genes, &cells, counts, totals)
            });
            let auc_of =
                |place: usize, side: usize| auc(&sides[side][place], &sides[1 - side][place]);
            let n_first = node.genes[0].len();
            Some([
                (0..n_first).map(|place| auc_of(place, 0)).collect(),
                (n_first..genes.len())
                    .map(|place| auc_of(place, 1))
                    .collect(),
            ])
        })
        .collect();
    for (node, judged) in tree.nodes.iter_mut().zip(judged) {
        for (genes, aucs) in node.genes.iter_mut().zip(judged.into_iter().flatten()) {
            for (gene, auc) in genes.iter_mut().zip(aucs) {
                gene.auc = auc;
            }
        }
    }
}

/// Shares of some genes in the counts of some cells: genes × cells.
fn shares_of(
    genes: &[usize],
    cells: &[usize],
    counts: &PackedCounts,
    totals: &[f32],
) -> Vec<Vec<f32>> {
    let mut shares = vec![vec![0.0; cells.len()]; genes.len()];
    let mut places = vec![Vec::new(); counts.shape().1];
    for (place, &gene) in genes.iter().enumerate() {
        places[gene].push(place);
    }
    for (i, &cell) in cells.iter().enumerate() {
        for (gene, count) in counts.row(cell) {
            for &place in &places[gene] {
                shares[place][i] = count / totals[cell];
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::super::{
        merging::Fine,
        parts::{N_PARTS, Parts},
        sums::Sums,
    };
    use super::*;
    use crate::graph::Adjacency;
    use ndarray::Array2;

    /// Twelve cells in four leaves of three; edges and genes make pairs of leaves, 0 with 2 and 1 with 3.
    fn fine() -> (Fine, Vec<usize>) {
        let labels: Vec<usize> = (0..12).map(|cell| cell % 4).collect();
        let side = |cell: usize| labels[cell] % 2;
        let graph = Adjacency::Dense(Array2::from_shape_fn((12, 12), |(a, b)| {
            match (a == b, labels[a] == labels[b], side(a) == side(b)) {
                (true, _, _) => 0.0,
                (_, true, _) => 1.0,
                (_, _, true) => 0.5,
                _ => 0.01,
            }
        }));
        let sums = |leaf: usize| {
            let mut parts = vec![Sums::nothing(2); N_PARTS];
            for part in parts.iter_mut().take(3) {
                part.cells = 1.0;
                part.total = 100.0;
                part.counts[leaf % 2] = 50.0;
                part.detected[leaf % 2] = 1.0;
            }
            parts
        };
        let fine = Fine {
            sums: (0..4).map(sums).collect(),
            parts: Parts::dealt(12, None, 1),
            weights: Fine::weights(&graph, &labels, 4),
            ln_depth: 100.0_f64.ln(),
            share: 1.0,
        };
        (fine, labels)
    }

    fn grown() -> Tree {
        let (fine, labels) = fine();
        let mut tree = fine.grow();
        tree.count_cells(&labels);
        tree
    }

    #[test]
    fn merging_stops_at_as_many_clusters_as_are_asked_for() {
        assert_eq!(fine().0.merged_into(2), [0, 1, 0, 1]);
        assert_eq!(fine().0.merged_into(1), [0; 4]);
        assert_eq!(fine().0.merged_into(9), [0, 1, 2, 3]);
    }

    #[test]
    fn the_least_distinct_are_merged_first() {
        let tree = grown();
        assert_eq!((tree.n_leaves(), tree.nodes.len()), (4, 7));
        let mut first = [4, 5].map(|node| tree.leaves_below(node));
        first.sort();
        assert_eq!(first, [vec![0, 2], vec![1, 3]]);
        assert_eq!(tree.leaves_below(6), [0, 1, 2, 3]);
        assert_eq!(tree.nodes[6].cells, 12);
        // Of one leaf's edges, 2 · 3 · 1 within, 9 · 0.5 and 2 · 9 · 0.01 to others.
        let edges = |node: usize| tree.nodes[node].evidence.as_ref().expect("a split").edges;
        let (within, near, far) = (6.0, 4.5, 0.18);
        let strength: f64 = within + near + far;
        let expected = strength * strength / (4.0 * strength);
        assert!((edges(4) + (near / expected + 1e-4).ln()).abs() < 1e-6);
        let expected = 4.0 * strength * strength / (4.0 * strength);
        assert!((edges(6) + (4.0 * 0.09 / expected + 1e-4).ln()).abs() < 1e-6);
    }
}
