//! How the tree of fine clusters is grown: the least distinct pair is merged, again and again.

use rayon::prelude::*;

use super::{
    between::{Between, Row},
    edges::Edges,
    parts::Parts,
    profile::Profile,
    split_evidence::{Evidence, genes_of},
    sums::Sums,
    tree::{Node, Tree},
};
use crate::{graph::Adjacency, grouping::Members};

/// Random halves of the cells in which every split is judged again.
const N_HALVES: usize = 20;

/// Pairs of a cluster whose genes are looked at together: those that the edges put this close to the least.
const STEP: f64 = 0.5;

/// The fine clusters' counts and edges, from which the tree is grown.
#[derive(Debug)]
pub(super) struct Fine {
    /// Clusters × parts of the cells.
    pub sums: Vec<Vec<Sums>>,
    /// Which parts these are.
    pub parts: Parts,
    /// Summed weights between any two, those within counted both ways: symmetric.
    pub weights: Vec<Vec<f64>>,
    /// ln of the median total count.
    pub ln_depth: f64,
    /// Share of all edges that chance is taken over, from 0 to 1.
    pub share: f64,
}

impl Fine {
    /// Summed weights of a graph between clusters.
    pub(super) fn weights(graph: &Adjacency, labels: &[usize], n_clusters: usize) -> Vec<Vec<f64>> {
        let members = Members::of(labels.iter().copied(), n_clusters);
        let of_cluster = |cluster| {
            let mut weights = vec![0.0; n_clusters];
            for &cell in members.cells(cluster) {
                graph.each_in_row(cell as usize, |other, weight| {
                    if other != cell as usize {
                        weights[labels[other]] += f64::from(weight);
                    }
                });
            }
            weights
        };
        (0..n_clusters).into_par_iter().map(of_cluster).collect()
    }

    /// Merges the two clusters with the least evidence between them, again and again, up to one.
    ///
    /// O(clusters² · genes) time.
    pub(super) fn grow(self) -> Tree {
        let halves = self.parts.halves(N_HALVES);
        let mut growing = Growing::new(self, halves);
        while growing.merge_least_distinct() {}
        growing.tree
    }

    /// The same until there are no more than `n_clusters`: a number for each of those that there were, below `n_clusters`.
    pub(super) fn merged_into(self, n_clusters: usize) -> Vec<usize> {
        let mut merged = vec![0; self.sums.len()];
        let mut n_open = merged.len();
        let mut growing = Growing::new(self, Vec::new());
        while n_open > n_clusters && growing.merge_least_distinct() {
            n_open -= 1;
        }
        for (number, open) in growing.open.iter().flatten().enumerate() {
            for leaf in growing.tree.leaves_below(open.node) {
                merged[leaf] = number;
            }
        }
        merged
    }
}

/// A cluster that has not been merged yet.
struct Open {
    node: usize,
    parts: Vec<Sums>,
    profile: Profile,
    /// Summed weights of its edges, by place of the other cluster.
    weights: Vec<f64>,
    /// The sum of these.
    degree: f64,
}

struct Growing {
    tree: Tree,
    /// By place: merged ones are gone.
    open: Vec<Option<Open>>,
    /// By place.
    rows: Vec<Row>,
    /// Summed weights that chance is taken over.
    total: f64,
    ln_depth: f64,
    /// Halves of the parts, in which splits are judged again.
    halves: Vec<Vec<bool>>,
    parts: Parts,
}

impl Growing {
    fn new(fine: Fine, halves: Vec<Vec<bool>>) -> Self {
        let n = fine.sums.len();
        let total = fine.share * fine.weights.iter().flatten().sum::<f64>();
        let open: Vec<Option<Open>> = fine
            .sums
            .into_par_iter()
            .zip(fine.weights)
            .enumerate()
            .map(|(node, (parts, weights))| {
                Some(Open {
                    node,
                    profile: fine.parts.profile(&parts, |_| true),
                    parts,
                    degree: weights.iter().sum(),
                    weights,
                })
            })
            .collect();
        let mut growing = Self {
            tree: Tree {
                nodes: (0..n).map(|_| Node::new()).collect(),
            },
            open,
            rows: Vec::new(),
            total,
            ln_depth: fine.ln_depth,
            halves,
            parts: fine.parts,
        };
        growing.rows = (0..n)
            .into_par_iter()
            .map(|place| growing.row(place))
            .collect();
        growing
    }

