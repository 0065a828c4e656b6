//! Leiden's moves of single nodes, on all threads.
//!
//! The library looks at one node after the other. Most of the time goes into adding up its edges by cluster, far apart in memory.
//! Here that is done for the next nodes of the queue at once, by all threads; then they are moved in their order. Where a neighbour of a
//! node has moved meanwhile, its edges are added up again. So the clusters are those of the library, whatever the threads.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use single_clustering::{
    community_search::leiden::{
        MoveScratch, NeighborWeights, Objective, Partition, Rb, local_move,
        objective::InsertContext,
    },
    network::CSRNetwork,
};

/// Graphs of fewer nodes are left to the library: their edges lie near the processor.
const FEW_NODES: usize = 20_000;

/// Nodes whose edges are added up at once, and how many of these are one task.
const NODES_AT_ONCE: usize = 4096;
const NODES_OF_TASK: usize = 128;

/// The least improvement, relative to the weight of all edges, and the most moves per node: those of the library.
const LEAST_GAIN: f64 = 1e-12;
const MOST_MOVES: usize = 100;

/// Moves nodes between clusters until no move of one raises the objective. `scratch` is the library's, for small graphs.
pub(super) fn move_nodes(
    graph: &CSRNetwork,
    partition: &mut Partition,
    objective: Rb,
    scratch: &mut MoveScratch,
    rng: &mut ChaCha8Rng,
) {
    if graph.node_count() < FEW_NODES {
        local_move(graph, partition, &objective, scratch, rng, None);
    } else {
        move_many(graph, partition, objective, rng, NODES_AT_ONCE);
    }
}

fn move_many(
    graph: &CSRNetwork,
    partition: &mut Partition,
    objective: Rb,
    rng: &mut ChaCha8Rng,
    at_once: usize,
) {
    let threads = Threads::new(partition.slots());
    let mut moving = Moving::new(graph, partition, objective, rng);
    loop {
        let n_next = moving.queue.len().min(at_once);
        if n_next == 0 {
            return;
        }
        let next: Vec<usize> = moving.queue.drain(..n_next).collect();
        for &node in &next {
            moving.states[node] = State::AddedUp;
        }
        let membership = moving.partition.membership_raw();
        let edges: Vec<EdgesByCluster> = next
            .par_chunks(NODES_OF_TASK)
            .map(|nodes| threads.add_up(graph, membership, nodes))
            .collect();
        for (nodes, edges) in next.chunks(NODES_OF_TASK).zip(&edges) {
            for (place, &node) in nodes.iter().enumerate() {
                if moving.states[node] == State::Outdated {
                    let again = threads.add_up(graph, moving.partition.membership_raw(), &[node]);
                    moving.visit(node, again.of(0));
                } else {
                    moving.visit(node, edges.of(place));
                }
            }
        }
    }
}

/// Where a node is on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// No move of a neighbour has changed anything for it.
    AtRest,
    Queued,
    /// Next to be looked at: its edges were added up.
    AddedUp,
    /// The same, but a neighbour has moved since.
    Outdated,
}

struct Moving<'a> {
    graph: &'a CSRNetwork,
    partition: &'a mut Partition,
    objective: Rb,
    queue: VecDeque<usize>,
    states: Vec<State>,
    least_gain: f64,
    moves_left: usize,
}

impl<'a> Moving<'a> {
    /// All nodes are queued, in random order.
    fn new(
        graph: &'a CSRNetwork,
        partition: &'a mut Partition,
        objective: Rb,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let n_nodes = graph.node_count();
        let mut order: Vec<usize> = (0..n_nodes).collect();
        order.shuffle(rng);
        Self {
            least_gain: LEAST_GAIN * partition.total_weight().abs().max(1.0),
            graph,
            partition,
            objective,
            queue: order.into(),
            states: vec![State::Queued; n_nodes],
            moves_left: n_nodes.saturating_mul(MOST_MOVES),
        }
    }

