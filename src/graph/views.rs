//! Several ways to see the same cells, and the graph that they have in common.

use ndarray::{Array2, ArrayView2};

use super::{
    Adjacency, GraphError, Method, cosine::Directions, depth::balance_depth, error, joint::joint,
    near::NearKernel, neighbors::Neighborhoods,
};

/// Neighbourhood of a cell, itself counted, as scanpy's default.
const N_NEIGHBORS: usize = 15;

/// One way to see the cells.
#[derive(Debug, Clone)]
pub struct View {
    /// Cells scaled to length 1: n × features.
    pub directions: Array2<f32>,
    /// The nearest others of each cell by cosine, nearest first; indices of cells.
    pub neighbors: Vec<Vec<u32>>,
}

/// Views of the same n cells.
#[derive(Debug, Clone)]
pub struct Views {
    /// Each of them.
    pub each: Vec<View>,
    /// The sum of UMAP's connectivities in them, all weighing the same, freed of depth: n × n.
    pub joint: Adjacency,
}

impl Views {
    /// Finds each cell's 14 nearest others in each view (all of them, where they are fewer), and connects the cells.
    ///
    /// `features`, of at least one view: n × features, finite, of any scale. `totals`: the cells' total counts.
    /// O(n² · features) time for each view, O(n · features) memory.
    ///
    /// # Errors
    ///
    /// Where a feature is not finite, or there is a single cell.
    pub fn of(features: &[ArrayView2<f32>], totals: &[f32]) -> Result<Self, GraphError> {
        let mut graphs = Vec::with_capacity(features.len());
        let mut each = Vec::with_capacity(features.len());
        for features in features {
            let n_neighbors = N_NEIGHBORS.min(features.nrows());
            error::check(features, n_neighbors)?;
            let directions = Directions::of(features);
            let unit = directions.view().to_owned();
            let (kernel, neighborhoods) = NearKernel::fit(directions, Method::Umap, n_neighbors);
            graphs.push(kernel.connect(&neighborhoods));
            each.push(View {
                directions: unit,
                neighbors: cells(&neighborhoods),
            });
        }
        let joint = balance_depth(&joint(graphs), totals);
        Ok(Self {
            each,
            joint: Adjacency::Sparse(joint),
        })
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
        let views = Views::of(&[one.view(), other.view()], &totals).expect("finite");
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
        assert!(Views::of(&[bad.view()], &[1.0, 1.0]).is_err());
    }
}
