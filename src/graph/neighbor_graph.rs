//! Graphs in which a cell is connected to its neighbours, and to the cells whose neighbour it is.

use super::{
    Aim, Method,
    adjacency::symmetric,
    cosine::Directions,
    gauss,
    neighborhoods::{Neighbor, Neighborhoods},
    neighbors,
    umap::{self, Membership},
};
use crate::counts::Csr;

/// A kernel on neighbour pairs.
#[derive(Debug, Clone)]
pub(super) struct NeighborKernel {
    directions: Directions,
    scales: Scales,
    n_neighbors: usize,
}

/// How weights fall with distance, cell by cell.
#[derive(Debug, Clone)]
enum Scales {
    /// Bandwidths of the gaussian kernel.
    Gauss(Vec<f32>),
    /// Memberships in the cells' neighbourhoods, and the mean distance over all of these.
    Umap {
        cells: Vec<Membership>,
        typical: f64,
    },
}

impl NeighborKernel {
    /// The kernel of cells with neighbourhoods of `n_neighbors`, each cell itself counted.
    pub(super) fn of(
        directions: Directions,
        method: Method,
        n_neighbors: usize,
        neighborhoods: &Neighborhoods,
    ) -> Self {
        let scales = match method {
            Method::Gauss => Scales::Gauss(gauss::near_bandwidths(neighborhoods)),
            Method::Umap => {
                let typical = umap::typical_distance(neighborhoods);
                let cells = umap::memberships(neighborhoods, typical);
                Scales::Umap { cells, typical }
            }
        };
        Self {
            directions,
            scales,
            n_neighbors,
        }
    }

    /// Symmetric weights on the pairs of which either is a neighbour of the other: n × n.
    pub(super) fn connect(&self, neighborhoods: &Neighborhoods) -> Csr {
        let n_cells = neighborhoods.len();
        match &self.scales {
            Scales::Gauss(cells) => {
                let weight = |cell: usize, near: Neighbor| {
                    gauss::weight(near.distance, cells[cell], cells[near.cell as usize])
                };
                symmetric(
                    &neighbors::to_sparse(neighborhoods, n_cells, weight),
                    f32::max,
                )
            }
            Scales::Umap { cells, .. } => {
                symmetric(&directed_memberships(neighborhoods, cells), umap::union)
            }
        }
    }

    /// Weights of other cells to the cells of the graph nearest to them: queries × n. A query that coincides with a cell of the graph
    /// has that one's weights, a row of `graph`.
    pub(super) fn bridge(&self, queries: &Directions, graph: &Csr) -> Csr {
        let nearest = neighbors::of_queries(&self.directions, queries, self.n_neighbors - 1);
        let bridge = self.bridge_to(&nearest);
        let twins = nearest.twins().enumerate();
        let rows = twins.filter_map(|(query, twin)| match twin {
            Some(twin) => graph.outer_view(twin),
            None => bridge.outer_view(query),
        });
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in rows {
            columns.extend_from_slice(row.indices());
            values.extend_from_slice(row.data());
            offsets.push(columns.len());
        }
        Csr::new(bridge.shape(), offsets, columns, values)
    }

    fn bridge_to(&self, nearest: &Neighborhoods) -> Csr {
        let n_cells = self.directions.n_cells();
        match &self.scales {
            Scales::Gauss(cells) => {
                let own = gauss::near_bandwidths(nearest);
                neighbors::to_sparse(nearest, n_cells, |query, near| {
                    gauss::weight(near.distance, own[query], cells[near.cell as usize])
                })
            }
            Scales::Umap { cells, typical } => {
                let own = umap::memberships(nearest, *typical);
                neighbors::to_sparse(nearest, n_cells, |query, near| {
                    let seen_from_there = cells[near.cell as usize].within_reach(near.distance);
                    umap::union(own[query].of(near.distance), seen_from_there)
                })
            }
        }
    }
}

/// UMAP's symmetric connectivities of cells with these neighbours, n × n: those of [`NeighborKernel::connect`], for millions of
/// cells, with which memory is dear.
pub(super) fn umap_connectivities(neighborhoods: Neighborhoods) -> Csr {
    let typical = umap::typical_distance(&neighborhoods);
    let memberships = umap::memberships(&neighborhoods, typical);
    let directed = directed_memberships(&neighborhoods, &memberships);
    drop((neighborhoods, memberships));
    symmetric(&directed, umap::union)
}

/// How far each cell's neighbours belong to its neighbourhood: n × n.
fn directed_memberships(neighborhoods: &Neighborhoods, memberships: &[Membership]) -> Csr {
    let weight = |cell: usize, near: Neighbor| memberships[cell].of(near.distance);
    neighbors::to_sparse(neighborhoods, neighborhoods.len(), weight)
}

/// What the model learns to reproduce of each cell (row) with itself and its neighbours: n × n. Of other pairs it is 0.
pub(super) fn targets(neighborhoods: &Neighborhoods, aim: Aim) -> Csr {
    let with_itself = neighborhoods.with_each_itself();
    neighbors::to_sparse(&with_itself, with_itself.len(), |_, near| {
        aim.of(near.distance)
    })
}
