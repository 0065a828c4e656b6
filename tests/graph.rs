//! The cell graph, against scanpy and by itself.

mod common;

use attentionae_sc::{
    graph::{
        Adjacency, Aim, CellGraph, GaussKernel, GraphConfig, GraphError, Method, Pairs,
        gauss_weights,
    },
    preprocess::prepare,
};
use common::golden;
use ndarray::{Array2, Axis, array, s};
use proptest::prelude::*;

const DENSE: GraphConfig = config(Method::Gauss, false, 15);
const GAUSS_KNN: GraphConfig = config(Method::Gauss, true, 15);
const UMAP: GraphConfig = config(Method::Umap, false, 15);

const fn config(method: Method, knn: bool, n_neighbors: usize) -> GraphConfig {
    GraphConfig::published(method, knn, n_neighbors)
}

fn build(features: &Array2<f32>, config: GraphConfig) -> CellGraph {
    CellGraph::build(features.view(), &config).expect("the features make a graph")
}

fn dense(matrix: &Adjacency) -> Array2<f32> {
    match matrix {
        Adjacency::Dense(matrix) => matrix.clone(),
        Adjacency::Sparse(matrix) => common::dense(matrix),
    }
}

/// The stored matrices of a graph that aims at distances: weights, distances.
fn stored(graph: &CellGraph) -> (&Adjacency, &Adjacency) {
    match &graph.pairs {
        Pairs::Stored {
            connectivities,
            target,
        } => (connectivities, target),
        Pairs::Computed(_) => panic!("a small graph is stored"),
    }
}

fn weights_of(graph: &CellGraph) -> &Adjacency {
    stored(graph).0
}

fn distances_of(graph: &CellGraph) -> &Adjacency {
    stored(graph).1
}

/// Log-normalised HVGs of the simulated cells.
fn simulated() -> Array2<f32> {
    golden::array2("prepare/lognorm")
}

#[test]
fn graphs_are_scanpys() {
    for (key, config) in [
        ("gauss_dense", DENSE),
        ("gauss_knn", GAUSS_KNN),
        ("umap_knn", UMAP),
    ] {
        let graph = build(&simulated(), config);
        for (what, found) in [
            ("connectivities", weights_of(&graph)),
            ("distances", distances_of(&graph)),
        ] {
            let expected = golden::array2(&format!("graph/{key}/{what}"));
            let error = golden::max_difference(&dense(found), &expected);
            println!("{key} {what}: largest error {error:e}");
            assert!(error <= 1e-4, "{key} {what}: largest error {error:e}");
        }
    }
}

#[test]
fn preparation_and_graph_together_are_scanpys() {
    let prepared = prepare(&golden::small_counts(), 120).expect("the counts can be prepared");
    let cells: Vec<usize> = (0..prepared.n_cells()).collect();
    let graph = build(&prepared.lognorm(&cells), DENSE);
    let expected = golden::array2("graph/gauss_dense/connectivities");
    assert!(golden::max_difference(&dense(weights_of(&graph)), &expected) <= 1e-4);
}

/// Two pairs of cells, each pair a right angle apart from the other: cosines 0.8 within a pair.
fn two_pairs() -> Array2<f32> {
    array![
        [2.0, 0.0, 0.0, 0.0],
        [4.0, 3.0, 0.0, 0.0],
        [0.0, 0.0, 0.5, 0.0],
        [0.0, 0.0, 8.0, 6.0]
    ]
}

