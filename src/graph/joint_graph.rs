//! The graph that several ways to see the same cells have in common.

use std::mem;

use ndarray::{Array2, ArrayView2};

use super::{
    Adjacency, GraphError,
    cosine::Directions,
    depth::balance_depth,
    error,
    inverted_lists::{Approximate, Names, among_many, names_among_many},
    neighbor_graph::umap_connectivities,
    neighborhoods::{NO_CELL, Neighbor, Neighborhoods},
    neighbors,
    sum::add,
};
use crate::counts::Csr;

/// Neighbourhood of a cell, itself counted, as scanpy's default.
const N_NEIGHBORS: usize = 15;

/// Up to this many cells, nearest neighbours are found exactly: the time that this takes is quadratic.
const MOST_EXACT: usize = 50_000;

/// Cells that the neighbours of a cell in each view are chosen from, where there are more: as many as three views can name.
const N_CANDIDATES: usize = 3 * (N_NEIGHBORS - 1);

/// The sum of the graphs of several views of the same n cells, each divided by its mean weight per cell, so that none
/// outweighs another.
///
/// What one view misses, the others still hold together or apart.
#[derive(Debug, Clone)]
pub struct JointGraph {
    sum: Csr,
    recall: f64,
}

impl Default for JointGraph {
    /// The graph of no views, which has no cells.
    fn default() -> Self {
        Self {
            sum: Csr::zero((0, 0)),
            recall: 1.0,
        }
    }
}

