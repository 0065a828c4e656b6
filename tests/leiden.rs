//! Leiden against leidenalg's best of ten runs on three kinds of cell graph.

use attentionae_sc::{
    graph::Adjacency,
    partition::{leiden, modularity},
};
use ndarray::Array2;
use petgraph::graph::UnGraph;

mod common;
use common::golden;

const GRAPHS: [&str; 3] = ["gauss_dense", "gauss_knn", "umap_knn"];
const RESOLUTIONS: [&str; 3] = ["0.3", "1.0", "2.0"];

fn weights(graph: &str) -> Array2<f32> {
    golden::array2(&format!("graph/{graph}/connectivities"))
}

fn sparse(weights: &Array2<f32>) -> Adjacency {
    let mut triplets = sprs::TriMatI::new(weights.dim());
    for ((i, j), &w) in weights.indexed_iter().filter(|&(_, &w)| w > 0.0) {
        triplets.add_triplet(i, j, w);
    }
    Adjacency::Sparse(triplets.to_csr())
}

/// Number of connected components over all clusters, edges between clusters left out.
fn n_parts(weights: &Array2<f32>, labels: &[usize]) -> usize {
    let edges = weights
        .indexed_iter()
        .filter(|&((i, j), &w)| i < j && w > 0.0 && labels[i] == labels[j])
        .map(|((i, j), _)| (i as u32, j as u32));
    let mut graph = UnGraph::<(), ()>::from_edges(edges);
    while graph.node_count() < labels.len() {
        graph.add_node(());
    }
    petgraph::algo::connected_components(&graph)
}

#[test]
fn modularity_reaches_leidenalg_and_every_cluster_is_connected() {
    for name in GRAPHS {
        let weights = weights(name);
        for (graph, storage) in [
            (Adjacency::Dense(weights.clone()), "dense"),
            (sparse(&weights), "sparse"),
        ] {
            for resolution in RESOLUTIONS {
                let gamma = resolution.parse().expect("a number");
                let found = leiden(&graph, gamma, 1).expect("a good graph");
                let expected = golden::scalar(&format!("leiden/{name}/{resolution}/modularity"));
                let difference = found.modularity - expected;
                println!("{name} {storage} {resolution}: golden {expected:.6} {difference:+.2e}");
                assert!(difference >= -1e-4, "{name} {resolution}: {difference}");
                let n_clusters = found.labels.iter().max().expect("cells") + 1;
                assert_eq!(
                    n_parts(&weights, &found.labels),
                    n_clusters,
                    "{name} {resolution}"
                );
            }
        }
    }
}

#[test]
fn modularity_of_the_golden_labels_is_the_golden_modularity() {
    for name in GRAPHS {
        let graph = Adjacency::Dense(weights(name));
        for resolution in RESOLUTIONS {
            let base = format!("leiden/{name}/{resolution}");
            let labels: Vec<usize> = golden::array1_i64(&format!("{base}/labels"))
                .into_iter()
                .map(|label| usize::try_from(label).expect("a cluster"))
                .collect();
            let found = modularity(&graph, &labels, resolution.parse().expect("a number"));
            let expected = golden::scalar(&format!("{base}/modularity"));
            assert!(
                (found - expected).abs() < 1e-9,
                "{base}: {found} {expected}"
            );
        }
    }
}

#[test]
fn a_seed_decides_the_partition() {
    let graph = Adjacency::Dense(weights("gauss_knn"));
    let run = |seed| leiden(&graph, 2.0, seed).expect("a good graph");
    assert_eq!(run(5), run(5));
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    assert_eq!(run(5), single.install(|| run(5)));
}

#[test]
fn clusters_are_numbered_by_decreasing_size() {
    let graph = Adjacency::Dense(weights("umap_knn"));
    let labels = leiden(&graph, 2.0, 1).expect("a good graph").labels;
    let sizes: Vec<usize> = (0..=*labels.iter().max().expect("cells"))
        .map(|cluster| labels.iter().filter(|&&label| label == cluster).count())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}
