//! True labels, and clusters.

use attentionae_sc::h5ad::Column;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson};

use super::sample::Sample;

/// The labels with the first 60 replaced.
fn labelled(sample: &Sample, first: Option<&str>) -> Column {
    let first = std::iter::repeat_n(first.map(str::to_owned), 60);
    let others = sample.types.iter().skip(60).cloned().map(Some);
    Column::Categorical(first.chain(others).collect())
}

#[test]
fn labels_that_say_that_there_is_none_are_not_scored() {
    let sample = Sample::new();
    let line = |first: Option<&str>| {
        let column = labelled(&sample, first);
        sample.h5ad("x.h5ad", &sample.counts, vec![("celltype", column)], vec![]);
        let ended = sample.run("x.h5ad", &["-overwrite"]);
        ended.succeeds(&["computed on 240 of 300 cells"]);
        ended.stdout
    };
    let missing = line(None);
    for none in ["nan", "NaN", "", "  ", "None", "NA", "<NA>"] {
        assert_eq!(line(Some(none)), missing, "{none:?}");
    }
}

#[test]
fn unknown_cells_are_scored_and_named() {
    let sample = Sample::new();
    let column = labelled(&sample, Some("Unknown"));
    sample.h5ad("x.h5ad", &sample.counts, vec![("celltype", column)], vec![]);
    sample
        .run("x.h5ad", &[])
        .succeeds(&["computed on 300 of 300 cells", "'Unknown' (60 cells)"]);
}

#[test]
fn blanks_around_labels_make_no_new_types() {
    let sample = Sample::new();
    let blank = |cell: usize| if cell.is_multiple_of(2) { " " } else { "" };
    let labels = sample.types.iter().enumerate();
    let labels = labels.map(|(cell, label)| Some(format!("{label}{}", blank(cell))));
    let obs = vec![("celltype", Column::Categorical(labels.collect()))];
    sample.h5ad("x.h5ad", &sample.counts, obs, vec![]);
    sample
        .run("x.h5ad", &[])
        .succeeds(&["ARI 1.000, NMI 1.000"]);
}

#[test]
fn one_type_is_one_cluster() {
    let sample = Sample::new();
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let level = LogNormal::new(0.0, 1.3).expect("a distribution");
    let means: Vec<f64> = (0..400).map(|_| level.sample(&mut rng)).collect();
    let sum: f64 = means.iter().sum();
    let mut x = sample.counts.clone();
    for mut row in x.rows_mut() {
        let depth = rng.random_range(2000.0..4000.0);
        for (count, mean) in row.iter_mut().zip(&means) {
            let poisson = Poisson::new((mean / sum * depth).max(1e-9)).expect("a rate");
            *count = poisson.sample(&mut rng) as f32;
        }
    }
    let one = Column::Categorical(vec![Some("HEK293".to_owned()); x.nrows()]);
    sample.h5ad("one.h5ad", &x, vec![("celltype", one)], vec![]);
    let ended = sample.run("one.h5ad", &["-save_umap", "True", "-save_markers", "True"]);
    ended.succeeds(&["one cluster", "Final: ASW and DB are not defined"]);
    assert!(
        !ended.stdout.contains("nan") && !ended.stderr.contains("NaN"),
        "{ended:?}"
    );
}

#[test]
fn labels_in_other_scripts_are_drawn_by_codes() {
    let sample = Sample::new();
    let labels = sample.types.iter().map(|label| {
        Some(
            label
                .replace("T cell", "T细胞")
                .replace("NK", "cellule tueuse naïve"),
        )
    });
    let obs = vec![("celltype", Column::Categorical(labels.collect()))];
    sample.h5ad("x.h5ad", &sample.counts, obs, vec![]);
    let ended = sample.run("x.h5ad", &["-save_umap", "True"]);
    ended.succeeds(&["umap_figure/x_true_label.png #1 is 'T细胞'"]);
    assert!(!ended.stderr.contains("#2"), "{ended:?}");
}

#[test]
fn markers_have_symbols_beside_identifiers() {
    let sample = Sample::new();
    let symbols = Column::Text(
        sample
            .genes
            .iter()
            .map(|gene| format!("symbol of {gene}"))
            .collect(),
    );
    let var = vec![("feature_name", symbols)];
    sample.h5ad("x.h5ad", &sample.counts, vec![], var);
    sample
        .run("x.h5ad", &["-save_markers", "True"])
        .succeeds(&[]);
    let markers = std::fs::read_to_string(sample.path("markers/x.csv")).expect("markers");
    let mut lines = markers.lines();
    assert!(
        lines
            .next()
            .is_some_and(|header| header.ends_with(",feature_name"))
    );
    let fields: Vec<&str> = lines.next().expect("a marker").split(',').collect();
    assert_eq!(fields[8], format!("symbol of {}", fields[1]));
}
