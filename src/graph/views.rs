//! Several ways to see the same cells, and the graph that they have in common.

use ndarray::{Array2, ArrayView2};

use super::{
    Adjacency, GraphError, Method, cosine::Directions, depth::balance_depth, error, joint::joint,
    near::NearKernel, neighbors::Neighborhoods,
};
use crate::counts::Csr;

/// Neighbourhood of a cell, itself counted, as scanpy's default.
const N_NEIGHBORS: usize = 15;

/// One way to see the cells.
#[derive(Debug, Clone)]
pub struct View {
    /// Cells scaled to length 1: n × features.
    pub directions: Array2<f32>,
    /// The nearest others of each cell by cosine, nearest first; indices of cells.
    pub neighbors: Vec<Vec<u32>>,
    /// UMAP's connectivities of these: n × n.
    connectivities: Csr,
}

/// Views of the same n cells.
#[derive(Debug, Clone)]
pub struct Views {
    /// Each of them.
    pub each: Vec<View>,
    /// The sum of their connectivities, all weighing the same: n × n. What is learnt from: balanced for depth, it would
    /// have cells of unlike depth brought together that differ in more.
    pub sum: Csr,
    /// The same, balanced for sequencing depth: what is clustered.
    pub joint: Adjacency,
}

impl View {
    /// Finds each cell's 14 nearest others (all of them, where they are fewer), and connects them.
    ///
    /// `features`: n × features, finite, of any scale. O(n² · features) time, O(n · features) memory.
    ///
    /// # Errors
    ///
    /// Where a feature is not finite, or there is a single cell.
    pub fn of(features: &ArrayView2<f32>) -> Result<Self, GraphError> {
        let n_neighbors = N_NEIGHBORS.min(features.nrows());
        error::check(features, n_neighbors)?;
        let directions = Directions::of(features);
        let unit = directions.view().to_owned();
        let (kernel, neighborhoods) = NearKernel::fit(directions, Method::Umap, n_neighbors);
        Ok(Self {
            directions: unit,
            neighbors: cells(&neighborhoods),
            connectivities: kernel.connect(&neighborhoods),
        })
    }
}

impl Views {
    /// The joint graph of at least one view. `totals`: the cells' total counts.
    #[must_use]
    pub fn of(each: Vec<View>, totals: &[f32]) -> Self {
        let graphs = each.iter().map(|view| &view.connectivities);
        let sum = joint(graphs);
        Self {
            each,
            joint: Adjacency::Sparse(balance_depth(&sum, totals)),
            sum,
        }
    }
}

fn cells(neighborhoods: &Neighborhoods) -> Vec<Vec<u32>> {
    let of_cell = neighborhoods.iter();
    of_cell
        .map(|near| near.iter().map(|neighbor| neighbor.cell).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn views_of_few_cells() {
        let one = array![[1.0_f32, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]];
        let other = array![[2.0_f32], [2.0], [-1.0], [-1.0]];
        let totals = [100.0, 200.0, 100.0, 200.0];
        let view = |features: &Array2<f32>| View::of(&features.view()).expect("finite");
        let views = Views::of(vec![view(&one), view(&other)], &totals);
        assert_eq!(views.each.len(), 2);
        assert_eq!(views.joint.shape(), (4, 4));
        for view in &views.each {
            assert_eq!(view.neighbors[0][0], 1);
            assert_eq!(view.neighbors[3].len(), 3);
        }
        let length = views.each[0]
            .directions
            .row(1)
            .dot(&views.each[0].directions.row(1));
        assert!((length - 1.0).abs() < 1e-6);
    }

    #[test]
    fn features_that_are_not_finite_are_refused() {
        let bad = array![[1.0_f32], [f32::NAN]];
        assert!(View::of(&bad.view()).is_err());
    }
}
