//! The graph that several ways to see the same cells have in common.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{
    Adjacency, GraphError, Method,
    cosine::Directions,
    depth::balance_depth,
    error,
    inverted_lists::among_many,
    neighbor_graph::NeighborKernel,
    neighbors::{self, Neighbor, Neighborhoods},
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
        shared: &ArrayView2<f32>,
        seed: u64,
    ) -> Result<Self, GraphError> {
        let mut joint = Self::default();
        if shared.nrows() <= MOST_EXACT {
            for view in views {
                joint.add(&view.view(), seed)?;
            }
            return Ok(joint);
        }
        error::check(shared, N_NEIGHBORS)?;
        let candidates = among_many(&Directions::of(shared), N_CANDIDATES, seed);
        for view in views {
            error::check(&view.view(), N_NEIGHBORS)?;
            let directions = Directions::of(&view.view());
            // With a million cells, memory is dear.
            drop(view);
            let near = nearest_of(&directions, &candidates.neighborhoods, N_NEIGHBORS - 1);
            joint.join(View::connecting(
                directions,
                N_NEIGHBORS,
                &near,
                candidates.recall,
            ));
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
            &self.sum + &view
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
            let found = among_many(&directions, n_neighbors - 1, seed);
            (found.neighborhoods, found.recall)
        } else {
            (neighbors::among(&directions, n_neighbors - 1), 1.0)
        };
        Ok(Self::connecting(
            directions,
            n_neighbors,
            &neighborhoods,
            recall,
        ))
    }

    /// Cells connected with their neighbours.
    fn connecting(
        directions: Directions,
        n_neighbors: usize,
        neighborhoods: &Neighborhoods,
        recall: f64,
    ) -> Self {
        let kernel = NeighborKernel::of(directions, Method::Umap, n_neighbors, neighborhoods);
        Self {
            connectivities: kernel.connect(neighborhoods),
            recall,
        }
    }
}

/// The `count` nearest of each cell's `candidates`, nearest first; of equally near ones the one of lower index first.
fn nearest_of(cells: &Directions, candidates: &Neighborhoods, count: usize) -> Neighborhoods {
    let of_cell = |(cell, candidates): (usize, &Vec<Neighbor>)| {
        let mut near: Vec<Neighbor> = candidates
            .iter()
            .map(|near| Neighbor {
                distance: cells.distance(cell, near.cell as usize),
                ..*near
            })
            .collect();
        near.sort_unstable_by(|a, b| (a.distance.total_cmp(&b.distance)).then(a.cell.cmp(&b.cell)));
        near.truncate(count);
        near
    };
    candidates.par_iter().enumerate().map(of_cell).collect()
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
        let view =
            Directions::of(&array![[1.0_f32, 0.0], [1.0, 0.2], [1.0, 0.1], [0.0, 1.0]].view());
        let candidates = |cells: [u32; 2]| {
            let far = |cell| Neighbor {
                cell,
                distance: 9.0,
            };
            cells.map(far).to_vec()
        };
        let candidates = [[1, 2], [0, 3], [3, 1], [0, 2]].map(candidates).to_vec();
        let found = nearest_of(&view, &candidates, 1);
        let cells: Vec<u32> = found.iter().map(|near| near[0].cell).collect();
        assert_eq!(cells, [2, 0, 1, 2]);
        assert!((found[3][0].distance - (1.0 - 0.1 / 1.01_f32.sqrt())).abs() < 1e-6);
    }

    #[test]
    fn features_that_are_not_finite_are_refused() {
        let bad = array![[1.0_f32], [f32::NAN]];
        assert!(JointGraph::default().add(&bad.view(), 0).is_err());
    }
}
