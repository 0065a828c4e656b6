//! Where the tree is cut.

use std::{cmp::Reverse, f64::consts::LN_2};

use super::{Evidence, Granularity, Tree};

/// The evidence that a split needs to be kept.
const ENOUGH: f64 = 0.25;

/// The same where few large clusters are asked for, and for the finest level that is written.
const ENOUGH_FOR_COARSE: f64 = 2.25;
const ENOUGH_FOR_FINE: f64 = -0.75;

/// Where the evidence of no split lies between two that are this far apart, it falls into two groups: splits between types, and
/// those within them. Strengths are logarithms: e^3.5 is 33.
const GAP: f64 = 3.5;

/// Evidence this weak shows nothing.
const NOTHING: f64 = ENOUGH - GAP;

/// Groups with nothing between them have at most half of the edges that chance would put there (`edges` of [`Evidence`]).
const APART: f64 = LN_2;

/// Fewest splits of which it says something that all of them are so: in real tissues many of those in which genes differ are not, but
/// a few may be by chance.
const FEWEST_APART: usize = 5;

impl Tree {
    /// The strength above which splits are kept.
    ///
    /// Usually that is [`ENOUGH`]. In data without donors, stress, cell cycle or the like, splits between types can be weaker than this,
    /// while those within them are much weaker still; then it lies between the two. Either nothing lies between the types
    /// ([`Self::where_genes_end`]), or there is a gap in the evidence. A gap does not count if it begins at [`NOTHING`] or lower, or if no
    /// genes differ in a split that it would keep.
    pub(super) fn enough(&self, granularity: Granularity) -> f64 {
        let auto = || {
            let end = self.where_genes_end().filter(|&end| end < ENOUGH);
            end.unwrap_or_else(|| self.gap_below(ENOUGH))
        };
        match granularity {
            Granularity::Coarse => ENOUGH_FOR_COARSE,
            Granularity::Auto => auto(),
            Granularity::Fine => auto().min(ENOUGH_FOR_FINE),
        }
    }

    /// The strength between the splits in which genes are detected differently and those in which none is, if the former are
    /// [`APART`], all of [`FEWEST_APART`] or more, and stronger than any of the latter.
    fn where_genes_end(&self) -> Option<f64> {
        if !self.all_with_genes_are_apart() {
            return None;
        }
        let strengths = |with_genes: bool| {
            let found = self
                .evidence()
                .filter(move |found| has_genes(found) == with_genes);
            found.map(|found| found.strength)
        };
        let weakest = strengths(true).min_by(f64::total_cmp)?;
        let strongest = strengths(false).max_by(f64::total_cmp)?;
        (weakest > strongest).then(|| f64::midpoint(weakest, strongest))
    }

    fn all_with_genes_are_apart(&self) -> bool {
        let with_genes = || self.evidence().filter(|found| has_genes(found));
        with_genes().count() >= FEWEST_APART && with_genes().all(|found| found.edges >= APART)
    }

    /// Of all splits.
    fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.nodes.iter().filter_map(|node| node.evidence.as_ref())
    }

    /// The middle of the first gap below `enough`; `enough` itself if there is none, or if it already lies in one.
    fn gap_below(&self, enough: f64) -> f64 {
        let heights = self.heights();
        let n_kept = heights.partition_point(|&height| height > enough);
        let from = n_kept.saturating_sub(1);
        let gap = heights[from..]
            .windows(2)
            .take_while(|pair| pair[0] > NOTHING)
            .find(|pair| pair[0] - pair[1] >= GAP);
        match gap {
            Some(&[above, below]) if above <= enough && self.have_genes(below, enough) => {
                f64::midpoint(above, below)
            }
            _ => enough,
        }
    }

    /// Whether genes differ in all splits that are stronger than `below`, but not than `enough`: a lack of edges alone does not do.
    fn have_genes(&self, below: f64, enough: f64) -> bool {
        let is_weak = |found: &&Evidence| found.strength > below && found.strength <= enough;
        let mut weak = self.evidence().filter(is_weak);
        weak.all(|found| has_genes(found) || found.fold > 0.0)
    }

    /// Whether some split shows nothing, so that the leaves are finer than types: it is weak, and either no genes differ in one, or
    /// the sides of some are not apart. A single leaf has none, and cannot be split.
    pub(super) fn has_a_split_within_a_type(&self) -> bool {
        let are_types = || self.evidence().all(has_genes) && self.all_with_genes_are_apart();
        let heights = self.heights();
        heights
            .last()
            .is_none_or(|&weakest| weakest <= NOTHING && !are_types())
    }

    /// Heights of all splits, the strongest first.
    fn heights(&self) -> Vec<f64> {
        let splits = &self.nodes[self.n_leaves()..];
        let mut heights: Vec<f64> = splits.iter().map(|node| node.height).collect();
        heights.sort_by(|a, b| b.total_cmp(a));
        heights
    }

    /// Finds in how many of the halves of the cells each split is stronger than `enough`.
    pub(super) fn judge_stability(&mut self, enough: f64) {
        for node in &mut self.nodes {
            let kept = node.in_halves.iter().filter(|&&strength| strength > enough);
            let share = kept.count() as f64 / node.in_halves.len() as f64;
            node.stability = node.children.map(|_| share);
        }
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
}