impl JointGraph {
    /// The graph of n cells by their `views`, each n × features.
    ///
    /// Of more than 50,000 cells, each view's neighbours are the nearest of 42 candidates: those nearest by the components
    /// that the views share (`shared`, n × d). One search then does for all views, and the recall is that of this search.
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`].
    ///
    /// # Panics
    ///
    /// If there are not as many cells in each.
    pub fn of_views(
        views: impl IntoIterator<Item = Array2<f32>>,
        shared: Array2<f32>,
        seed: u64,
    ) -> Result<Self, GraphError> {
        let mut joint = Self::default();
        if shared.nrows() <= MOST_EXACT {
            for view in views {
                joint.add(&view.view(), seed)?;
            }
            return Ok(joint);
        }
        error::check(&shared.view(), N_NEIGHBORS)?;
        let candidates = names_among_many(Directions::from_owned(shared), N_CANDIDATES, seed);
        for view in views {
            error::check(&view.view(), N_NEIGHBORS)?;
            let near = nearest_of(&Directions::from_owned(view), &candidates.found);
            joint.join(View {
                connectivities: umap_connectivities(near),
                recall: candidates.recall,
            });
        }
        Ok(joint)
    }

    /// Adds a view: UMAP's connectivities of each cell's 14 nearest others by cosine (all of them, where they are fewer).
    ///
    /// `features`: n × features, finite, of any scale. Among up to 50,000 cells, neighbours are exact, in O(n² · features)
    /// time. Among more, an inverted file finds about 97 % of them; `seed` decides which.
    ///
    /// # Errors
    ///
    /// Where a feature is not finite, or there is a single cell.
    ///
    /// # Panics
    ///
    /// If there are not as many cells as in the views before.
    pub fn add(&mut self, features: &ArrayView2<f32>, seed: u64) -> Result<(), GraphError> {
        self.join(View::of(features, seed)?);
        Ok(())
    }

    fn join(&mut self, view: View) {
        self.recall = self.recall.min(view.recall);
        let view = scaled(view.connectivities);
        self.sum = if self.sum.rows() == 0 {
            view
        } else {
            add(mem::replace(&mut self.sum, Csr::zero((0, 0))), &view)
        };
    }

    /// Smallest share of the true neighbours that a search found, measured on some cells; 1 where all are found.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.recall
    }

    /// The sum, n × n: what is learnt from. Balanced for depth, it would have cells of unlike depth brought together that
    /// differ in more.
    #[must_use]
    pub fn weights(&self) -> &Csr {
        &self.sum
    }

    /// The sum balanced for sequencing depth, n × n: what is clustered. `totals`: the cells' total counts.
    ///
    /// # Panics
    ///
    /// If there are fewer totals than cells.
    #[must_use]
    pub fn balanced(self, totals: &[f32]) -> Adjacency {
        Adjacency::Sparse(balance_depth(self.sum, totals))
    }
}

/// UMAP's connectivities of each cell's 14 nearest others by cosine, n × n; as [`JointGraph::add`] finds them for one view.
///
/// ```
/// use attentionae_sc::graph::near_graph;
///
/// let features = ndarray::array![[1.0_f32, 0.0], [1.0, 0.1], [0.0, 1.0]];
/// let graph = near_graph(&features.view(), 1)?;
/// assert_eq!(graph.shape(), (3, 3));
/// # Ok::<(), attentionae_sc::graph::GraphError>(())
/// ```
///
/// # Errors
///
/// Where a feature is not finite, or there is a single cell.
pub fn near_graph(features: &ArrayView2<f32>, seed: u64) -> Result<Adjacency, GraphError> {
    View::of(features, seed).map(|view| Adjacency::Sparse(view.connectivities))
}

/// The graph of one view.
struct View {
    connectivities: Csr,
    /// Share of the true neighbours that were found.
    recall: f64,
}

impl View {
    fn of(features: &ArrayView2<f32>, seed: u64) -> Result<Self, GraphError> {
        let n_neighbors = N_NEIGHBORS.min(features.nrows());
        error::check(features, n_neighbors)?;
        let directions = Directions::of(features);
        let (neighborhoods, recall) = if features.nrows() > MOST_EXACT {
            let Approximate { found, recall } = among_many(directions, n_neighbors - 1, seed);
            (found, recall)
        } else {
            (neighbors::among(&directions, n_neighbors - 1), 1.0)
        };
        Ok(Self {
            connectivities: umap_connectivities(neighborhoods),
            recall,
        })
    }
}

/// The 14 nearest of each cell's 42 `candidates`, nearest first; of equally near ones the one of lower index first.
fn nearest_of(cells: &Directions, candidates: &Names) -> Neighborhoods {
    let Names { order, near } = candidates;
    Neighborhoods::of_each_in(order, N_NEIGHBORS - 1, |row| {
        let cell = order[row] as usize;
        let candidates = &near[row * N_CANDIDATES..][..N_CANDIDATES];
        let mut near: Vec<Neighbor> = candidates
            .iter()
            .filter(|&&other| other != NO_CELL)
            .map(|&other| Neighbor {
                cell: other,
                distance: cells.distance(cell, other as usize),
            })
            .collect();
        near.sort_unstable_by(|a, b| a.compared(*b));
        near.truncate(N_NEIGHBORS - 1);
        near
    })
}

/// A graph divided by its mean weight per cell; one without weights as it is.
fn scaled(mut graph: Csr) -> Csr {
    let total: f64 = graph.data().iter().map(|&weight| f64::from(weight)).sum();
    if total > 0.0 {
        let scale = (graph.rows() as f64 / total) as f32;
        graph
            .data_mut()
            .iter_mut()
            .for_each(|weight| *weight *= scale);
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use sprs::TriMatI;

    #[test]
    fn a_graph_weighs_one_per_cell() {
        let mut triplets = TriMatI::<f32, u32>::new((3, 3));
        for (a, b, weight) in [(0, 1, 0.1), (1, 0, 0.1), (1, 2, 0.3), (2, 1, 0.3)] {
            triplets.add_triplet(a, b, weight);
        }
        let found = scaled(triplets.to_csr());
        for (edge, weight) in [((0, 1), 0.375), ((2, 1), 1.125)] {
            let stored = found.get(edge.0, edge.1).copied().unwrap_or_default();
            assert!((stored - weight).abs() < 1e-6);
        }
        assert_eq!(scaled(Csr::zero((3, 3))).nnz(), 0);
    }

    #[test]
    fn two_views_add_up() {
        let one = array![[1.0_f32, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]];
        let other = array![[2.0_f32], [2.0], [-1.0], [-1.0]];
        let mut joint = JointGraph::default();
        joint.add(&one.view(), 0).expect("finite");
        let of_one = joint.weights().clone();
        joint.add(&other.view(), 0).expect("finite");
        let sum: f32 = joint.weights().data().iter().sum();
        assert!((sum - 8.0).abs() < 1e-5);
        assert!(joint.weights().get(0, 1) > of_one.get(0, 1));
        assert!((joint.recall() - 1.0).abs() < f64::EPSILON);
        let totals = [100.0, 200.0, 100.0, 200.0];
        assert_eq!(joint.balanced(&totals).shape(), (4, 4));
    }

    #[test]
    fn the_nearest_of_candidates_are_those_of_the_view() {
        // Cells on a quarter of a circle. The candidates of each are the 42 after it, as far as there are.
        let n = 60;
        let angle = |cell: usize| ((cell * 7) % n) as f32 / n as f32;
        let view = Array2::from_shape_fn((n, 2), |(cell, axis)| match axis {
            0 => angle(cell).cos(),
            _ => angle(cell).sin(),
        });
        let candidates: Vec<u32> = (0..n)
            .flat_map(|cell| cell + 1..=cell + N_CANDIDATES)
            .map(|other| if other < n { other as u32 } else { NO_CELL })
            .collect();
        let candidates = Names {
            order: (0..n as u32).collect(),
            near: candidates,
        };
        let found = nearest_of(&Directions::from_owned(view), &candidates);
        for cell in 0..n {
            let mut expected: Vec<usize> = (cell + 1..n.min(cell + 1 + N_CANDIDATES)).collect();
            let apart = |other: usize| (angle(other) - angle(cell)).abs();
            expected.sort_by(|&a, &b| apart(a).total_cmp(&apart(b)));
            expected.truncate(N_NEIGHBORS - 1);
            assert_eq!(found.of(cell).len(), expected.len());
            for (near, other) in found.of(cell).iter().zip(expected) {
                assert!((apart(near.cell as usize) - apart(other)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn features_that_are_not_finite_are_refused() {
        let bad = array![[1.0_f32], [f32::NAN]];
        assert!(JointGraph::default().add(&bad.view(), 0).is_err());
    }
}
