//! Leiden's passes over a graph of many cells, made of the library's parts.
//!
//! The library's own driver lists every edge between two clusters before it makes the graph of the clusters of it, on one thread.
//! Of a million cells that list is most of the memory that Leiden takes. Here that graph is made row by row, on all threads. The
//! partition is the library's, to the last bit, whatever the threads.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use single_clustering::{
    community_search::leiden::{LeidenConfig, MoveScratch, Partition, Rb, local_move, refine},
    network::CSRNetwork,
};

use super::ClusterError;

/// Clusters whose rows are made in one task.
const AT_A_TIME: usize = 1024;

/// The cluster of every cell after so many passes, each of which goes on from the one before.
///
/// A pass moves cells, refines the clusters and makes a graph of the refined ones, again and again, until none of them are merged.
pub(super) fn passes(
    network: &CSRNetwork,
    resolution: f64,
    seed: u64,
    n_passes: usize,
) -> Result<Vec<usize>, ClusterError> {
    let mut seeds = ChaCha8Rng::seed_from_u64(seed);
    let mut labels: Vec<usize> = (0..network.node_count()).collect();
    for _ in 0..n_passes {
        labels = pass(network, resolution, seeds.next_u64(), &labels)?;
    }
    Ok(labels)
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
        local_move(&level, &mut partition, &objective, &mut scratch, rng, None);
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
        drop(partition);
        level = graph_of_clusters(&level, refined.membership_raw(), refined.slots())?;
        partition = Partition::from_membership(&level, &start);
    }
    partition.renumber();
    let label = |&node: &u32| partition.membership(node as usize);
    Ok(node_of_cell.iter().map(label).collect())
}

/// Edges of some clusters, one after the other, to themselves and to those behind them.
struct Rows {
    /// How many each cluster has.
    lengths: Vec<u32>,
    /// Where they lead to, and their summed weights.
    edges: Vec<(u32, f32)>,
}

/// The graph of the clusters of a graph's nodes: edges between two clusters add up, and those within one are its edge to itself.
fn graph_of_clusters(
    graph: &CSRNetwork,
    cluster: &[u32],
    n_clusters: usize,
) -> Result<CSRNetwork, ClusterError> {
    let (starts, members) = members(cluster, n_clusters);
    let of = |cluster: usize| &members[starts[cluster] as usize..starts[cluster + 1] as usize];
    let firsts: Vec<usize> = (0..n_clusters).step_by(AT_A_TIME).collect();
    let rows: Vec<Rows> = firsts
        .into_par_iter()
        .map_init(
            || Sums::new(n_clusters),
            |sums, first| {
                let mut rows = Rows {
                    lengths: Vec::with_capacity(AT_A_TIME),
                    edges: Vec::new(),
                };
                for own in first..(first + AT_A_TIME).min(n_clusters) {
                    sums.find(graph, cluster, own, of(own));
                    let before = rows.edges.len();
                    sums.take(own, &mut rows.edges);
                    rows.lengths.push((rows.edges.len() - before) as u32);
                }
                rows.edges.shrink_to_fit();
                rows
            },
        )
        .collect();
    let weight = |own| of(own).iter().map(|&node| graph.node_weight(node as usize));
    let weights = (0..n_clusters).map(|own| weight(own).sum()).collect();
    drop(members);
    symmetric(rows, n_clusters, weights)
}

/// The nodes of all clusters, one cluster after the other, each ascending; and where each cluster begins.
fn members(cluster: &[u32], n_clusters: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; n_clusters + 1];
    for &of_node in cluster {
        starts[of_node as usize + 1] += 1;
    }
    for place in 0..n_clusters {
        starts[place + 1] += starts[place];
    }
    let mut next = starts.clone();
    let mut members = vec![0; cluster.len()];
    for (node, &of_node) in cluster.iter().enumerate() {
        let place = &mut next[of_node as usize];
        members[*place as usize] = node as u32;
        *place += 1;
    }
    (starts, members)
}

/// Summed weights of one cluster's edges, by cluster.
struct Sums {
    weights: Vec<f64>,
    /// The clusters that edges lead to.
    clusters: Vec<u32>,
    /// Weights of nodes' edges to themselves, which are seen once, while others within the cluster are seen from both ends.
    loops: f64,
}

impl Sums {
    fn new(n_clusters: usize) -> Self {
        Self {
            weights: vec![0.0; n_clusters],
            clusters: Vec::new(),
            loops: 0.0,
        }
    }

    /// Adds up the edges of the cluster `own` to itself and to those behind it.
    fn find(&mut self, graph: &CSRNetwork, cluster: &[u32], own: usize, nodes: &[u32]) {
        self.loops = 0.0;
        for &node in nodes {
            for (other, weight) in graph.neighbors(node as usize) {
                if other == node as usize {
                    self.loops += weight;
                }
                let to = cluster[other];
                if to as usize >= own {
                    let sum = &mut self.weights[to as usize];
                    if *sum == 0.0 {
                        self.clusters.push(to);
                    }
                    *sum += weight;
                }
            }
        }
    }

    /// Moves what was found behind `edges`.
    fn take(&mut self, own: usize, edges: &mut Vec<(u32, f32)>) {
        for to in self.clusters.drain(..) {
            let sum = std::mem::take(&mut self.weights[to as usize]);
            let weight = if to as usize == own {
                0.5 * (sum + self.loops)
            } else {
                sum
            };
            edges.push((to, weight as f32));
        }
    }
}

/// The graph of all rows, every edge at both of its ends.
fn symmetric(
    rows: Vec<Rows>,
    n_clusters: usize,
    weights_of_clusters: Vec<f64>,
) -> Result<CSRNetwork, ClusterError> {
    let mut offsets = vec![0_usize; n_clusters + 1];
    let lengths = || rows.iter().flat_map(|rows| &rows.lengths);
    for (own, &length) in lengths().enumerate() {
        offsets[own + 1] += length as usize;
    }
    for (own, edges) in owners(&rows) {
        for &(to, _) in edges {
            if to as usize != own {
                offsets[to as usize + 1] += 1;
            }
        }
    }
    for place in 0..n_clusters {
        offsets[place + 1] += offsets[place];
    }
    let mut next = offsets[..n_clusters].to_vec();
    let mut neighbors = vec![0_u32; offsets[n_clusters]];
    let mut weights = vec![0.0_f32; offsets[n_clusters]];
    let mut put = |from: usize, to: usize, weight: f32| {
        let place = &mut next[from];
        (neighbors[*place], weights[*place]) = (to as u32, weight);
        *place += 1;
    };
    for (own, edges) in owners(&rows) {
        for &(to, weight) in edges {
            put(own, to as usize, weight);
            if to as usize != own {
                put(to as usize, own, weight);
            }
        }
    }
    drop(rows);
    Ok(CSRNetwork::from_csr_parts(
        offsets,
        neighbors,
        weights,
        Some(weights_of_clusters),
    )?)
}

/// Every cluster with its edges.
fn owners(rows: &[Rows]) -> impl Iterator<Item = (usize, &[(u32, f32)])> {
    let by_row = rows.iter().flat_map(|rows| {
        let mut left = &rows.edges[..];
        rows.lengths.iter().map(move |&length| {
            let (edges, behind) = left.split_at(length as usize);
            left = behind;
            edges
        })
    });
    by_row.enumerate()
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
            let found = passes(&network, resolution, seed, 2)?;
            assert_eq!(found, leiden(&network, &config)?.labels());
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