    fn row(&self, place: usize) -> Row {
        let mut row = Row {
            between: (0..place)
                .map(|other| self.at_least(place, other))
                .collect(),
            least: None,
        };
        row.find_least();
        row
    }

    fn edges(&self, one: &Open, other: &Open, other_place: usize) -> Edges {
        Edges {
            of_one: one.degree,
            of_other: other.degree,
            between: one.weights[other_place],
            total: self.total,
        }
    }

    fn pair(&self, place: usize, other_place: usize) -> Option<(&Open, &Open, Edges)> {
        let (one, other) = (self.open[place].as_ref()?, self.open[other_place].as_ref()?);
        Some((one, other, self.edges(one, other, other_place)))
    }

    fn at_least(&self, place: usize, other_place: usize) -> Between {
        self.pair(place, other_place)
            .map_or(Between::Gone, |(_, _, edges)| {
                Between::AtLeast(Evidence::at_least(edges, self.ln_depth))
            })
    }

    fn evidence(&self, place: usize, other_place: usize) -> Option<Evidence> {
        let (one, other, edges) = self.pair(place, other_place)?;
        Some(Evidence::of(
            &one.profile,
            &other.profile,
            edges,
            self.ln_depth,
        ))
    }

    /// The places of the two open clusters with the least evidence between them, the lower one first. Genes are looked at
    /// where the edges alone are not evidence enough to pass a pair over.
    fn least_distinct(&mut self) -> Option<(usize, usize)> {
        loop {
            let rows = self.rows.iter().enumerate();
            let (strength, place, other) = rows
                .filter_map(|(place, row)| row.least.map(|(other, least)| (least, place, other)))
                .min_by(|a, b| a.0.total_cmp(&b.0))?;
            if let Between::Known(_) = self.rows[place].between[other] {
                return Some((other, place));
            }
            // All of the row that may be weaker still, at once.
            let row = &self.rows[place].between;
            let known: Vec<(usize, Between)> = row
                .par_iter()
                .enumerate()
                .filter(|(_, between)| {
                    matches!(between, Between::AtLeast(least) if *least <= strength + STEP)
                })
                .filter_map(|(other, _)| {
                    Some((other, Between::Known(self.evidence(place, other)?.strength)))
                })
                .collect();
            for (other, between) in known {
                self.rows[place].between[other] = between;
            }
            self.rows[place].find_least();
        }
    }

    /// Whether there was a pair to merge.
    fn merge_least_distinct(&mut self) -> bool {
        let Some((place, gone)) = self.least_distinct() else {
            return false;
        };
        let (Some(one), Some(other)) = (self.open[place].take(), self.open[gone].take()) else {
            return false;
        };
        let merged = self.join(one, other, place, gone);
        self.open[place] = Some(merged);
        let mut rows = std::mem::take(&mut self.rows);
        rows[gone] = Row::default();
        rows[place] = self.row(place);
        rows.par_iter_mut()
            .enumerate()
            .filter(|(other, row)| *other > place && !row.between.is_empty())
            .for_each(|(other, row)| row.merge(place, gone, self.at_least(other, place)));
        self.rows = rows;
        true
    }

    fn join(&mut self, mut one: Open, other: Open, place: usize, gone: usize) -> Open {
        let node = self.tree.nodes.len();
        let children = [one.node, other.node];
        let heights = children.map(|child| self.tree.nodes[child].height);
        let (up, down) = (
            genes_of(&one.profile, &other.profile),
            genes_of(&other.profile, &one.profile),
        );
        let edges = self.edges(&one, &other, gone).nearby();
        let evidence = Evidence::of(&one.profile, &other.profile, edges, self.ln_depth);
        let in_half = |half: &Vec<bool>| {
            let [one, other] =
                [&one, &other].map(|open| self.parts.profile(&open.parts, |part| half[part]));
            if one.is_empty() || other.is_empty() {
                return f64::NEG_INFINITY;
            }
            Evidence::of(&one, &other, edges, self.ln_depth).strength
        };
        let in_halves = self.halves.par_iter().map(in_half).collect();
        self.tree.nodes.push(Node {
            children: Some(children),
            height: heights.into_iter().fold(evidence.strength, f64::max),
            evidence: Some(evidence),
            in_halves,
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
        one.degree += other.degree;
        for open in self.open.iter_mut().flatten() {
            open.weights[place] += open.weights[gone];
            open.weights[gone] = 0.0;
        }
        Open {
            node,
            profile: self.parts.profile(&one.parts, |_| true),
            parts: one.parts,
            weights: one.weights,
            degree: one.degree,
        }
    }
}
