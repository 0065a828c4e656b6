//! Clusters as many as simulated cells call for.

use std::collections::HashSet;

use attentionae_sc::{
    counts::Csr,
    graph::{Adjacency, JointGraph},
    packed_counts::PackedCounts,
    partition::{Counted, Cut, Found, Granularity, Node, find_types},
};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson};

const N_GENES: usize = 300;

/// How much more of its own genes a type expresses.
const FOLD: f64 = 8.0;

/// Counts of cells of the given types, about 3,000 each: every type has 30 genes of its own that it expresses `fold` times as much.
fn simulated(types: &[usize], fold: f64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let spread = LogNormal::new(0.0, 1.0).expect("a distribution");
    let base: Vec<f64> = (0..N_GENES).map(|_| spread.sample(&mut rng)).collect();
    let total: f64 = base.iter().sum();
    let mut counts = Array2::zeros((types.len(), N_GENES));
    for (mut cell, &kind) in counts.outer_iter_mut().zip(types) {
        let depth = 3000.0 * rng.random_range(0.7..1.4) / total;
        for (gene, count) in cell.iter_mut().enumerate() {
            let own = if gene / 30 == kind { fold } else { 1.0 };
            let mean = Poisson::new(base[gene] * own * depth).expect("a mean");
            *count = mean.sample(&mut rng) as f32;
        }
    }
    counts
}

fn found(types: &[usize], cut: Cut) -> Found {
    found_by(None, &simulated(types, FOLD), cut)
}

fn found_by(judging: Option<&[usize]>, dense: &Array2<f32>, cut: Cut) -> Found {
    let totals: Vec<f32> = dense.outer_iter().map(|cell| cell.sum()).collect();
    let mut lognorm = dense.clone();
    for (mut cell, total) in lognorm.outer_iter_mut().zip(&totals) {
        cell.mapv_inplace(|count| (count / total * 1e4).ln_1p());
    }
    let mean = lognorm.mean_axis(ndarray::Axis(0)).expect("cells");
    lognorm -= &mean;
    let mut joint = JointGraph::default();
    joint.add(&lognorm.view(), 1).expect("a graph");
    found_in(joint.balanced(&totals), dense, judging, cut)
}

fn found_in(
    mut graph: Adjacency,
    dense: &Array2<f32>,
    judging: Option<&[usize]>,
    cut: Cut,
) -> Found {
    let totals: Vec<f32> = dense.outer_iter().map(|cell| cell.sum()).collect();
    let counts = Csr::csr_from_dense(dense.view(), 0.0);
    let counts = PackedCounts::from(&counts);
    let counted = Counted {
        counts: &counts,
        judging,
        totals: &totals,
        batches: None,
    };
    find_types(&mut graph, counted, cut, 1).expect("clusters")
}

const AUTO: Cut = Cut::Evidence(Granularity::Auto);

#[test]
fn cells_of_one_type_are_one_cluster() {
    for n in [400, 8000] {
        let found = found(&vec![0; n], AUTO);
        assert!(found.labels.iter().all(|&label| label == 0), "{n}");
        assert!(found.tree.n_leaves() > 1);
    }
}

#[test]
fn three_cells_are_not_told_from_three_others_by_the_genes_that_they_happen_to_detect() {
    // Cells of one type, three by three closer to each other than to the rest.
    let n = 300;
    let weight = |(a, b): (usize, usize)| {
        if a == b {
            0.0
        } else if a / 3 == b / 3 {
            1.0
        } else {
            0.01
        }
    };
    let graph = Adjacency::Dense(Array2::from_shape_fn((n, n), weight));
    // So few counts that which cells detect a gene is chance.
    let counts = simulated(&vec![0; n], FOLD).mapv(|count| (count / 10.0).floor());
    let found = found_in(graph, &counts, None, AUTO);
    let pairs = found.tree.nodes.iter().filter(|node| node.cells <= 6);
    let detection = |node: &Node| node.evidence.as_ref().map(|found| found.detection);
    let detections: Vec<f64> = pairs.filter_map(detection).collect();
    assert!(!detections.is_empty() && detections.iter().all(|&found| found == 0.0));
    assert!(found.labels.iter().all(|&label| label == 0));
}

#[test]
fn a_dominant_type_is_not_split_and_a_rare_one_is_found() {
    for n_rare in [200, 80, 12] {
        let mut types = vec![0; 400 - n_rare];
        types.resize(400, 1);
        assert_eq!(found(&types, AUTO).labels, types, "{n_rare}");
    }
}

#[test]
fn splits_are_judged_by_and_name_only_the_genes_that_judge() {
    // The first 30 genes are more in type 0, the next 30 in type 1.
    let types: Vec<usize> = (0..400).map(|cell| usize::from(cell >= 200)).collect();
    let root = |genes: std::ops::Range<usize>| {
        let judging: Vec<usize> = genes.collect();
        let found = found_by(Some(&judging), &simulated(&types, FOLD), AUTO);
        found.tree.nodes.last().cloned().expect("a root")
    };
    let (some, none) = (root(30..N_GENES), root(60..N_GENES));
    let named = some.genes.iter().flatten();
    let telling: Vec<usize> = named
        .filter(|gene| gene.auc > 0.8)
        .map(|gene| gene.gene)
        .collect();
    assert!(telling.len() >= 3);
    assert!(telling.iter().all(|gene| (30..60).contains(gene)));
    let detection = |node: &Node| node.evidence.as_ref().expect("evidence").detection;
    assert!(detection(&some) > 2.0 * detection(&none));
}

#[test]
fn ten_types_are_ten_clusters_however_fine_the_cut() {
    let types: Vec<usize> = (0..600).map(|cell| cell % 10).collect();
    for granularity in [Granularity::Coarse, Granularity::Auto, Granularity::Fine] {
        let found = found(&types, Cut::Evidence(granularity));
        assert_eq!(found.labels, types, "{granularity:?}");
        assert!(found.confidence.iter().all(|&share| share > 0.5));
    }
}

#[test]
fn types_that_differ_by_little_are_found_where_nothing_else_differs() {
    let types: Vec<usize> = (0..800).map(|cell| cell % 8).collect();
    let found = found_by(None, &simulated(&types, 2.2), AUTO);
    assert_eq!(found.labels, types);
    // Of the seven splits between types, at most two have as much evidence as is usually asked for.
    assert_eq!(found.tree.cut_into(8), found.tree.cut(found.enough));
    assert!(found.enough < -3.0);
    assert!(found.tree.cut(0.25).iter().collect::<HashSet<_>>().len() < 4);
}

#[test]
fn a_number_of_clusters_that_is_asked_for_is_had() {
    let types: Vec<usize> = (0..300).map(|cell| cell % 3).collect();
    for n_clusters in [1, 2, 3, 5, 40] {
        let labels = found(&types, Cut::Clusters(n_clusters)).labels;
        assert_eq!(labels.iter().max(), Some(&(n_clusters - 1)));
    }
}
