//! Leiden's passes over a graph of many cells, made of the library's parts.
//!
//! The library's own driver lists every edge between two clusters before it makes the graph of the clusters of it, on one thread.
//! Of a million cells that list is most of the memory that Leiden takes. Here the rows of that graph are made in their place, on all
//! threads. From the same start the partition is the library's, whatever the threads, but for this: where the graph of a level is
//! large, that of the next is made of the cells' own edges, whose sums are rounded once less.

use std::collections::VecDeque;

use rand::{RngCore, SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use single_clustering::{
    community_search::leiden::{LeidenConfig, MoveScratch, Partition, Rb, refine},
    network::CSRNetwork,
};

use super::{ClusterError, moving::move_nodes};
use crate::grouping::Members;

/// Clusters whose rows are made in one task, at least.
const AT_A_TIME: usize = 1024;

/// Cells of the groups that the first pass starts from, on average.
const CELLS_OF_GROUP: usize = 100;

/// The cluster of every cell after so many passes, each of which goes on from the one before.
///
/// The first starts from [`groups`] of near cells. From single cells, it would move every cell many times before such groups are
/// there: a graph of a million cells takes 41 s instead of 64 s, and the modularity is no lower (0.3671, 0.3659).
///
/// A pass moves cells, refines the clusters and makes a graph of the refined ones, again and again, until none of them are merged.
pub(super) fn passes(
    network: &CSRNetwork,
    resolution: f64,
    seed: u64,
    n_passes: usize,
) -> Result<Vec<usize>, ClusterError> {
    let mut seeds = ChaCha8Rng::seed_from_u64(seed);
    let start = groups(network, &mut seeds);
    passes_from(start, network, resolution, n_passes, seeds)
}

fn passes_from(
    mut labels: Vec<usize>,
    network: &CSRNetwork,
    resolution: f64,
    n_passes: usize,
    mut seeds: ChaCha8Rng,
) -> Result<Vec<usize>, ClusterError> {
    for _ in 0..n_passes {
        labels = pass(network, resolution, seeds.next_u64(), &labels)?;
    }
    Ok(labels)
}

/// Groups of cells: one in a hundred cells is drawn, and each cell joins the one of these that the fewest edges lead to, whatever
/// their weights (a Voronoi diagram of the graph: Erwig 2000, doi:10.1002/1097-0037(200010)36:3<156::AID-NET2>3.0.CO;2-L). Each is
/// connected. A cell that none can be reached from is a group of its own. O(edges) time.
fn groups(network: &CSRNetwork, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let n_cells = network.node_count();
    let drawn = index::sample(rng, n_cells, n_cells / CELLS_OF_GROUP);
    let mut waiting: VecDeque<usize> = drawn.into_iter().collect();
    let mut n_groups = waiting.len();
    let mut group_of: Vec<Option<usize>> = vec![None; n_cells];
    for (group, &cell) in waiting.iter().enumerate() {
        group_of[cell] = Some(group);
    }
    while let Some(cell) = waiting.pop_front() {
        for (other, _) in network.neighbors(cell) {
            if group_of[other].is_none() {
                group_of[other] = group_of[cell];
                waiting.push_back(other);
            }
        }
    }
    let alone = |group: Option<usize>| {
        group.unwrap_or_else(|| {
            n_groups += 1;
            n_groups - 1
        })
    };
    group_of.into_iter().map(alone).collect()
}

fn pass(
    network: &CSRNetwork,
    resolution: f64,
    seed: u64,
    start: &[usize],
) -> Result<Vec<usize>, ClusterError> {
    let (objective, config) = (Rb::new(resolution), LeidenConfig::default());
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let n_cells = network.node_count();
    let mut level = network.clone();
    let mut partition = Partition::from_membership(&level, start);
    let mut scratch = MoveScratch::with_capacity(n_cells, partition.slots().max(n_cells) + 1);
    let mut node_of_cell: Vec<u32> = (0..n_cells as u32).collect();
    for _ in 0..config.max_levels {
        move_nodes(&level, &mut partition, objective, &mut scratch, rng);
        let mut refined = refine(
            &level,
            partition.membership_raw(),
            &objective,
            &mut scratch,
            rng,
            None,
            config.refine_randomness,
        );
        refined.renumber();
        if refined.slots() >= level.node_count() {
            break;
        }
        let mut start = vec![0; refined.slots()];
        for node in 0..level.node_count() {
            start[refined.membership(node)] = partition.membership(node);
        }
        for node in &mut node_of_cell {
            *node = refined.membership_raw()[*node as usize];
        }
        let (cluster, n_clusters) = (refined.membership_raw().to_vec(), refined.slots());
        drop((partition, refined));
        // A large graph goes before the next one is made, of the cells' own edges: there is no room for three.
        level = if 2 * level.edge_count() > network.edge_count() {
            drop(level);
            graph_of_clusters(network, &node_of_cell, n_clusters)?
        } else {
            graph_of_clusters(&level, &cluster, n_clusters)?
        };
        partition = Partition::from_membership(&level, &start);
    }
    partition.renumber();
    let label = |&node: &u32| partition.membership(node as usize);
    Ok(node_of_cell.iter().map(label).collect())
}

/// The graph of the clusters of a graph's nodes: edges between two clusters add up, and those within one are its edge to itself.
///
/// Nearly as many edges lie between the clusters of the first level as between its cells, so they are put where they stay. An edge
/// is added up at the first of its ends, in the order of that cluster's nodes, and copied to the other.
fn graph_of_clusters(
    graph: &CSRNetwork,
    cluster: &[u32],
    n_clusters: usize,
) -> Result<CSRNetwork, ClusterError> {
    let members = Members::of(cluster.iter().map(|&of| of as usize), n_clusters);
    let of = |cluster| members.cells(cluster);
    let sums = || EdgeSums::new(n_clusters);
    // How many edges each cluster has to those before it, and to itself and those behind it.
    let numbers: Vec<[u32; 2]> = (0..n_clusters)
        .into_par_iter()
        .with_min_len(AT_A_TIME)
        .map_init(sums, |sums, own| {
            sums.find(graph, cluster, of(own));
            let before = sums.clusters.iter().filter(|&&to| (to as usize) < own);
            let n_before = before.count();
            let numbers = [n_before, sums.clusters.len() - n_before].map(|n| n as u32);
            sums.clear();
            numbers
        })
        .collect();
    let mut offsets = Vec::with_capacity(n_clusters + 1);
    offsets.push(0);
    for [before, behind] in &numbers {
        offsets.push(offsets[offsets.len() - 1] + (before + behind) as usize);
    }
    let mut neighbors = vec![0_u32; offsets[n_clusters]];
    let mut weights = vec![0.0_f32; offsets[n_clusters]];
    rows_of(&mut neighbors, &offsets)
        .into_par_iter()
        .zip(rows_of(&mut weights, &offsets))
        .enumerate()
        .with_min_len(AT_A_TIME)
        .for_each_init(sums, |sums, (own, (neighbors, weights))| {
            sums.find(graph, cluster, of(own));
            let behind = sums.clusters.iter().filter(|&&to| to as usize >= own);
            let places = numbers[own][0] as usize..;
            for (place, &to) in places.zip(behind) {
                (neighbors[place], weights[place]) = (to, sums.weight(own, to));
            }
            sums.clear();
        });
    mirror(&offsets, &numbers, &mut neighbors, &mut weights);
    let of_nodes = |own| of(own).iter().map(|&node| graph.node_weight(node as usize));
    let of_clusters = (0..n_clusters).map(|own| of_nodes(own).sum()).collect();
    Ok(CSRNetwork::from_csr_parts(
        offsets,
        neighbors,
        weights,
        Some(of_clusters),
    )?)
}

/// Copies every edge that leads to a cluster behind to the row of that one, whose first places are left for such.
fn mirror(offsets: &[usize], numbers: &[[u32; 2]], neighbors: &mut [u32], weights: &mut [f32]) {
    let mut filled = vec![0; numbers.len()];
    for (own, &[before, _]) in numbers.iter().enumerate() {
        for place in offsets[own] + before as usize..offsets[own + 1] {
            let to = neighbors[place] as usize;
            if to > own {
                let other = offsets[to] + filled[to];
                (neighbors[other], weights[other]) = (own as u32, weights[place]);
                filled[to] += 1;
            }
        }
    }
}

/// The rows of a matrix in compressed form.
fn rows_of<'a, T>(mut values: &'a mut [T], offsets: &[usize]) -> Vec<&'a mut [T]> {
    let lengths = offsets.windows(2).map(|row| row[1] - row[0]);
    lengths
        .map(|length| {
            let (row, behind) = std::mem::take(&mut values).split_at_mut(length);
            values = behind;
            row
        })
        .collect()
}

