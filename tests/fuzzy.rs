//! The fuzzy simplicial set against umap-learn's, on its own neighbours and distances.

use attentionae_sc::graph::fuzzy_simplicial_set;
use ndarray::Array2;

mod common;
use common::golden;

const K: usize = 15;

#[test]
fn connectivities_equal_umap_learn() {
    let all = golden::array2("graph/umap_knn/distances");
    let n = all.nrows();
    let (mut indices, mut distances) = (Array2::zeros((n, K)), Array2::zeros((n, K)));
    for (cell, row) in all.outer_iter().enumerate() {
        let mut neighbors: Vec<(f32, u32)> = row
            .iter()
            .enumerate()
            .filter(|&(_, &distance)| distance > 0.0)
            .map(|(other, &distance)| (distance, other as u32))
            .collect();
        neighbors.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(neighbors.len(), K - 1);
        indices[(cell, 0)] = cell as u32;
        for (place, &(distance, other)) in neighbors.iter().enumerate() {
            distances[(cell, place + 1)] = distance;
            indices[(cell, place + 1)] = other;
        }
    }
    let found = fuzzy_simplicial_set(&indices, &distances).to_dense();
    let expected = golden::array2("graph/umap_knn/connectivities");
    let worst = (&found - &expected)
        .iter()
        .fold(0.0_f32, |worst, e| worst.max(e.abs()));
    println!("largest error {worst:.1e}");
    assert!(worst < 1e-4, "{worst}");
}
