//! Matrices that were not filtered, and quality control.

use std::fs;

use attentionae_sc::{counts::CountSource, h5ad::H5ad, preprocess::notes_on_totals};
use ndarray::Array2;

use super::{
    common::beside::shared,
    sample::{N_CELLS, N_GENES, Sample},
};

/// The cells of the sample among 3,000 droplets, most of which have one count.
fn unfiltered(sample: &Sample) -> Vec<String> {
    let mut x = Array2::zeros((3000, N_GENES));
    x.slice_mut(ndarray::s![..N_CELLS, ..])
        .assign(&sample.counts);
    for droplet in N_CELLS..2500 {
        x[[droplet, droplet % N_GENES]] = 1.0;
    }
    let names: Vec<String> = (0..3000).map(|droplet| format!("b{droplet}")).collect();
    let path = sample.path("raw.h5ad");
    Sample::write(&path, &x, &names, &sample.genes, vec![], vec![]);
    Sample::write(
        &sample.path("filtered.h5ad"),
        &sample.counts,
        &names[..N_CELLS],
        &sample.genes,
        vec![],
        vec![],
    );
    names
}

#[test]
fn empty_droplets_are_noted_and_left_out() {
    let sample = Sample::new();
    unfiltered(&sample);
    let noted = "2700 of 3000 cells have fewer than 10 counts: the input looks unfiltered";
    sample
        .run("raw.h5ad", &["-max_num_cell", "300"])
        .succeeds(&[noted, "-min_counts"]);
    let kept = sample.run("raw.h5ad", &["-min_counts", "300"]);
    kept.succeeds(&["quality control leaves out 2700 cells of too few counts (-min_counts)"]);
    assert!(!kept.stderr.contains("unfiltered"), "{kept:?}");
    sample.run("filtered.h5ad", &[]).succeeds(&[]);
    for folder in ["pred_label", "embedding"] {
        let of =
            |name: &str| fs::read(sample.path(&format!("{folder}/{name}.csv"))).expect("a file");
        assert!(of("raw") == of("filtered"), "{folder}");
    }
    let results = fs::read_to_string(sample.path("results/raw.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    assert_eq!(results["parameters"]["min_counts"], 300);
    assert_eq!(
        (&results["n_cells"], &results["n_cells_dropped"]),
        (&300.into(), &2700.into())
    );
    assert!(results["instruction_set"].is_string(), "{results}");
}

#[test]
fn every_limit_is_an_option() {
    let sample = Sample::new();
    unfiltered(&sample);
    let ended = sample.run("raw.h5ad", &["-min_genes", "50", "-min_cells", "3"]);
    ended.succeeds(&["2700 cells of too few genes (-min_genes)"]);
    let share = |cell: usize| {
        let row = sample.counts.row(cell);
        100.0 * row[6] / row.sum()
    };
    let mut shares: Vec<f32> = (0..N_CELLS).map(share).collect();
    shares.sort_by(f32::total_cmp);
    let most = f32::midpoint(shares[200], shares[201]);
    let above = shares.iter().filter(|&&share| share > most).count();
    assert!(above > 0 && above < N_CELLS, "{above}");
    let ended = sample.run("filtered.h5ad", &["-max_mt", &most.to_string()]);
    ended.succeeds(&[&format!(
        "{above} cells of too many mitochondrial counts (-max_mt)"
    )]);
    let ended = sample.run("filtered.h5ad", &["-min_counts", "1000000"]);
    ended.fails(&["no cell passes quality control", "-min_counts"]);
}

#[test]
fn filtered_data_sets_are_not_called_unfiltered() {
    let Some(folder) = shared("data") else {
        return;
    };
    let mut n = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "h5ad") {
            continue;
        }
        let counts = H5ad::open(&path)
            .expect("a data set")
            .counts()
            .expect("counts");
        let rows = counts.rows(0..counts.n_cells()).expect("rows");
        let totals = rows.outer_iterator().map(|cell| cell.data().iter().sum());
        let totals: Vec<f32> = totals.filter(|&total| total > 0.0).collect();
        assert_eq!(
            notes_on_totals(&totals, counts.n_cells()),
            [""; 0],
            "{}",
            path.display()
        );
        n += 1;
    }
    assert!(n > 0, "{} holds no data set", folder.display());
}