/// Summed weights of one cluster's edges, by cluster.
struct EdgeSums {
    weights: Vec<f64>,
    /// The clusters that edges lead to.
    clusters: Vec<u32>,
    /// Weights of nodes' edges to themselves, which are seen once, while others within the cluster are seen from both ends.
    loops: f64,
}

impl EdgeSums {
    fn new(n_clusters: usize) -> Self {
        Self {
            weights: vec![0.0; n_clusters],
            clusters: Vec::new(),
            loops: 0.0,
        }
    }

    /// Adds up the edges of a cluster's nodes.
    fn find(&mut self, graph: &CSRNetwork, cluster: &[u32], nodes: &[u32]) {
        for &node in nodes {
            for (other, weight) in graph.neighbors(node as usize) {
                if other == node as usize {
                    self.loops += weight;
                }
                let to = cluster[other];
                let sum = &mut self.weights[to as usize];
                if *sum == 0.0 {
                    self.clusters.push(to);
                }
                *sum += weight;
            }
        }
    }

    /// The weight of the edge from the cluster `own` to another, or to itself.
    fn weight(&self, own: usize, to: u32) -> f32 {
        let sum = self.weights[to as usize];
        if to as usize == own {
            (0.5 * (sum + self.loops)) as f32
        } else {
            sum as f32
        }
    }