/// Whether genes are detected differently on the two sides.
fn has_genes(found: &Evidence) -> bool {
    found.detection > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grouping::n_groups,
        partition::{Evidence, Node, by_first},
    };

    /// A tree in which one leaf after the other is split off, the last at the root.
    fn tree(heights: &[f64]) -> Tree {
        let n_leaves = heights.len() + 1;
        let mut nodes: Vec<Node> = (0..n_leaves).map(|_| Node::new()).collect();
        for (split, &height) in heights.iter().enumerate() {
            let below = if split == 0 { 0 } else { nodes.len() - 1 };
            let children = [below, split + 1];
            let node = nodes.len();
            nodes.push(Node {
                children: Some(children),
                height,
                ..Node::new()
            });
            for child in children {
                nodes[child].parent = Some(node);
            }
        }
        Tree { nodes }
    }

    fn n_clusters(heights: &[f64]) -> usize {
        let tree = tree(heights);
        n_groups(&by_first(&tree.cut(tree.enough(Granularity::Auto))))
    }

    #[test]
    fn splits_with_enough_evidence_are_kept() {
        assert_eq!(n_clusters(&[]), 1);
        assert_eq!(n_clusters(&[-6.0]), 1);
        assert_eq!(n_clusters(&[-6.0, -4.0, -2.0, 0.5, 1.5]), 3);
        // Enough lies in the gap.
        assert_eq!(n_clusters(&[-6.0, -3.0, 0.5, 1.5]), 3);
    }

    #[test]
    fn a_cut_goes_into_a_gap_below() {
        let gap = [-6.0, -5.0, -1.5, -0.5, 0.5, 1.5];
        assert_eq!(n_clusters(&gap), 5);
        assert!((tree(&gap).enough(Granularity::Auto) + 3.25).abs() < 1e-12);
        assert!((tree(&gap).enough(Granularity::Fine) + 3.25).abs() < 1e-12);
        assert!((tree(&gap).enough(Granularity::Coarse) - ENOUGH_FOR_COARSE).abs() < 1e-12);
        // Without one, also below what shows nothing, it stays where it is.
        assert_eq!(n_clusters(&[-5.0, -3.5, -1.5, -0.5, 0.5, 1.5]), 3);
        assert_eq!(n_clusters(&[-9.0, -5.0, -3.0, -1.5, -0.5, 0.5, 1.5]), 3);
        // No split is strong: two types that differ by little.
        assert_eq!(n_clusters(&[-6.0, -5.5, -0.5]), 2);
    }

    fn evidence(strength: f64, edges: f64, detection: f64) -> Evidence {
        Evidence {
            strength,
            edges,
            edges_between: 0.1,
            detection,
            fold: 0.0,
        }
    }

    /// A [`tree`] of splits with these strengths, edges and differences in detection.
    fn tree_with_evidence(splits: &[(f64, f64, f64)]) -> Tree {
        let strengths: Vec<f64> = splits.iter().map(|split| split.0).collect();
        let mut tree = tree(&strengths);
        let n_leaves = tree.n_leaves();
        for (node, &(strength, edges, detection)) in tree.nodes[n_leaves..].iter_mut().zip(splits) {
            node.evidence = Some(evidence(strength, edges, detection));
        }
        tree
    }

    #[test]
    fn a_cut_goes_to_where_genes_end_if_nothing_lies_between_types() {
        let enough = |splits| tree_with_evidence(splits).enough(Granularity::Auto);
        let mut apart = [(-2.5, 2.0, 0.2); 6];
        apart[0] = (-5.0, -0.5, 0.0);
        apart[1] = (-3.5, 0.8, 0.15);
        assert!((enough(&apart) + 4.25).abs() < 1e-12);
        // They are too few to tell.
        assert!((enough(&apart[..5]) - ENOUGH).abs() < 1e-12);
        // Nothing shows what splits within a type are like.
        assert!((enough(&apart[1..]) - ENOUGH).abs() < 1e-12);
        // Edges lead from one side to the other, as between the states of a type.
        let mut between = apart;
        between[1].1 = 0.5;
        assert!((enough(&between) - ENOUGH).abs() < 1e-12);
        // A split without genes is no weaker.
        let mut mixed = apart;
        mixed[0].0 = -3.0;
        assert!((enough(&mixed) - ENOUGH).abs() < 1e-12);
        // The cut for strong splits lies there already.
        let strong = apart.map(|(strength, edges, genes)| (strength + 6.0, edges, genes));
        assert!((enough(&strong) - ENOUGH).abs() < 1e-12);
    }

    #[test]
    fn a_gap_below_splits_without_genes_does_not_count() {
        let mut tree = tree(&[-6.0, -5.0, -1.5, 1.0]);
        tree.nodes[7].evidence = Some(evidence(-1.5, -1.5, 0.4));
        assert!((tree.enough(Granularity::Auto) + 3.25).abs() < 1e-12);
        tree.nodes[7].evidence = Some(evidence(-1.5, -1.5, 0.0));
        assert!((tree.enough(Granularity::Auto) - ENOUGH).abs() < 1e-12);
    }

    #[test]
    fn leaves_are_fine_where_a_split_shows_nothing() {
        assert!(tree(&[-5.0, 1.0, 2.0]).has_a_split_within_a_type());
        assert!(!tree(&[-1.0, 1.0, 2.0]).has_a_split_within_a_type());
        assert!(tree(&[]).has_a_split_within_a_type());
        let has = |splits: &[_]| tree_with_evidence(splits).has_a_split_within_a_type();
        let types = [(-3.5, 0.8, 0.15); 5];
        assert!(!has(&types));
        assert!(has(&types[1..]));
        let with_another = |another| [types[0], types[1], types[2], types[3], types[4], another];
        assert!(has(&with_another((-5.0, -0.5, 0.0))));
        assert!(has(&with_another((-3.5, 0.5, 0.15))));
    }

    #[test]
    fn stability_is_the_share_of_halves_in_which_a_split_is_kept() {
        let mut tree = tree(&[-6.0, 1.0]);
        tree.nodes[3].in_halves = vec![-6.0; 4];
        tree.nodes[4].in_halves = vec![1.0, 0.5, 0.0, f64::NEG_INFINITY];
        tree.judge_stability(ENOUGH);
        let stability: Vec<_> = tree.nodes.iter().map(|node| node.stability).collect();
        assert_eq!(stability, [None, None, None, Some(0.0), Some(0.5)]);
    }

    #[test]
    fn cuts_nest() {
        let tree = tree(&[-2.0, 0.0, 2.0]);
        assert_eq!(tree.cut_into(1), [6; 4]);
        assert_eq!(tree.cut_into(2), [5, 5, 5, 3]);
        assert_eq!(tree.cut_into(3), [4, 4, 2, 3]);
        assert_eq!(tree.cut_into(4), [0, 1, 2, 3]);
        assert_eq!(tree.cut(2.0), [6; 4]);
        assert_eq!(tree.cut(1.9), tree.cut_into(2));
        assert_eq!(tree.cut(f64::NEG_INFINITY), [0, 1, 2, 3]);
    }
}
