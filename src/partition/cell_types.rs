//! Clusters as many as the cells call for.

use super::{
    ClusterError, Found, borders, count_split, leiden_in_place,
    merging::Fine,
    numbering::{by_first, by_size},
    options::{Cut, ENOUGH_FOR_FINE},
    parts::Parts,
    tree::judge_genes,
};
use crate::{
    graph::Adjacency,
    grouping::n_groups,
    memory,
    packed_counts::PackedCounts,
    preprocess::{Batches, normalize::median},
};

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

/// Leiden's resolution for the fine clusters of up to as many cells as [`AT_CELLS`].
const FINE_RESOLUTION: f64 = 4.0;

/// With more cells it grows as the root of their number, and chance is taken over the edges of this many, or over those of the two
/// clusters where these are more: the more cells of other types there are, the fewer edges chance expects between two small types,
/// and the less their lack says (Fortunato & Barthélemy 2007, doi:10.1073/pnas.0605965104).
const AT_CELLS: f64 = 20_000.0;

/// Most leaves of the tree, unless more clusters are asked for: the least distinct fine clusters are merged before it is grown,
/// in which the cells' parts and halves are not looked at. Up to about 300,000 cells there are no more.
const MOST_LEAVES: usize = 1000;

/// Most sums of a cluster's cells in a part that are held: 800 MB with 2,500 genes. With more, there are fewer leaves.
const MOST_SUMS: usize = 40_000;

/// Most batches within which clusters are compared.
const MOST_BATCHES: usize = 200;

/// How often this is doubled at most, where more clusters are asked for.
const DOUBLINGS: usize = 8;

/// Finds the clusters of a cell graph whose every split has evidence in edges and genes.
///
/// `graph`: symmetric weights of n cells; `counted`: their counts. The tree starts from Leiden's clusters at resolution 4
/// (more, from 20,000 cells on); the two with the least evidence between them are merged, again and again, up to one (see
/// [`Evidence`](super::Evidence)); a split is kept where it, or one below it, is strong enough. One cluster is a possible
/// answer. In the end a cell at a border goes to the cluster that most of its edges lead to.
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
    let mut leaves = fine_clusters(graph, cut, seed)?;
    let graph = &*graph;
    let with = |parts: Parts, leaves: &[usize]| Fine {
        weights: Fine::weights(graph, leaves, n_groups(leaves)),
        sums: parts.sums(counted, leaves, n_groups(leaves)),
        parts,
        ln_depth: f64::from(median(totals)).ln(),
        share: (AT_CELLS / leaves.len() as f64).min(1.0),
    };
    let batches = counted.batches;
    let batches = batches.filter(|batches| batches.n_batches() <= MOST_BATCHES);
    let parts = Parts::dealt(leaves.len(), batches, seed);
    let most = MOST_LEAVES.min(MOST_SUMS / parts.len());
    let most = most.max(wanted(cut));
    if n_groups(&leaves) > most {
        let merged = with(Parts::whole(), &leaves).merged_into(most);
        leaves = labels_of(&leaves, &merged);
        memory::give_back();
    }
    let n_leaves = n_groups(&leaves);
    let mut tree = with(parts, &leaves).grow();
    if let Some(judging) = counted.judging {
        tree.name_genes(|place| judging[place]);
    }
    let cluster = match cut {
        Cut::Evidence(granularity) => tree.cut(granularity.enough()),
        Cut::Clusters(n) => tree.cut_into(n),
    };
    let cluster = by_first(&cluster);
    borders::settle(graph, &mut leaves, &cluster);
    tree.count_cells(&leaves);
    judge_genes(&mut tree, counts, totals, &leaves);
    let labels = labels_of(&leaves, &cluster);
    let subclusters = cluster.iter().copied().zip(tree.cut(ENOUGH_FOR_FINE));
    let fine = labels_of(&leaves, &by_first(&subclusters.collect::<Vec<_>>()));
    // A leaf may have lost all of its cells at a border, a cluster never.
    let mut label_of_cluster = vec![0; n_leaves];
    for (&leaf, &label) in leaves.iter().zip(&labels) {
        label_of_cluster[cluster[leaf]] = label;
    }
    let cluster_of_leaf = cluster.iter().map(|&of_leaf| label_of_cluster[of_leaf]);
    let cluster_of_leaf = cluster_of_leaf.collect();
    let mut found = Found {
        confidence: borders::shares_within(graph, &labels),
        labels,
        fine,
        leaves,
        tree,
        cluster_of_leaf,
    };
    let ps = count_split::p_values(&found, counts, totals, seed);
    for (node, p) in found.tree.nodes.iter_mut().zip(ps) {
        node.p = p;
    }
    Ok(found)
}

fn fine_clusters(graph: &mut Adjacency, cut: Cut, seed: u64) -> Result<Vec<usize>, ClusterError> {
    let wanted = wanted(cut);
    let n_cells = graph.shape().0 as f64;
    let start = FINE_RESOLUTION * (n_cells / AT_CELLS).max(1.0).sqrt();
    let mut found = 0;
    for doubling in 0..=DOUBLINGS {
        let resolution = start * 2.0_f64.powi(doubling as i32);
        let labels = leiden_in_place(graph, resolution, seed)?.labels;
        found = n_groups(&labels);
        if found >= wanted {
            return Ok(labels);
        }
    }
    Err(ClusterError::TooManyClusters { wanted, found })
}

/// How many clusters there have to be at least.
fn wanted(cut: Cut) -> usize {
    match cut {
        Cut::Evidence(_) => 1,
        Cut::Clusters(n) => n,
    }
}

/// Labels of cells from a group of every leaf, by decreasing size. A group without cells has none.
fn labels_of(leaves: &[usize], group: &[usize]) -> Vec<usize> {
    let of_cells: Vec<usize> = leaves.iter().map(|&leaf| group[leaf]).collect();
    by_size(&of_cells)
}