#[test]
fn dense_graph_of_four_cells_by_hand() {
    // D is 0.2 within a pair, so with k = 2 every σ is 0.1 and W = exp(−D²/0.02).
    let graph = build(&two_pairs(), config(Method::Gauss, false, 2));
    let near = (-2.0_f32).exp();
    let far = (-50.0_f32).exp();
    assert!(far < 1e-14, "weights between the pairs are negligible");
    let weights = array![
        [1.0, near, 0.0, 0.0],
        [near, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, near],
        [0.0, 0.0, near, 1.0]
    ];
    let distances = array![
        [0.0, 0.2, 1.0, 1.0],
        [0.2, 0.0, 1.0, 1.0],
        [1.0, 1.0, 0.0, 0.2],
        [1.0, 1.0, 0.2, 0.0]
    ];
    assert!(golden::max_difference(&dense(weights_of(&graph)), &weights) < 1e-5);
    assert!(golden::max_difference(&dense(distances_of(&graph)), &distances) < 1e-6);
    assert_eq!(graph.components(), [2, 2]);
}

#[test]
fn neighbour_graphs_of_four_cells_by_hand() {
    // With k = 2 the one neighbour is the other cell of the pair. Gauss: σ² = D², W = exp(−1/2).
    // UMAP: the nearest neighbour is a full member.
    let distances = array![
        [0.0, 0.2, 0.0, 0.0],
        [0.2, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.2],
        [0.0, 0.0, 0.2, 0.0]
    ];
    for (method, weight) in [(Method::Gauss, (-0.5_f32).exp()), (Method::Umap, 1.0)] {
        let graph = build(&two_pairs(), config(method, true, 2));
        let weights = distances.mapv(|distance: f32| if distance > 0.0 { weight } else { 0.0 });
        assert!(golden::max_difference(&dense(weights_of(&graph)), &weights) < 1e-5);
        assert!(golden::max_difference(&dense(distances_of(&graph)), &distances) < 1e-6);
        assert_eq!(graph.components(), [2, 2]);
    }
}

#[test]
fn similarities_to_neighbours_by_hand() {
    // The first two cells coincide. What is no neighbour is not like a cell.
    let mut features = two_pairs();
    features[[1, 1]] = 0.0;
    let similarities = array![
        [1.0, 1.0, 0.0, 0.0],
        [1.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.8],
        [0.0, 0.0, 0.8, 1.0]
    ];
    for (method, knn) in [
        (Method::Gauss, false),
        (Method::Gauss, true),
        (Method::Umap, true),
    ] {
        let like = GraphConfig {
            aim: Aim::Similarities,
            ..config(method, knn, 2)
        };
        let graph = build(&features, like);
        let error = golden::max_difference(&dense(stored(&graph).1), &similarities);
        assert!(error < 1e-6, "{like:?}: {error}");
    }
}

#[test]
fn a_bridge_to_four_cells_by_hand() {
    // The query lies on cell 0, and is connected as it is: σ is 0.1, half the distance to cell 1.
    let graph = build(&two_pairs(), config(Method::Gauss, false, 2));
    let query = array![[7.0_f32, 0.0, 0.0, 0.0]];
    let weights = dense(&graph.bridge(query.view()));
    let expected = array![[1.0, (-2.0_f32).exp(), 0.0, 0.0]];
    assert!(golden::max_difference(&weights, &expected) < 1e-6);
    // Nearest to it is cell 2 at a distance of 1 − 0.6.
    let query = array![[0.0_f32, 0.8, 0.6, 0.0]];
    let umap = build(&two_pairs(), config(Method::Umap, true, 2));
    let expected = array![[0.0_f32, 0.0, 1.0, 0.0]];
    assert!(golden::max_difference(&dense(&umap.bridge(query.view())), &expected) < 1e-6);
}

#[test]
fn cells_without_features_and_coinciding_cells_have_finite_weights() {
    let mut features = simulated().slice(s![..40, ..]).to_owned();
    features.slice_mut(s![..2, ..]).fill(0.0);
    for cell in 3..25 {
        let first = features.row(2).to_owned();
        features.row_mut(cell).assign(&first);
    }
    for config in [DENSE, GAUSS_KNN, UMAP] {
        let graph = build(&features, config);
        let weights = dense(weights_of(&graph));
        assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
        assert!(
            weights[[3, 4]] > 0.99,
            "coinciding cells: {}",
            weights[[3, 4]]
        );
        let bridge = dense(&graph.bridge(features.view()));
        assert!(bridge.iter().all(|weight| (0.0..=1.0).contains(weight)));
    }
}

