//! Leiden clustering of a cell graph.

use rand::RngCore;
use rayon::prelude::*;
use single_clustering::{
    community_search::leiden::{LeidenConfig, ObjectiveKind, leiden as run_leiden},
    network::CSRNetwork,
};

use super::{ClusterError, connected::connected_parts, modularity, numbering::by_size};
use crate::{
    graph::Adjacency,
    seed::{Stream, stream},
};

/// Node orders tried; the best partition is kept. On graphs of 3,000 to 4,000 real cells single runs differ by up to
/// 0.004 in modularity; the best of four lies within 0.0005 of the best of ten.
const RUNS: usize = 4;

/// Most passes of one run. A run ends after two passes in a row that improve nothing, so that this bound is
/// not met in practice.
const MAX_PASSES: usize = 100;

/// With more cells than this there is one run, of as many passes as leidenalg's default: runs of so many cells differ
/// little, and each takes minutes.
const MANY_CELLS: usize = 50_000;
const PASSES_OF_MANY: usize = 2;

/// Cells by cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// Cluster of every cell, 0.. by decreasing size; equal sizes by their first cell.
    pub labels: Vec<usize>,
    /// Modularity with the resolution that was asked for, at most 1.
    pub modularity: f64,
}

/// Finds the clusters of a cell graph that maximise modularity with a resolution.
///
/// `graph`: symmetric weights of n cells, at least 0; the diagonal is ignored. `resolution`: above 0, the
/// higher the more clusters. `seed` decides the order in which cells are visited: the same seed gives the
/// same partition whatever the number of threads.
///
/// Every cluster is connected: one that falls apart is split, which only raises modularity. A cell without
/// edges is a cluster of its own.
///
/// Deviation: the published script runs Leiden once. Here the best of four node orders is kept, by the same quality: single
/// runs differ by seed. Of more than 50,000 cells there is one run of two passes.
///
/// Deviation: in the published script the weight 1 that the dense graph gives each cell to itself counts in its strength. It
/// holds no two cells together, and only changes what a resolution means: left out, with strengths near 10, it acts as one
/// about a tenth lower.
///
/// Errors: a resolution that is not above 0, a graph that is not square or not symmetric, a weight that is
/// negative or not finite. A few passes over the edges for each of four runs, 8 bytes per stored weight.
/// Leiden: Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z.
///
/// ```
/// use attentionae_sc::{graph::Adjacency, partition::leiden};
///
/// let two_pairs = ndarray::array![
///     [0.0, 1.0, 0.1, 0.0],
///     [1.0, 0.0, 0.0, 0.0],
///     [0.1, 0.0, 0.0, 1.0],
///     [0.0, 0.0, 1.0, 0.0],
/// ];
/// let found = leiden(&Adjacency::Dense(two_pairs), 1.0, 1)?;
/// assert_eq!(found.labels, [0, 0, 1, 1]);
/// # Ok::<(), attentionae_sc::partition::ClusterError>(())
/// ```
pub fn leiden(graph: &Adjacency, resolution: f64, seed: u64) -> Result<Partition, ClusterError> {
    let mut profile = leiden_profile(graph, &[resolution], seed)?;
    Ok(profile.swap_remove(0))
}

/// [`leiden()`] at each of several resolutions.
///
/// # Errors
///
/// Those of [`leiden()`].
pub(super) fn leiden_profile(
    graph: &Adjacency,
    resolutions: &[f64],
    seed: u64,
) -> Result<Vec<Partition>, ClusterError> {
    let meaningless = |resolution: &f64| !(resolution.is_finite() && *resolution > 0.0);
    if let Some(found) = resolutions.iter().copied().find(meaningless) {
        return Err(ClusterError::Resolution { found });
    }
    let network = network(graph)?;
    let mut rng = stream(seed, Stream::Leiden);
    let n_runs = if graph.shape().0 > MANY_CELLS {
        1
    } else {
        RUNS
    };
    let seeds: Vec<u64> = (0..n_runs).map(|_| rng.next_u64()).collect();
    let best = |&resolution: &f64| {
        let partitions = seeds
            .par_iter()
            .map(|&seed| run(graph, &network, resolution, seed))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(partitions
            .into_iter()
            .reduce(better)
            .unwrap_or_else(|| unreachable!("there is a run")))
    };
    resolutions.par_iter().map(best).collect()
}

/// The partition of higher modularity, the first of equals.
fn better(first: Partition, second: Partition) -> Partition {
    if second.modularity > first.modularity {
        second
    } else {
        first
    }
}

fn run(
    graph: &Adjacency,
    network: &CSRNetwork,
    resolution: f64,
    seed: u64,
) -> Result<Partition, ClusterError> {
    let config = LeidenConfig {
        objective: ObjectiveKind::Rb { resolution },
        seed: Some(seed),
        n_iterations: if graph.shape().0 > MANY_CELLS {
            PASSES_OF_MANY
        } else {
            MAX_PASSES
        },
        ..LeidenConfig::default()
    };
    let clustering = run_leiden(network, &config)?;
    let labels = by_size(&connected_parts(graph, clustering.labels()));
    let modularity = modularity(graph, &labels, resolution);
    Ok(Partition { labels, modularity })
}