    fn clear(&mut self) {
        for to in self.clusters.drain(..) {
            self.weights[to as usize] = 0.0;
        }
        self.loops = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use single_clustering::community_search::leiden::{ObjectiveKind, leiden};

    use super::*;

    /// A ring of 3,000 cells, near ones joined, and some far ones.
    fn network() -> CSRNetwork {
        let n_cells = 3000;
        let rng = &mut ChaCha8Rng::seed_from_u64(5);
        let mut edges = Vec::new();
        for cell in 0..n_cells {
            for step in 1..=6 {
                let far = rng.random_bool(0.05);
                let step = if far { rng.random_range(7..1500) } else { step };
                edges.push((cell, (cell + step) % n_cells, rng.random_range(0.1..1.0)));
            }
        }
        CSRNetwork::from_edges(n_cells, &edges).expect("a graph")
    }

    #[test]
    fn the_partition_is_the_librarys() -> Result<(), ClusterError> {
        let network = network();
        for (resolution, seed) in [(1.0, 1), (4.0, 2), (30.0, 3)] {
            let config = LeidenConfig {
                objective: ObjectiveKind::Rb { resolution },
                seed: Some(seed),
                n_iterations: 2,
                ..LeidenConfig::default()
            };
            let cells = (0..network.node_count()).collect();
            let seeds = ChaCha8Rng::seed_from_u64(seed);
            let found = passes_from(cells, &network, resolution, 2, seeds)?;
            assert_eq!(found, leiden(&network, &config)?.labels());
        }
        Ok(())
    }

    #[test]
    fn groups_are_connected_and_hold_every_cell() -> Result<(), ClusterError> {
        let far = 3000;
        let network = network();
        let mut edges: Vec<(usize, usize, f64)> = Vec::new();
        for cell in 0..far {
            let behind = network.neighbors(cell).filter(|&(other, _)| other > cell);
            edges.extend(behind.map(|(other, weight)| (cell, other, weight)));
        }
        // Two more cells that nothing leads to.
        let network = CSRNetwork::from_edges(far + 2, &edges)?;
        let found = groups(&network, &mut ChaCha8Rng::seed_from_u64(1));
        let n_groups = 30 + 2;
        assert_eq!((found[far], found[far + 1]), (30, 31));
        for group in 0..n_groups {
            let members: Vec<usize> = (0..far + 2).filter(|&cell| found[cell] == group).collect();
            let mut reached = vec![members[0]];
            let mut place = 0;
            while let Some(&cell) = reached.get(place) {
                for (other, _) in network.neighbors(cell) {
                    if found[other] == group && !reached.contains(&other) {
                        reached.push(other);
                    }
                }
                place += 1;
            }
            assert_eq!(reached.len(), members.len());
        }
        Ok(())
    }

    #[test]
    fn nobody_has_no_cluster() -> Result<(), ClusterError> {
        let nobody = CSRNetwork::from_csr_parts(vec![0], Vec::new(), Vec::new(), None)?;
        assert!(passes(&nobody, 1.0, 1, 2)?.is_empty());
        Ok(())
    }
}