/// The largest difference between weights of a bridge and a row of a graph, over the cells that a
/// kernel connects the query to.
fn furthest(bridge: &[f32], row: &[f32], config: GraphConfig) -> f32 {
    let connected = |&(&weight, _): &(&f32, &f32)| weight > 0.0 || config == DENSE;
    let pairs = bridge.iter().zip(row).filter(connected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_bridge_from_a_cell_of_the_graph_is_its_row() {
    let features = simulated();
    for config in [DENSE, GAUSS_KNN, UMAP] {
        let graph = build(&features, config);
        let bridge = dense(&graph.bridge(features.view()));
        let worst = golden::max_difference(&bridge, &dense(weights_of(&graph)));
        assert!(worst < 1e-5, "{config:?}: {worst}");
    }
}

#[test]
fn a_bridge_from_a_cell_left_out_is_nearly_the_row_that_it_has_within() {
    // Its own bandwidth is the same; those of cells that it is a neighbour of change a little.
    let features = simulated();
    for config in [DENSE, GAUSS_KNN, UMAP] {
        let rows = dense(weights_of(&build(&features, config)));
        let mut worst = 0.0_f32;
        for cell in (0..239).step_by(10) {
            let others: Vec<usize> = (0..239).filter(|&other| other != cell).collect();
            let graph = build(&features.select(Axis(0), &others), config);
            let query = features.slice(s![cell..=cell, ..]);
            let bridge = dense(&graph.bridge(query)).into_raw_vec_and_offset().0;
            let row = rows.row(cell).select(Axis(0), &others).to_vec();
            worst = worst.max(furthest(&bridge, &row, config));
        }
        println!("{config:?}: largest difference {worst}");
        assert!(worst < 0.05, "{config:?}: {worst}");
    }
}

#[test]
fn rows_on_demand_are_the_rows_of_the_graph() {
    let features = simulated();
    let kernel = GaussKernel::fit(features.view(), 15).expect("the features make a kernel");
    let graph = build(&features, DENSE);
    for run in [0..239, 17..18, 100..239, 5..5] {
        let (weights, distances) = kernel.rows(run.clone());
        let of_graph = |matrix| dense(matrix).slice(s![run.clone(), ..]).to_owned();
        let expected = of_graph(weights_of(&graph));
        assert!(golden::max_difference(&weights, &expected) < 1e-5);
        let expected = of_graph(distances_of(&graph));
        assert!(golden::max_difference(&distances, &expected) < 1e-6);
    }
}

#[test]
fn weights_are_multiplied_without_being_stored() {
    let features = simulated();
    let kernel = GaussKernel::fit(features.view(), 15).expect("the features make a kernel");
    let right = Array2::from_shape_fn((239, 5), |(i, j)| ((i * 7 + j * 3) % 11) as f32 - 5.0);
    let expected = dense(weights_of(&build(&features, DENSE))).dot(&right);
    let found = kernel.multiply(right.view());
    assert!(golden::max_difference(&found, &expected) < 1e-4);
}

#[test]
fn sparse_weights_are_the_dense_graphs() {
    let features = simulated();
    let found = gauss_weights(features.view(), 15).expect("the features make a graph");
    let expected = dense(weights_of(&build(&features, DENSE)));
    let stored = expected.iter().filter(|&&weight| weight > 0.0).count();
    assert!(found.nnz().abs_diff(stored) <= stored / 1000);
    let found = common::dense(&found);
    assert!(golden::max_difference(&found, &expected) < 1e-5);
    assert_eq!(found, found.t());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let features = Array2::from_shape_fn((700, 33), |(i, j)| ((i * 37 + j * 101) % 97) as f32);
    for config in [DENSE, GAUSS_KNN, UMAP] {
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a thread pool can be made").install(|| {
                let graph = build(&features, config);
                let bridge = graph.bridge(features.slice(s![..300, ..]));
                (
                    weights_of(&graph).clone(),
                    distances_of(&graph).clone(),
                    bridge,
                )
            })
        };
        assert!(by(1) == by(2), "{config:?}");
    }
}