/// The graph as the Leiden library holds it: rows of neighbours and weights, without self loops.
fn network(graph: &Adjacency) -> Result<CSRNetwork, ClusterError> {
    let (rows, columns, n_stored) = match graph {
        Adjacency::Dense(weights) => (weights.nrows(), weights.ncols(), weights.len()),
        Adjacency::Sparse(weights) => (weights.rows(), weights.cols(), weights.nnz()),
    };
    if rows != columns {
        return Err(ClusterError::NotSquare { rows, columns });
    }
    let mut edges = Edges::with_capacity(rows, n_stored);
    match graph {
        Adjacency::Dense(weights) => {
            for (cell, row) in weights.outer_iter().enumerate() {
                edges.push_row(cell, row.iter().copied().enumerate())?;
            }
        }
        Adjacency::Sparse(weights) => {
            for (cell, row) in weights.outer_iterator().enumerate() {
                edges.push_row(cell, row.iter().map(|(neighbor, &w)| (neighbor, w)))?;
            }
        }
    }
    let network = CSRNetwork::from_csr_parts(edges.offsets, edges.neighbors, edges.weights, None)?;
    Ok(network)
}

/// Edges in compressed rows.
struct Edges {
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<f32>,
}

impl Edges {
    fn with_capacity(n_cells: usize, n_edges: usize) -> Self {
        let mut offsets = Vec::with_capacity(n_cells + 1);
        offsets.push(0);
        Self {
            offsets,
            neighbors: Vec::with_capacity(n_edges),
            weights: Vec::with_capacity(n_edges),
        }
    }

    fn push_row(
        &mut self,
        cell: usize,
        row: impl Iterator<Item = (usize, f32)>,
    ) -> Result<(), ClusterError> {
        for (neighbor, weight) in row.filter(|&(neighbor, _)| neighbor != cell) {
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(ClusterError::Weight {
                    cell,
                    neighbor,
                    weight,
                });
            }
            if weight > 0.0 {
                self.neighbors.push(neighbor as u32);
                self.weights.push(weight);
            }
        }
        self.offsets.push(self.neighbors.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// Three cliques of 5, 6 and 7 cells, each joined to the next by one weak edge.
    fn cliques() -> Adjacency {
        let mut weights = Array2::zeros((18, 18));
        for (start, end) in [(0, 5), (5, 11), (11, 18)] {
            weights
                .slice_mut(ndarray::s![start..end, start..end])
                .fill(1.0);
        }
        for (i, j) in [(4, 5), (10, 11)] {
            weights[(i, j)] = 0.1;
            weights[(j, i)] = 0.1;
        }
        Adjacency::Dense(weights)
    }

    #[test]
    fn cliques_are_clusters_numbered_by_size() -> Result<(), ClusterError> {
        let partition = leiden(&cliques(), 1.0, 3)?;
        let expected = [[2; 5].as_slice(), &[1; 6], &[0; 7]].concat();
        assert_eq!(partition.labels, expected);
        let by_definition = modularity(&cliques(), &expected, 1.0);
        assert!((partition.modularity - by_definition).abs() < f64::EPSILON);
        Ok(())
    }

    #[test]
    fn equal_sizes_are_numbered_by_first_cell() {
        assert_eq!(by_size(&[2, 0, 0, 1, 2, 1, 3]), [0, 1, 1, 2, 0, 2, 3]);
        assert!(by_size(&[]).is_empty());
    }

    #[test]
    fn cells_without_edges_are_clusters_of_their_own() -> Result<(), ClusterError> {
        let alone = Adjacency::Dense(Array2::zeros((3, 3)));
        assert_eq!(leiden(&alone, 1.0, 0)?.labels, [0, 1, 2]);
        let nobody = Adjacency::Dense(Array2::zeros((0, 0)));
        assert!(leiden(&nobody, 1.0, 0)?.labels.is_empty());
        Ok(())
    }

    #[test]
    fn bad_input_is_named() {
        let message = |graph: Array2<f32>, resolution| {
            leiden(&Adjacency::Dense(graph), resolution, 0)
                .expect_err("must be refused")
                .to_string()
        };
        let pair = array![[0.0, 1.0], [1.0, 0.0]];
        for resolution in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(message(pair.clone(), resolution).contains("above 0"));
        }
        assert!(message(array![[0.0, 1.0]], 1.0).contains("1 x 2"));
        let broken = array![[0.0, f32::NAN], [f32::NAN, 0.0]];
        assert!(message(broken, 1.0).contains("NaN between cells 0 and 1"));
        assert!(message(array![[0.0, -1.0], [-1.0, 0.0]], 1.0).contains("-1"));
        let one_way = Adjacency::Dense(array![[0.0, 1.0], [0.0, 0.0]]);
        assert!(matches!(
            leiden(&one_way, 1.0, 0),
            Err(ClusterError::Leiden { .. })
        ));
    }
}