    /// Moves a node to the best cluster, of which it may be the only node; `edges` are its summed edges by cluster.
    fn visit(&mut self, node: usize, edges: &[(u32, f64)]) {
        self.states[node] = State::AtRest;
        let old = self.partition.membership(node);
        let to = |cluster: usize| {
            let found = edges.iter().find(|edge| edge.0 as usize == cluster);
            found.map_or(0.0, |edge| edge.1)
        };
        let to_old = to(old);
        self.partition.remove_node(node, self.graph, to_old);
        let context = InsertContext::for_node(self.graph, node);
        let gain = |cluster, weight| {
            self.objective
                .delta_insert(self.partition, &context, cluster, weight)
        };
        let staying = gain(old, to_old);
        let (mut best, mut most) = (old, staying);
        let alone = (self.partition.empty_community() as u32, 0.0);
        for &(cluster, weight) in edges.iter().chain([&alone]) {
            let cluster = cluster as usize;
            if cluster == old {
                continue;
            }
            let gain = gain(cluster, weight);
            let is_better = match gain.partial_cmp(&most) {
                Some(Ordering::Equal) => cluster < best,
                order => order == Some(Ordering::Greater),
            };
            if is_better {
                (best, most) = (cluster, gain);
            }
        }
        let is_moved = best != old && most - staying > self.least_gain && self.moves_left > 0;
        let target = if is_moved { best } else { old };
        self.partition
            .insert_node(node, target, self.graph, to(target));
        if is_moved {
            self.moves_left -= 1;
            self.tell_neighbors(node, target);
        }
    }

    /// Neighbours in another cluster may have to move too; the edges of those that are next have to be added up again.
    fn tell_neighbors(&mut self, node: usize, target: usize) {
        for (other, _) in self.graph.neighbors(node) {
            let state = &mut self.states[other];
            match state {
                State::AddedUp => *state = State::Outdated,
                State::AtRest if other != node && self.partition.membership(other) != target => {
                    *state = State::Queued;
                    self.queue.push_back(other);
                }
                _ => {}
            }
        }
    }
}

/// Summed edges of some nodes by cluster.
struct EdgesByCluster {
    /// Of one node after the other: a cluster and the weight of the edges to it.
    edges: Vec<(u32, f64)>,
    /// Where those of each node end.
    ends: Vec<usize>,
}

impl EdgesByCluster {
    fn of(&self, place: usize) -> &[(u32, f64)] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.edges[start..self.ends[place]]
    }
}

/// The library's sums by cluster, one set for each thread.
struct Threads(Vec<Mutex<NeighborWeights>>);

impl Threads {
    fn new(n_clusters: usize) -> Self {
        let new = || Mutex::new(NeighborWeights::with_capacity(n_clusters + 1));
        // One more for a thread that is not of the pool.
        Self((0..=rayon::current_num_threads()).map(|_| new()).collect())
    }

    fn own(&self) -> MutexGuard<'_, NeighborWeights> {
        let thread = rayon::current_thread_index().unwrap_or(self.0.len() - 1);
        self.0[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn add_up(&self, graph: &CSRNetwork, membership: &[u32], nodes: &[usize]) -> EdgesByCluster {
        let mut sums = self.own();
        let mut found = EdgesByCluster {
            edges: Vec::new(),
            ends: Vec::with_capacity(nodes.len()),
        };
        for &node in nodes {
            sums.collect(graph, membership, node);
            let edges = sums.touched().iter();
            found
                .edges
                .extend(edges.map(|&cluster| (cluster as u32, sums.weight_to(cluster))));
            found.ends.push(found.edges.len());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn nodes_move_as_the_library_moves_them() {
        let n_nodes = 2000;
        let rng = &mut ChaCha8Rng::seed_from_u64(5);
        let mut edges = Vec::new();
        for node in 0..n_nodes {
            for step in [1, 2, 3, 5, 8] {
                let step = if rng.random_bool(0.1) {
                    rng.random_range(9..900)
                } else {
                    step
                };
                edges.push((node, (node + step) % n_nodes, rng.random_range(0.1..1.0)));
            }
            edges.push((node, node, 0.1));
        }
        let graph = CSRNetwork::from_edges(n_nodes, &edges).expect("a graph");
        for (seed, at_once) in [(1, 1), (2, 7), (3, 300), (4, 4096)] {
            let moved = |moves: &dyn Fn(&mut Partition, &mut ChaCha8Rng)| {
                let mut partition = Partition::singleton(&graph);
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                moves(&mut partition, &mut rng);
                (partition.membership_vec(), rng)
            };
            let resolution = Rb::new(seed as f64);
            let ours = moved(&|partition, rng| {
                move_many(&graph, partition, resolution, rng, at_once);
            });
            let theirs = moved(&|partition, rng| {
                let mut scratch = MoveScratch::with_capacity(n_nodes, n_nodes + 1);
                local_move(&graph, partition, &resolution, &mut scratch, rng, None);
            });
            assert_eq!(ours, theirs);
        }
    }
}
