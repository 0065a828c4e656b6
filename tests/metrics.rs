//! Scores of three partitions of an embedding against scikit-learn's.

use attentionae_sc::metrics::{
    adjusted_rand_index, davies_bouldin, normalized_mutual_info, silhouette,
};

mod common;
use common::golden;

fn labels(partition: &str) -> Vec<usize> {
    golden::array1_i64(&format!("metrics/{partition}/labels"))
        .into_iter()
        .map(|label| usize::try_from(label).expect("a cluster"))
        .collect()
}

#[test]
fn scores_equal_scikit_learn() {
    let z = golden::array2("model/running_statistics/z");
    let truth = labels("truth");
    for partition in ["truth", "shuffled", "halves"] {
        let found = labels(partition);
        for (name, score) in [
            ("ari", adjusted_rand_index(&truth, &found)),
            ("nmi", normalized_mutual_info(&truth, &found)),
            ("silhouette", silhouette(z.view(), &found).expect("defined")),
            (
                "davies_bouldin",
                davies_bouldin(z.view(), &found).expect("defined"),
            ),
        ] {
            let expected = golden::scalar(&format!("metrics/{partition}/{name}"));
            let error = (score - expected).abs();
            println!("{partition} {name}: {expected:.9}, error {error:.1e}");
            assert!(
                error < 1e-6,
                "{partition} {name}: {score}, expected {expected}"
            );
        }
    }
}

#[test]
fn the_silhouette_does_not_depend_on_the_number_of_threads() {
    let z = golden::array2("model/running_statistics/z");
    let truth = labels("truth");
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    let alone = single.install(|| silhouette(z.view(), &truth));
    assert_eq!(alone, silhouette(z.view(), &truth));
}
