//! The stochastic gradient descent of UMAP's layout.

use rand::{Rng, SeedableRng, rngs::SmallRng};
use rayon::prelude::*;

use super::forces::{Point, pull, push};
use crate::graph::Adjacency;

/// Pairs pushed apart for every edge that pulls.
const PUSHES_PER_PULL: usize = 5;

/// Edges that pull a cell per epoch, on average: about as many as the memberships of 15 neighbours add up to in UMAP, log₂ 15. A
/// graph with more edges takes no longer.
const PULLS: f64 = 4.0;

/// Cells that one thread moves at a time.
const CELLS_PER_TASK: usize = 128;

/// How long cells move, and how far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub n_epochs: usize,
    /// At the start; it falls to 0 by equal steps.
    pub learning_rate: f32,
}

/// What moves the cells of a graph.
pub(super) struct Descent<'a> {
    graph: &'a Adjacency,
    /// An edge of this weight or more pulls once per epoch.
    strong: f32,
    schedule: Schedule,
    seed: u64,
}

impl<'a> Descent<'a> {
    pub(super) fn new(graph: &'a Adjacency, schedule: Schedule, seed: u64) -> Self {
        Self {
            graph,
            strong: (mean_strength(graph) / PULLS) as f32,
            schedule,
            seed,
        }
    }

    /// Where the cells go from `start`.
    pub(super) fn run(&self, start: Vec<Point>) -> Vec<Point> {
        let mut places = start;
        let mut moved = places.clone();
        for epoch in 0..self.schedule.n_epochs {
            moved
                .par_iter_mut()
                .with_min_len(CELLS_PER_TASK)
                .enumerate()
                .for_each(|(cell, place)| *place = self.moved(&places, cell, epoch));
            std::mem::swap(&mut places, &mut moved);
        }
        places
    }

    /// Where a cell goes in an epoch, all others standing still.
    fn moved(&self, places: &[Point], cell: usize, epoch: usize) -> Point {
        let progress = epoch as f32 / self.schedule.n_epochs as f32;
        let learning_rate = self.schedule.learning_rate * (1.0 - progress);
        let mut rng = SmallRng::seed_from_u64(self.seed ^ ((epoch as u64) << 32 | cell as u64));
        let mut place = places[cell];
        let go = |step: Point, place: &mut Point| {
            place[0] += learning_rate * step[0];
            place[1] += learning_rate * step[1];
        };
        self.graph.each_in_row(cell, |neighbor, weight| {
            if !is_due((weight / self.strong).min(1.0), epoch) {
                return;
            }
            // once for the edge from here, once for the edge from there
            for _ in 0..2 {
                go(pull(place, places[neighbor]), &mut place);
            }
            for _ in 0..PUSHES_PER_PULL {
                let other = rng.random_range(0..places.len());
                if other != cell {
                    go(push(place, places[other]), &mut place);
                }
            }
        });
        place
    }
}

/// The summed weight of a cell's edges, on average.
fn mean_strength(graph: &Adjacency) -> f64 {
    let n_cells = graph.shape().0;
    let mut sum = 0.0;
    for cell in 0..n_cells {
        graph.each_in_row(cell, |_, weight| sum += f64::from(weight));
    }
    sum / n_cells.max(1) as f64
}

/// Whether an edge that pulls `rate` times per epoch does so in this one: its count of pulls rises by one.
fn is_due(rate: f32, epoch: usize) -> bool {
    let rate = f64::from(rate);
    (rate * (epoch + 1) as f64).floor() > (rate * epoch as f64).floor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Csr;

    #[test]
    fn edges_pull_in_proportion_to_their_weight() {
        for (rate, expected) in [(1.0, 500), (0.25, 125), (0.002, 1), (0.001, 0)] {
            let pulls = (0..500).filter(|&epoch| is_due(rate, epoch)).count();
            assert_eq!(pulls, expected);
        }
    }

    #[test]
    fn cells_are_pulled_four_times_per_epoch_on_average() {
        let weights = vec![0.5, 0.25, 0.5, 0.25];
        let graph = Csr::new((4, 4), vec![0, 1, 3, 4, 4], vec![1, 0, 2, 1], weights);
        let graph = Adjacency::Sparse(graph);
        assert!((mean_strength(&graph) - 1.5 / 4.0).abs() < 1e-9);
        let schedule = Schedule {
            n_epochs: 1,
            learning_rate: 1.0,
        };
        let strong = f64::from(Descent::new(&graph, schedule, 1).strong);
        assert!((1.5 / strong / 4.0 - PULLS).abs() < 1e-6);
    }
}
