//! Fine clusters of the cells, and the tree that they are merged in.

use super::{
    ClusterError, Counted, Cut, Tree, leiden_in_place, merging::Fine, numbering::labels_of,
    parts::Parts,
};
use crate::{graph::Adjacency, grouping::n_groups, memory, preprocess::normalize::median};

/// Leiden's resolution for the fine clusters of up to as many cells as [`AT_CELLS`].
const FINE_RESOLUTION: f64 = 4.0;

/// With more cells it grows as the root of their number, and chance is taken over the edges of this many, or over those of the two
/// clusters where these are more: the more cells of other types there are, the fewer edges chance expects between two small types,
/// and the less their lack says (Fortunato & Barthélemy 2007, doi:10.1073/pnas.0605965104).
const AT_CELLS: f64 = 20_000.0;

/// Most leaves of the tree, unless more clusters are asked for: the least distinct fine clusters are merged before it is grown,
/// in which the cells' parts and halves are not looked at. Up to about 300,000 cells there are no more.
const MOST_LEAVES: usize = 1000;

/// Most sums of a cluster's cells in a part that are held: 800 MB with 2,500 genes. With more, there are fewer leaves, though not
/// fewer than the clusters that are asked for.
const MOST_SUMS: usize = 40_000;

/// Most batches within which clusters are compared.
const MOST_BATCHES: usize = 200;

/// How often the resolution is doubled at most, where fine clusters are too few or not fine enough.
const DOUBLINGS: usize = 8;

/// The fine cluster of every cell, and the tree of these.
///
/// Leiden's resolution is doubled as long as it finds fewer clusters than are asked for, and where the tree has strong splits only: its
/// leaves are then no finer than types, and nothing tells what splits within a type look like.
pub(super) fn tree_of_fine_clusters(
    graph: &mut Adjacency,
    counted: Counted<'_>,
    cut: Cut,
    seed: u64,
) -> Result<(Vec<usize>, Tree), ClusterError> {
    let wanted = match cut {
        Cut::Evidence(_) => 1,
        Cut::Clusters(n) => n,
    };
    let n_cells = graph.shape().0 as f64;
    let start = FINE_RESOLUTION * (n_cells / AT_CELLS).max(1.0).sqrt();
    let mut n_found = 0;
    let mut found = None;
    for doubling in 0..=DOUBLINGS {
        let resolution = start * 2.0_f64.powi(doubling as i32);
        let leaves = leiden_in_place(graph, resolution, seed)?.labels;
        n_found = n_groups(&leaves);
        if n_found < wanted {
            continue;
        }
        let (leaves, tree) = tree_of(graph, counted, leaves, wanted, seed);
        let are_fine = match cut {
            Cut::Evidence(_) => n_found >= MOST_LEAVES || tree.has_a_split_within_a_type(),
            Cut::Clusters(_) => true,
        };
        found = Some((leaves, tree));
        if are_fine {
            break;
        }
    }
    found.ok_or(ClusterError::TooManyClusters {
        wanted,
        found: n_found,
    })
}

/// The tree of some clusters, and of every cell its leaf. Where there are too many, they are merged before it is grown.
fn tree_of(
    graph: &Adjacency,
    counted: Counted<'_>,
    mut leaves: Vec<usize>,
    wanted: usize,
    seed: u64,
) -> (Vec<usize>, Tree) {
    let with = |parts: Parts, leaves: &[usize]| Fine {
        weights: Fine::weights(graph, leaves, n_groups(leaves)),
        sums: parts.sums(counted, leaves, n_groups(leaves)),
        parts,
        ln_depth: f64::from(median(counted.totals)).ln(),
        share: (AT_CELLS / leaves.len() as f64).min(1.0),
    };
    let batches = counted.batches;
    let batches = batches.filter(|batches| batches.n_batches() <= MOST_BATCHES);
    let parts = Parts::dealt(leaves.len(), batches, seed);
    let most = MOST_LEAVES.min(MOST_SUMS / parts.len()).max(wanted);
    if n_groups(&leaves) > most {
        let merged = with(Parts::whole(), &leaves).merged_into(most);
        leaves = labels_of(&leaves, &merged);
        memory::give_back();
    }
    let tree = with(parts, &leaves).grow();
    (leaves, tree)
}
