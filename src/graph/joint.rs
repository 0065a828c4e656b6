//! Several graphs of the same cells as one.

use crate::counts::Csr;

/// The sum of graphs of the same n cells (n × n, weights at least 0), each divided by its mean weight per
/// cell, so that none outweighs another.
///
/// What one graph misses, the others still hold together or apart. A graph without weights adds nothing; no graphs
/// make one without cells.
///
/// # Panics
///
/// If the graphs are of different sizes.
pub(super) fn joint<'a>(graphs: impl IntoIterator<Item = &'a Csr>) -> Csr {
    let scaled = graphs.into_iter().map(scaled);
    scaled
        .reduce(|sum, graph| &sum + &graph)
        .unwrap_or_else(|| Csr::zero((0, 0)))
}

fn scaled(graph: &Csr) -> Csr {
    let total: f64 = graph.data().iter().map(|&weight| f64::from(weight)).sum();
    if total == 0.0 {
        return graph.clone();
    }
    let scale = (graph.rows() as f64 / total) as f32;
    graph.map(|weight| weight * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sprs::TriMatI;

    fn graph(edges: &[(usize, usize, f32)]) -> Csr {
        let mut triplets = TriMatI::<f32, u32>::new((3, 3));
        for &(a, b, weight) in edges {
            triplets.add_triplet(a, b, weight);
            triplets.add_triplet(b, a, weight);
        }
        triplets.to_csr()
    }

    #[test]
    fn all_graphs_weigh_the_same() {
        let one = graph(&[(0, 1, 3.0)]);
        let other = graph(&[(0, 1, 0.1), (1, 2, 0.1)]);
        let found = joint([&one, &other]);
        // 3 cells over a total of 6 and of 0.4.
        for (edge, weight) in [((0, 1), 1.5 + 0.75), ((2, 1), 0.75), ((1, 0), 2.25)] {
            let stored = found.get(edge.0, edge.1).copied().unwrap_or_default();
            assert!((stored - weight).abs() < 1e-6);
        }
        assert_eq!(found.get(0, 2), None);
        assert_eq!(joint([&graph(&[]), &graph(&[])]).nnz(), 0);
        assert_eq!(joint([]).rows(), 0);
    }
}