#[test]
fn what_cannot_be_connected_is_said_with_the_mend() {
    let message = |features: Array2<f32>| {
        let graph = CellGraph::build(features.view(), &DENSE);
        graph.map_or_else(|error: GraphError| error.to_string(), |_| "a graph".into())
    };
    assert_eq!(
        message(Array2::ones((14, 3))),
        "14 cells are fewer than the 15 of a neighbourhood: lower -n_neighbors to 14 or less"
    );
    assert_eq!(message(Array2::ones((15, 3))), "a graph");
    assert_eq!(
        message(Array2::ones((1, 3))),
        "a cell graph needs at least 2 cells, but 1 are left"
    );
    let mut features = Array2::ones((20, 3));
    features[[7, 2]] = f32::INFINITY;
    assert_eq!(
        message(features),
        "feature 2 of cell 7 is inf; the cell graph needs finite features"
    );
}

#[test]
fn simulated_cells_are_one_component() {
    for config in [DENSE, GAUSS_KNN, UMAP] {
        let sizes = build(&simulated(), config).components();
        assert_eq!(sizes.iter().sum::<usize>(), 239);
        assert_eq!(sizes[0], 239, "{config:?}");
    }
}

/// Cosine distances in double precision, one pair at a time.
fn naive_distances(features: &Array2<f32>) -> Array2<f64> {
    let x = features.mapv(f64::from);
    let n = x.nrows();
    Array2::from_shape_fn((n, n), |(i, j)| {
        let (a, b) = (x.row(i), x.row(j));
        let lengths = (a.dot(&a) * b.dot(&b)).sqrt();
        match () {
            () if i == j => 0.0,
            () if lengths == 0.0 => 1.0,
            () => 1.0 - a.dot(&b) / lengths,
        }
    })
}

fn small_features() -> impl Strategy<Value = Array2<f32>> {
    prop::collection::vec(-5.0_f32..5.0, 20 * 4)
        .prop_map(|values| Array2::from_shape_fn((20, 4), |(i, j)| values[4 * i + j]))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 64,
        ..ProptestConfig::default()
    })]

    #[test]
    fn weights_are_symmetric_and_between_0_and_1(features in small_features(), k in 2_usize..20) {
        for (method, knn) in [(Method::Gauss, false), (Method::Gauss, true), (Method::Umap, true)] {
            let graph = build(&features, config(method, knn, k));
            let weights = dense(weights_of(&graph));
            prop_assert_eq!(&weights, &weights.t());
            prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
            prop_assert!(weights.sum_axis(Axis(1)).iter().all(|&degree| degree > 0.0));
        }
    }

    #[test]
    fn distances_are_those_of_the_plain_formula(features in small_features(), k in 2_usize..20) {
        let expected = naive_distances(&features);
        let graph = build(&features, config(Method::Gauss, false, k));
        for (found, expected) in dense(distances_of(&graph)).iter().zip(&expected) {
            prop_assert!((f64::from(*found) - expected).abs() < 5e-6);
        }
        let neighbors = dense(distances_of(&build(&features, config(Method::Umap, true, k))));
        for (row, expected) in neighbors.outer_iter().zip(expected.outer_iter()) {
            let mut sorted = expected.to_vec();
            sorted.sort_by(f64::total_cmp);
            let mut found: Vec<f64> = row.iter().map(|&d| f64::from(d)).filter(|&d| d > 0.0).collect();
            found.sort_by(f64::total_cmp);
            prop_assert_eq!(found.len(), k - 1);
            for (found, expected) in found.iter().zip(&sorted[1..]) {
                prop_assert!((found - expected).abs() < 5e-6);
            }
        }
    }
}
