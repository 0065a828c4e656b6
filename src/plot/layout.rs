//! The 2-D layout of an embedding by UMAP.

use ndarray::{Array2, ArrayView2, Axis};
use rand::{Rng, RngCore, SeedableRng, rngs::SmallRng};
use rayon::prelude::*;

use super::{
    forces::{Point, pull, push},
    landmarks::place_among,
    neighbors::nearest,
    start::principal_plane,
};
use crate::{
    counts::Csr,
    graph::fuzzy_simplicial_set,
    preprocess::sample_cells,
    seed::{Stream, stream},
};

/// More cells than these are placed among as many landmarks.
const MOST_WHOLE: usize = 100_000;
const N_LANDMARKS: usize = 50_000;

/// From this many cells on, the layout is optimised for fewer epochs.
const MANY_CELLS: usize = 10_000;
const EPOCHS_OF_FEW: usize = 500;
const EPOCHS_OF_MANY: usize = 200;

/// Pairs pushed apart for every edge that pulls.
const PUSHES_PER_PULL: usize = 5;

/// Cells that one thread moves at a time.
const CELLS_PER_TASK: usize = 128;

/// Lays cells out in the plane so that neighbours in the embedding are neighbours in the picture.
///
/// `z`: n × d embedding, euclidean distances; `n_neighbors`: the size of a neighbourhood, the cell itself counted,
/// cut to the number of cells. Returns n × 2 coordinates. The same `z` and seed give the same picture whatever
/// the number of threads. `z` must be finite: cells that are not get places that mean nothing.
///
/// UMAP (arXiv:1802.03426) with scanpy's `min_dist` 0.5 and `spread` 1.0, from the
/// first two principal components. Deviation: in an epoch every cell moves by the places that the others had
/// before it, so that cells move in parallel and no thread's pace shows.
/// O(n² d) for exact neighbours, then O(n `n_neighbors`) an epoch. Of more than 100,000 cells a random 50,000 are laid out so,
/// and each of the others is placed among its nearest of these.
#[must_use]
pub fn umap_layout(z: ArrayView2<f32>, n_neighbors: usize, seed: u64) -> Array2<f32> {
    if z.nrows() <= MOST_WHOLE {
        return layout_of_all(z, n_neighbors, seed);
    }
    let landmarks = sample_cells(z.nrows(), N_LANDMARKS, seed, Stream::Sample);
    let places = layout_of_all(z.select(Axis(0), &landmarks).view(), n_neighbors, seed);
    place_among(z, &landmarks, places.view())
}

fn layout_of_all(z: ArrayView2<f32>, n_neighbors: usize, seed: u64) -> Array2<f32> {
    let n_cells = z.nrows();
    let mut rng = stream(seed, Stream::Layout);
    let start = principal_plane(z, &mut rng);
    let k = n_neighbors.clamp(2.min(n_cells), n_cells.max(1));
    let (indices, distances) = nearest(z, k);
    let optimiser = Optimiser::new(&fuzzy_simplicial_set(&indices, &distances), rng.next_u64());
    let points = optimiser.run(start);
    Array2::from_shape_fn((n_cells, 2), |(cell, axis)| points[cell][axis])
}

/// The stochastic gradient descent of the layout.
struct Optimiser {
    /// Where every cell's edges start in `edges`, and where the last one's end.
    offsets: Vec<usize>,
    /// Neighbours, and how often an edge pulls per epoch: 1 for the strongest.
    edges: Vec<(u32, f32)>,
    n_epochs: usize,
    seed: u64,
}

impl Optimiser {
    fn new(graph: &Csr, seed: u64) -> Self {
        let n_epochs = if graph.rows() < MANY_CELLS {
            EPOCHS_OF_FEW
        } else {
            EPOCHS_OF_MANY
        };
        let strongest = graph.data().iter().copied().fold(0.0, f32::max);
        let mut offsets = vec![0];
        let mut edges = Vec::with_capacity(graph.nnz());
        for row in graph.outer_iterator() {
            let rates = row
                .iter()
                .map(|(j, &weight)| (j as u32, weight / strongest));
            // a weaker edge would not pull once
            edges.extend(rates.filter(|&(_, rate)| rate * n_epochs as f32 >= 1.0));
            offsets.push(edges.len());
        }
        Self {
            offsets,
            edges,
            n_epochs,
            seed,
        }
    }

    fn run(&self, start: Vec<Point>) -> Vec<Point> {
        let mut places = start;
        let mut moved = places.clone();
        for epoch in 0..self.n_epochs {
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
        let learning_rate = 1.0 - epoch as f32 / self.n_epochs as f32;
        let mut rng = SmallRng::seed_from_u64(self.seed ^ ((epoch as u64) << 32 | cell as u64));
        let mut place = places[cell];
        let go = |step: Point, place: &mut Point| {
            place[0] += learning_rate * step[0];
            place[1] += learning_rate * step[1];
        };
        for &(neighbor, rate) in &self.edges[self.offsets[cell]..self.offsets[cell + 1]] {
            if !is_due(rate, epoch) {
                continue;
            }
            // once for the edge from here, once for the edge from there
            for _ in 0..2 {
                go(pull(place, places[neighbor as usize]), &mut place);
            }
            for _ in 0..PUSHES_PER_PULL {
                let other = rng.random_range(0..places.len());
                if other != cell {
                    go(push(place, places[other]), &mut place);
                }
            }
        }
        place
    }
}

/// Whether an edge that pulls `rate` times per epoch does so in this one: its count of pulls rises by one.
fn is_due(rate: f32, epoch: usize) -> bool {
    let rate = f64::from(rate);
    (rate * (epoch + 1) as f64).floor() > (rate * epoch as f64).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three balls of 60 cells in 5 dimensions, 20 apart.
    fn balls() -> Array2<f32> {
        let mut rng = stream(9, Stream::Sample);
        Array2::from_shape_fn((180, 5), |(cell, axis)| {
            let center = if cell % 3 == axis { 20.0 } else { 0.0 };
            center + rng.random_range(-1.0..1.0)
        })
    }

    #[test]
    fn separate_balls_stay_separate() {
        let layout = umap_layout(balls().view(), 15, 1);
        let (indices, _) = nearest(layout.view(), 15);
        for (cell, neighbors) in indices.outer_iter().enumerate() {
            assert!(
                neighbors
                    .iter()
                    .all(|&other| other as usize % 3 == cell % 3)
            );
        }
    }

    #[test]
    fn a_seed_decides_the_layout() {
        let z = balls();
        let layout = umap_layout(z.view(), 15, 1);
        assert_eq!(layout, umap_layout(z.view(), 15, 1));
        assert_ne!(layout, umap_layout(z.view(), 15, 2));
        let single = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .expect("a thread");
        assert_eq!(layout, single.install(|| umap_layout(z.view(), 15, 1)));
    }

    #[test]
    fn any_number_of_cells_has_a_layout() {
        for n in 0..5 {
            for n_neighbors in [0, 1, 2, 15] {
                let layout = umap_layout(Array2::ones((n, 3)).view(), n_neighbors, 0);
                assert_eq!(layout.dim(), (n, 2));
                assert!(layout.iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn edges_pull_in_proportion_to_their_weight() {
        for (rate, expected) in [(1.0, 500), (0.25, 125), (0.002, 1)] {
            let pulls = (0..500).filter(|&epoch| is_due(rate, epoch)).count();
            assert_eq!(pulls, expected);
        }
    }
}
