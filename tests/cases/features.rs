//! Features that are not genes.

use attentionae_sc::{h5ad::Column, read::ReadOptions};
use ndarray::{Array2, Axis, concatenate};

use super::sample::{N_CELLS, N_GENES, Sample, counts, read, says};

const TAGS: usize = 8;

fn types(genes: &str, tags: &str) -> Column {
    let types = (0..N_GENES + TAGS).map(|feature| if feature < N_GENES { genes } else { tags });
    Column::Categorical(types.map(|kind| Some(kind.to_owned())).collect())
}

fn with_tags(sample: &Sample) -> Array2<f32> {
    let tags = Array2::from_shape_fn((N_CELLS, TAGS), |(cell, tag)| {
        if cell % TAGS == tag { 1500.0 } else { 20.0 }
    });
    concatenate(Axis(1), &[sample.counts.view(), tags.view()]).expect("a matrix")
}

#[test]
fn antibodies_are_left_out_of_an_h5ad() {
    let sample = Sample::new();
    let x = with_tags(&sample);
    for (genes, tags) in [("Gene Expression", "Antibody Capture"), ("GEX", "ADT")] {
        let var = vec![("feature_types", types(genes, tags))];
        let path = sample.h5ad("cite.h5ad", &x, vec![], var);
        let data = read(&path, &ReadOptions::default());
        assert_eq!(
            (&data.gene_names, counts(&data)),
            (&sample.genes, sample.counts.clone())
        );
        assert_eq!(data.var[0].1.n_rows(), N_GENES);
        assert_eq!(data.notes, [format!("400 genes; left out: 8 {tags}")]);
        let all = ReadOptions {
            gex_only: false,
            ..ReadOptions::default()
        };
        let data = read(&path, &all);
        assert_eq!(counts(&data), x);
        assert_eq!(
            data.notes,
            [format!("408 features, of them 8 {tags}; left out: nothing")]
        );
    }
    let ended = sample.run("cite.h5ad", &["-gex_only", "True"]);
    ended.succeeds(&[
        "note: 400 genes; left out: 8 ADT",
        "Preparing 300 cells, 400 genes",
    ]);
}

#[test]
fn types_that_are_none_of_features_leave_nothing_out() {
    let sample = Sample::new();
    let x = with_tags(&sample);
    let var = vec![("feature_type", types("protein_coding", "lncRNA"))];
    let data = read(
        &sample.h5ad("b.h5ad", &x, vec![], var),
        &ReadOptions::default(),
    );
    assert_eq!(data.gene_names.len(), N_GENES + TAGS);
    let peaks = sample.h5ad(
        "p.h5ad",
        &x,
        vec![],
        vec![("feature_types", types("Peaks", "Peaks"))],
    );
    assert!(says(&peaks, &ReadOptions::default()).contains("-gex_only False"));
}

#[test]
fn tags_without_types_are_noted() {
    let sample = Sample::new();
    let path = sample.h5ad("tags.h5ad", &with_tags(&sample), vec![], vec![]);
    let notes = read(&path, &ReadOptions::default()).notes;
    assert!(
        notes[0].starts_with("8 of the genes are called like antibodies"),
        "{notes:?}"
    );
}

#[test]
fn a_genome_of_an_h5ad_is_chosen() {
    let sample = Sample::new();
    let genomes =
        (0..N_GENES).map(|gene| Some(if gene < 100 { "hg19" } else { "mm10" }.to_owned()));
    let var = vec![("genome", Column::Categorical(genomes.collect()))];
    let path = sample.h5ad("mixed.h5ad", &sample.counts, vec![], var);
    let notes = read(&path, &ReadOptions::default()).notes;
    assert!(
        notes[0].contains("of 2 genomes: 100 hg19, 300 mm10"),
        "{notes:?}"
    );
    let of = |genome: &str| ReadOptions {
        genome: Some(genome.to_owned()),
        ..ReadOptions::default()
    };
    let data = read(&path, &of("hg19"));
    assert_eq!(data.gene_names, sample.genes[..100]);
    assert_eq!(data.notes, ["100 genes; left out: 300 of genome mm10"]);
    assert!(says(&path, &of("hg38")).contains("the file holds: hg19, mm10"));
}

#[test]
fn cell_ranger_has_its_genes_without_a_note() {
    let sample = Sample::new();
    let data = read(&sample.cell_ranger("s1", 50), &ReadOptions::default());
    assert_eq!(data.gene_names, sample.genes);
    assert!(data.notes.is_empty(), "{:?}", data.notes);
    assert_eq!(data.cell_names, sample.cells[..50]);
}
