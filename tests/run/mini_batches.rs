//! Runs that learn from mini-batches or from a sample of the cells.

use std::fs;

use crate::{
    common,
    program::{CELLS, SMALL, folder, program, results, run, stderr},
};

/// Labels and embedding of a short run.
fn labels_and_embedding(args: &[&str]) -> [Vec<u8>; 2] {
    let output = folder();
    run(SMALL, output.path(), &[&["-quiet"], args].concat()).code(0);
    ["pred_label/small.csv", "embedding/small.csv"]
        .map(|file| fs::read(output.path().join(file)).expect("an output"))
}

/// Mini-batches of a data set of which only some cells are landmarks.
const BATCHES: [&str; 4] = ["-batch_size", "64", "-landmarks", "100"];

#[test]
fn the_number_of_threads_changes_no_label_and_no_embedding() {
    for mode in [&["-batch_size", "0"][..], &BATCHES] {
        let [one, two] =
            ["1", "2"].map(|n| labels_and_embedding(&[mode, &["-threads", n]].concat()));
        assert_eq!(one, two, "{mode:?}");
    }
}

#[test]
fn mini_batches_follow_the_seed() {
    let seeded = |seed| labels_and_embedding(&[&BATCHES[..], &["-seed", seed]].concat());
    assert_eq!(seeded("1"), seeded("1"));
    assert_ne!(seeded("1"), seeded("2"));
}

#[test]
fn mini_batches_label_every_cell_with_any_graph() {
    for graph in [
        &["-knn", "True"][..],
        &["-connectivity_methods", "umap"],
        &["-n_neighbors", "60"],
    ] {
        let [labels, embedding] = labels_and_embedding(&[&BATCHES[..], graph].concat());
        for file in [labels, embedding] {
            let text = String::from_utf8(file).expect("text");
            assert_eq!(text.lines().count(), 1 + CELLS, "{graph:?}");
            assert!(!text.contains("NaN"), "{graph:?}");
        }
    }
}

#[test]
fn mini_batches_count_steps() {
    let output = folder();
    let stepped = run(SMALL, output.path(), &BATCHES).code(0);
    let notes = stderr(&stepped);
    assert!(notes.contains("Pretraining: step 3/3"), "{notes}");
    assert_eq!(
        results(output.path(), "small")["parameters"]["batch_size"],
        64
    );
}

/// 4,186 cells, more than `-max_num_cell`: trained on a sample, every cell labelled, labels not looked at.
#[test]
fn a_large_data_set_is_sampled_and_labelled_whole_without_looking_at_labels() {
    let Some(data) = common::beside::shared("data/worm_neuron.h5ad") else {
        return;
    };
    let data = data.to_str().expect("a path in UTF-8");
    let short = "-preset published -training_epoch 1 -clustering_epoch 1 -quiet";
    let [with, without] = ["known", "unknown"].map(|celltype| {
        let output = folder();
        let args = ["-name", data, "-celltype", celltype, "-output_dir"];
        program()
            .args(args)
            .arg(output.path())
            .args(short.split_whitespace())
            .assert()
            .code(0);
        fs::read_to_string(output.path().join("pred_label/worm_neuron.csv")).expect("labels")
    });
    assert_eq!(with, without);
    assert_eq!(with.lines().count(), 1 + 4186);
}
