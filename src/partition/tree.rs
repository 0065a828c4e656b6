//! The tree of fine clusters.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::{
    auc::auc,
    evidence::{Edges, Evidence, GeneOfSplit, Profile, genes_of},
    sums::{N_PARTS, Sums},
};
use crate::{
    counts::Csr,
    graph::Adjacency,
    seed::{Stream, stream},
};
use rand::seq::index;

/// Random halves of the cells in which every split is judged again.
const N_HALVES: usize = 20;

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

    /// The fine clusters that lie in each cluster of a cut below which no split is stronger than `enough`; a number for
    /// each leaf.
    #[must_use]
    pub fn cut(&self, enough: f64) -> Vec<usize> {
        self.cut_where(|node| self.nodes[node].height > enough)
    }

    /// The same for a cut into `n_clusters`, at most as many as there are leaves: the strongest splits.
    #[must_use]
    pub fn cut_into(&self, n_clusters: usize) -> Vec<usize> {
        let mut splits: Vec<usize> = (self.n_leaves()..self.nodes.len()).collect();
        let height = |node: usize| self.nodes[node].height;
        splits.sort_by(|&a, &b| {
            height(b)
                .total_cmp(&height(a))
                .then(Reverse(a).cmp(&Reverse(b)))
        });
        splits.truncate(n_clusters.saturating_sub(1));
        self.cut_where(|node| splits.contains(&node))
    }

    /// A number for each leaf: that of the first node on the way down from the root which is not split.
    fn cut_where(&self, is_split: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut cluster: Vec<usize> = (0..self.nodes.len()).collect();
        for node in (0..self.nodes.len()).rev() {
            if let Some(parent) = self.nodes[node].parent
                && (cluster[parent] != parent || !is_split(parent))
            {
                cluster[node] = cluster[parent];
            }
        }
        cluster.truncate(self.n_leaves());
        cluster
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

/// The fine clusters' counts and edges, from which the tree is grown.
#[derive(Debug)]
pub(super) struct Fine {
    /// Clusters × parts of the cells.
    pub parts: Vec<Vec<Sums>>,
    /// Summed weights between any two, those within counted both ways: symmetric.
    pub weights: Vec<Vec<f64>>,
    /// ln of the median total count.
    pub ln_depth: f64,
}

impl Fine {
    /// Summed weights of a graph between clusters.
    pub(super) fn weights(graph: &Adjacency, labels: &[usize], n_clusters: usize) -> Vec<Vec<f64>> {
        let mut weights = vec![vec![0.0; n_clusters]; n_clusters];
        for (cell, &label) in labels.iter().enumerate() {
            graph.each_in_row(cell, |other, weight| {
                if other != cell {
                    weights[label][labels[other]] += f64::from(weight);
                }
            });
        }
        weights
    }

    /// Merges the two clusters with the least evidence between them, again and again, up to one.
    ///
    /// O(clusters² · genes) time.
    pub(super) fn grow(self) -> Tree {
        let mut growing = Growing::new(self);
        while growing.merge_least_distinct() {}
        growing.tree
    }
}

/// A cluster that has not been merged yet.
struct Open {
    node: usize,
    parts: Vec<Sums>,
    profile: Profile,
    weights: Vec<f64>,
}

struct Growing {
    tree: Tree,
    /// By place: merged ones are gone.
    open: Vec<Option<Open>>,
    /// Evidence between any two that are open, by place, in the lower triangle.
    between: Vec<Vec<Option<Evidence>>>,
    total: f64,
    ln_depth: f64,
    halves: Vec<[bool; N_PARTS]>,
}

impl Growing {
    fn new(fine: Fine) -> Self {
        let n = fine.parts.len();
        let total = fine.weights.iter().flatten().sum();
        let open: Vec<Option<Open>> = fine
            .parts
            .into_iter()
            .zip(fine.weights)
            .enumerate()
            .map(|(node, (parts, weights))| {
                Some(Open {
                    node,
                    profile: Profile::of(&together(&parts, |_| true)),
                    parts,
                    weights,
                })
            })
            .collect();
        let mut growing = Self {
            tree: Tree {
                nodes: (0..n).map(|_| Node::new()).collect(),
            },
            open,
            between: Vec::new(),
            total,
            ln_depth: fine.ln_depth,
            halves: halves(),
        };
        growing.between = (0..n)
            .into_par_iter()
            .map(|place| {
                (0..place)
                    .map(|other| growing.evidence(place, other))
                    .collect()
            })
            .collect();
        growing
    }

    fn edges(&self, one: &Open, other: &Open, other_place: usize) -> Edges {
        Edges {
            of_one: one.weights.iter().sum(),
            of_other: other.weights.iter().sum(),
            between: one.weights[other_place],
            total: self.total,
        }
    }

    fn evidence(&self, place: usize, other_place: usize) -> Option<Evidence> {
        let (one, other) = (self.open[place].as_ref()?, self.open[other_place].as_ref()?);
        let edges = self.edges(one, other, other_place);
        Some(Evidence::of(
            &one.profile,
            &other.profile,
            edges,
            self.ln_depth,
        ))
    }

    /// The places of the two open clusters with the least evidence between them, the lower one first.
    fn least_distinct(&self) -> Option<(usize, usize, Evidence)> {
        let pairs = self.between.iter().enumerate().flat_map(|(place, row)| {
            row.iter()
                .enumerate()
                .filter_map(move |(other, evidence)| Some((other, place, evidence.as_ref()?)))
        });
        let least = pairs.min_by(|a, b| a.2.strength.total_cmp(&b.2.strength))?;
        Some((least.0, least.1, least.2.clone()))
    }

    /// Whether there was a pair to merge.
    fn merge_least_distinct(&mut self) -> bool {
        let Some((place, gone, evidence)) = self.least_distinct() else {
            return false;
        };
        let (Some(one), Some(other)) = (self.open[place].take(), self.open[gone].take()) else {
            return false;
        };
        let merged = self.join(one, other, place, gone, evidence);
        self.open[place] = Some(merged);
        self.between[gone].fill(None);
        for row in &mut self.between[gone + 1..] {
            row[gone] = None;
        }
        let renewed: Vec<Option<Evidence>> = (0..self.open.len())
            .into_par_iter()
            .map(|other| {
                (other != place)
                    .then(|| self.evidence(place, other))
                    .flatten()
            })
            .collect();
        for (other, evidence) in renewed.into_iter().enumerate() {
            let (high, low) = (place.max(other), place.min(other));
            if high != low {
                self.between[high][low] = evidence;
            }
        }
        true
    }

    fn join(
        &mut self,
        mut one: Open,
        other: Open,
        place: usize,
        gone: usize,
        evidence: Evidence,
    ) -> Open {
        let node = self.tree.nodes.len();
        let children = [one.node, other.node];
        let heights = children.map(|child| self.tree.nodes[child].height);
        let (up, down) = (
            genes_of(&one.profile, &other.profile),
            genes_of(&other.profile, &one.profile),
        );
        let edges = self.edges(&one, &other, gone);
        let still = self.halves.par_iter().filter(|half| {
            let profiles = [&one, &other].map(|open| together(&open.parts, |part| half[part]));
            if profiles.iter().any(|sums| sums.cells < 1.0) {
                return false;
            }
            let [one, other] = profiles.each_ref().map(Profile::of);
            Evidence::of(&one, &other, edges, self.ln_depth).strength > super::found::ENOUGH
        });
        let stability = still.count() as f64 / N_HALVES as f64;
        self.tree.nodes.push(Node {
            children: Some(children),
            height: heights.into_iter().fold(evidence.strength, f64::max),
            evidence: Some(evidence),
            stability: Some(stability),
            n_genes: [up.0, down.0],
            genes: [up.1, down.1],
            ..Node::new()
        });
        for child in children {
            self.tree.nodes[child].parent = Some(node);
        }
        for (sum, part) in one.parts.iter_mut().zip(&other.parts) {
            sum.add(part);
        }
        // Edges to the one that is gone lead to the merged one now.
        for (sum, weight) in one.weights.iter_mut().zip(&other.weights) {
            *sum += weight;
        }
        one.weights[place] += one.weights[gone];
        one.weights[gone] = 0.0;
        for open in self.open.iter_mut().flatten() {
            open.weights[place] += open.weights[gone];
            open.weights[gone] = 0.0;
        }
        Open {
            node,
            profile: Profile::of(&together(&one.parts, |_| true)),
            parts: one.parts,
            weights: one.weights,
        }
    }
}

impl Node {
    fn new() -> Self {
        Self {
            height: f64::NEG_INFINITY,
            ..Self::default()
        }
    }
}

/// The sums of some parts.
fn together(parts: &[Sums], taken: impl Fn(usize) -> bool) -> Sums {
    let mut sum = Sums::nothing(parts.first().map_or(0, |part| part.counts.len()));
    for (_, part) in parts.iter().enumerate().filter(|(i, _)| taken(*i)) {
        sum.add(part);
    }
    sum
}

/// Which parts make up each half; the same for every data set, since the parts are drawn at random.
fn halves() -> Vec<[bool; N_PARTS]> {
    let mut rng = stream(0, Stream::Parts);
    (0..N_HALVES)
        .map(|_| {
            let mut half = [false; N_PARTS];
            for part in index::sample(&mut rng, N_PARTS, N_PARTS / 2) {
                half[part] = true;
            }
            half
        })
        .collect()
}

/// Finds the AUC of every gene that a split names.
///
/// `counts`: raw counts, n × g; `totals`: n; `leaves`: the leaf of every cell.
pub(super) fn judge_genes(tree: &mut Tree, counts: &Csr, totals: &[f32], leaves: &[usize]) {
    let mut members = vec![Vec::new(); tree.n_leaves()];
    for (cell, &leaf) in leaves.iter().enumerate() {
        members[leaf].push(cell);
    }
    let cells_of = |tree: &Tree, node: usize| -> Vec<usize> {
        let leaves = tree.leaves_below(node);
        leaves
            .iter()
            .flat_map(|&leaf| members[leaf].iter().copied())
            .collect()
    };
    let expression = |cells: &[usize], gene: usize| -> Vec<f32> {
        let of_cell = |&cell: &usize| {
            let row = counts.outer_view(cell);
            let count = row.and_then(|row| row.get(gene).copied()).unwrap_or(0.0);
            count / totals[cell]
        };
        cells.iter().map(of_cell).collect()
    };
    let judged: Vec<Option<[Vec<f64>; 2]>> = tree
        .nodes
        .par_iter()
        .map(|node| {
            let sides = node.children?.map(|child| cells_of(tree, child));
            let of_side = |side: usize| {
                let genes = node.genes[side].iter().map(|found| {
                    let values = |cells: &[usize]| expression(cells, found.gene);
                    auc(&values(&sides[side]), &values(&sides[1 - side]))
                });
                genes.collect()
            };
            Some([of_side(0), of_side(1)])
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Twelve cells in four leaves of three; edges and genes make pairs of leaves, 0 with 2 and 1 with 3.
    fn grown() -> Tree {
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
            parts: (0..4).map(sums).collect(),
            weights: Fine::weights(&graph, &labels, 4),
            ln_depth: 100.0_f64.ln(),
        };
        let mut tree = fine.grow();
        tree.count_cells(&labels);
        tree
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

    #[test]
    fn cuts_nest() {
        let tree = grown();
        let groups = |cut: &[usize]| {
            let mut distinct = cut.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            distinct.len()
        };
        for n in 1..=4 {
            assert_eq!(groups(&tree.cut_into(n)), n);
        }
        let two = tree.cut_into(2);
        assert_eq!((two[0], two[1]), (two[2], two[3]));
        let root = tree.nodes[6].height;
        assert_eq!(groups(&tree.cut(root)), 1);
        assert_eq!(tree.cut(root - 1e-9), two);
        assert_eq!(groups(&tree.cut(f64::NEG_INFINITY)), 4);
    }
}
