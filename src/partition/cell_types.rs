//! Clusters as many as the cells call for.

use super::{
    ClusterError, Cut, Found, Granularity, borders, count_split,
    fine_clusters::tree_of_fine_clusters,
    numbering::{by_first, labels_of},
    tree::judge_genes,
};
use crate::{graph::Adjacency, packed_counts::PackedCounts, preprocess::Batches};

/// What was counted in n cells.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// Raw counts, n × highly variable genes.
    pub counts: &'a PackedCounts,
    /// Columns of `counts`, ascending, that splits are judged by; all where `None`.
    pub judging: Option<&'a [usize]>,
    /// Total counts over all genes.
    pub totals: &'a [f32],
    /// Batches of the cells, where clusters are to be compared within them. With more than 200, all cells are compared.
    pub batches: Option<&'a Batches>,
}

/// Finds the clusters of a cell graph whose every split has evidence in edges and genes.
///
/// `graph`: symmetric weights of n cells; `counted`: their counts. The tree starts from Leiden's clusters at resolution 4
/// (more, from 20,000 cells on, and where these are whole types); the two with the least evidence between them are merged, again
/// and again, up to one (see [`Evidence`](super::Evidence)); a split is kept where it, or one below it, is strong enough. One
/// cluster is a possible answer. In the end a cell at a border goes to the cluster that most of its edges lead to.
///
/// Of more than 50,000 cells the graph is not copied: Leiden takes it, and it comes back without entries of 0 and without those
/// of a cell to itself.
///
/// Cost: Leiden, O(counts), O(fine clusters² · genes).
///
/// # Errors
///
/// Those of [`leiden()`](super::leiden()), and where more clusters are asked for than can be told apart.
pub fn find_types(
    graph: &mut Adjacency,
    counted: Counted<'_>,
    cut: Cut,
    seed: u64,
) -> Result<Found, ClusterError> {
    let Counted { counts, totals, .. } = counted;
    let (mut leaves, mut tree) = tree_of_fine_clusters(graph, counted, cut, seed)?;
    let graph = &*graph;
    if let Some(judging) = counted.judging {
        tree.name_genes(|place| judging[place]);
    }
    let (enough, cluster) = match cut {
        Cut::Evidence(granularity) => {
            let enough = tree.enough(granularity);
            (enough, tree.cut(enough))
        }
        Cut::Clusters(n) => (tree.enough(Granularity::Auto), tree.cut_into(n)),
    };
    tree.judge_stability(enough);
    let cluster = by_first(&cluster);
    borders::settle(graph, &mut leaves, &cluster);
    tree.count_cells(&leaves);
    judge_genes(&mut tree, counts, totals, &leaves);
    let labels = labels_of(&leaves, &cluster);
    let finest = tree.cut(tree.enough(Granularity::Fine));
    let subclusters: Vec<_> = cluster.iter().copied().zip(finest).collect();
    let mut found = Found {
        confidence: borders::shares_within(graph, &labels),
        fine: labels_of(&leaves, &by_first(&subclusters)),
        cluster_of_leaf: cluster_of_leaf(&leaves, &labels, &cluster),
        labels,
        leaves,
        tree,
        enough,
    };
    let ps = count_split::p_values(&found, counts, totals, seed);
    for (node, p) in found.tree.nodes.iter_mut().zip(ps) {
        node.p = p;
    }
    Ok(found)
}

/// The label of every leaf's cluster. A leaf may have lost all of its cells at a border, a cluster never.
fn cluster_of_leaf(leaves: &[usize], labels: &[usize], cluster: &[usize]) -> Vec<usize> {
    let mut label_of_cluster = vec![0; cluster.len()];
    for (&leaf, &label) in leaves.iter().zip(labels) {
        label_of_cluster[cluster[leaf]] = label;
    }
    cluster
        .iter()
        .map(|&of_leaf| label_of_cluster[of_leaf])
        .collect()
}
