//! The 2-D layout of the cells by UMAP.

use ndarray::{Array2, ArrayView2, Axis};
use rand::RngCore;

use super::{
    descent::{Descent, Schedule},
    forces::Point,
    landmarks::place_among,
    start::principal_plane,
};
use crate::{
    graph::{Adjacency, GraphError, near_graph},
    preprocess::sample_cells,
    seed::{Stream, stream},
};

/// More cells than these are placed among as many landmarks.
const MOST_WHOLE: usize = 100_000;
const N_LANDMARKS: usize = 50_000;

/// From this many cells on, the layout is optimised for fewer epochs.
const MANY_CELLS: usize = 10_000;
const FEW: Schedule = Schedule {
    n_epochs: 500,
    learning_rate: 1.0,
};
const MANY: Schedule = Schedule {
    n_epochs: 200,
    learning_rate: 1.0,
};

/// What cells do once they have been placed among landmarks: as umap-learn moves cells that are added to a layout.
const SETTLING: Schedule = Schedule {
    n_epochs: 30,
    learning_rate: 0.25,
};

/// Lays cells out in the plane so that cells which are connected in a graph lie near each other.
///
/// `z`: n × d embedding, finite, any scale; `graph`: symmetric weights ≥ 0 of the same n cells, n × n, such as the graph
/// that was clustered. Returns n × 2 coordinates. The same arguments give the same picture whatever the number of threads.
///
/// UMAP (arXiv:1802.03426) with scanpy's `min_dist` 0.5 and `spread` 1.0, from the first two principal components of `z`.
/// An edge pulls in proportion to its weight, at most once per epoch; four edges of a cell pull in an epoch on average.
/// Deviation: in an epoch every cell moves by the places that the others had before it, so that cells move in parallel and no
/// thread's pace shows.
///
/// O(n + edges) time an epoch. Of more than 100,000 cells, a random 50,000 are laid out by their neighbours in `z`; the others
/// are placed among those that they are connected with, and all move for 30 more epochs.
///
/// ```
/// use attentionae_sc::{graph::near_graph, plot::umap_layout};
///
/// let z = ndarray::array![[1.0_f32, 0.0], [1.0, 0.1], [0.0, 1.0]];
/// let places = umap_layout(z.view(), &near_graph(&z.view(), 1)?, 1)?;
/// assert_eq!(places.dim(), (3, 2));
/// # Ok::<(), attentionae_sc::graph::GraphError>(())
/// ```
///
/// # Errors
///
/// If `z` is not finite and there are more than 100,000 cells.
pub fn umap_layout(
    z: ArrayView2<f32>,
    graph: &Adjacency,
    seed: u64,
) -> Result<Array2<f32>, GraphError> {
    let points = if z.nrows() <= MOST_WHOLE {
        layout_of_all(z, graph, seed)
    } else {
        layout_by_landmarks(z, graph, N_LANDMARKS, seed)?
    };
    Ok(Array2::from_shape_fn((z.nrows(), 2), |(cell, axis)| {
        points[cell][axis]
    }))
}

fn layout_of_all(z: ArrayView2<f32>, graph: &Adjacency, seed: u64) -> Vec<Point> {
    let mut rng = stream(seed, Stream::Layout);
    let start = principal_plane(z, &mut rng);
    let schedule = if z.nrows() < MANY_CELLS { FEW } else { MANY };
    Descent::new(graph, schedule, rng.next_u64()).run(start)
}

fn layout_by_landmarks(
    z: ArrayView2<f32>,
    graph: &Adjacency,
    n_landmarks: usize,
    seed: u64,
) -> Result<Vec<Point>, GraphError> {
    let landmarks = sample_cells(z.nrows(), n_landmarks, seed, Stream::Sample);
    let of_landmarks = z.select(Axis(0), &landmarks);
    let near = near_graph(&of_landmarks.view(), seed)?;
    let places = layout_of_all(of_landmarks.view(), &near, seed);
    drop((near, of_landmarks));
    let start = place_among(z, graph, &landmarks, &places);
    let seed = stream(seed, Stream::Layout).next_u64();
    Ok(Descent::new(graph, SETTLING, seed).run(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Csr;
    use rand::Rng;

    /// Three balls of `n` cells each, in 5 dimensions.
    fn balls(n: usize) -> Array2<f32> {
        let mut rng = stream(9, Stream::Sample);
        Array2::from_shape_fn((3 * n, 5), |(cell, axis)| {
            let center = if cell % 3 == axis { 20.0 } else { 0.0 };
            center + rng.random_range(-1.0..1.0)
        })
    }

    fn layout(z: &Array2<f32>, seed: u64) -> Array2<f32> {
        let graph = near_graph(&z.view(), 0).expect("finite");
        umap_layout(z.view(), &graph, seed).expect("finite")
    }

    /// Whether the places of all cells of a ball lie around its mean, and those of no other.
    fn are_apart(layout: ArrayView2<f32>) -> bool {
        let n = layout.nrows() / 3;
        let means = Array2::from_shape_fn((3, 2), |(ball, axis)| {
            let of_ball = (0..n).map(|i| layout[(3 * i + ball, axis)]);
            of_ball.sum::<f32>() / n as f32
        });
        layout.outer_iter().enumerate().all(|(cell, place)| {
            let squared = |ball: &usize| {
                (place[0] - means[(*ball, 0)]).powi(2) + (place[1] - means[(*ball, 1)]).powi(2)
            };
            (0..3).min_by(|a, b| squared(a).total_cmp(&squared(b))) == Some(cell % 3)
        })
    }

    #[test]
    fn separate_balls_stay_separate() {
        assert!(are_apart(layout(&balls(60), 1).view()));
    }

    #[test]
    fn cells_are_placed_with_their_own_ball_among_landmarks() {
        let z = balls(200);
        let graph = near_graph(&z.view(), 0).expect("finite");
        let points = layout_by_landmarks(z.view(), &graph, 150, 1).expect("finite");
        let layout = Array2::from_shape_fn((600, 2), |(cell, axis)| points[cell][axis]);
        assert!(are_apart(layout.view()));
    }

    #[test]
    fn a_seed_decides_the_layout() {
        let z = balls(60);
        let found = layout(&z, 1);
        assert_eq!(found, layout(&z, 1));
        assert_ne!(found, layout(&z, 2));
        let single = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .expect("a thread");
        assert_eq!(found, single.install(|| layout(&z, 1)));
    }

    #[test]
    fn any_number_of_cells_has_a_layout() {
        for n in 0..5 {
            let z = Array2::ones((n, 3));
            let none = Adjacency::Sparse(Csr::zero((n, n)));
            let layout = umap_layout(z.view(), &none, 0).expect("few cells");
            assert_eq!(layout.dim(), (n, 2));
            assert!(layout.iter().all(|value| value.is_finite()));
        }
    }
}
