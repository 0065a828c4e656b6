//! Values that are nearly counts, and values that are none.

use attentionae_sc::{counts::CountRules, read::ReadOptions};
use ndarray::Array2;

use super::sample::{N_GENES, Sample, counts, read, says};

fn by(round: bool, nan_as_zero: bool) -> ReadOptions {
    ReadOptions {
        rules: CountRules { round, nan_as_zero },
        ..ReadOptions::default()
    }
}

/// Counts as SoupX leaves them.
fn corrected(counts: &Array2<f32>) -> Array2<f32> {
    counts.mapv(|count| {
        if count > 0.0 {
            (0.93 * count - 0.01).max(0.0)
        } else {
            0.0
        }
    })
}

/// A matrix as a `.mtx` folder.
fn mtx(sample: &Sample, x: &Array2<f32>) -> std::path::PathBuf {
    sample.cell_ranger("soupx", x.nrows());
    let mut entries = Vec::new();
    for ((cell, gene), &value) in x.indexed_iter().filter(|&(_, &value)| value != 0.0) {
        entries.push(format!("{} {} {value}\n", gene + 1, cell + 1));
    }
    let banner = "%%MatrixMarket matrix coordinate real general";
    let size = format!("{N_GENES} {} {}", x.nrows(), entries.len());
    let place = "soupx/outs/filtered_feature_bc_matrix/matrix.mtx";
    sample.file(place, format!("{banner}\n{size}\n{}", entries.concat()));
    sample.path("soupx/outs/filtered_feature_bc_matrix")
}

/// A matrix as pandas writes one of floats: its zeros are `0.0`.
fn csv(sample: &Sample, name: &str, x: &Array2<f32>) -> std::path::PathBuf {
    let mut lines = vec![format!("cell,{}\n", sample.genes.join(","))];
    for (cell, row) in sample.cells.iter().zip(x.rows()) {
        let values: Vec<String> = row.iter().map(|value| format!("{value:?}")).collect();
        let values = values.join(",").replace("NaN", "NA");
        lines.push(format!("{cell},{values}\n"));
    }
    sample.file(name, lines.concat())
}

#[test]
fn what_arithmetic_left_of_counts_are_those_counts() {
    let sample = Sample::new();
    let almost = sample.counts.mapv(|count| {
        if (count - 3.0).abs() < 0.5 {
            3.000_000_2
        } else {
            count
        }
    });
    for path in [
        sample.h5ad("almost.h5ad", &almost, vec![], vec![]),
        csv(&sample, "almost.csv", &almost),
        mtx(&sample, &almost),
    ] {
        let data = read(&path, &ReadOptions::default());
        assert_eq!(counts(&data), sample.counts, "{}", path.display());
    }
}

#[test]
fn corrected_counts_are_named_and_rounded() {
    let sample = Sample::new();
    let x = corrected(&sample.counts);
    for path in [
        sample.h5ad("soupx.h5ad", &x, vec![], vec![]),
        csv(&sample, "soupx.csv", &x),
        mtx(&sample, &x),
    ] {
        let said = says(&path, &ReadOptions::default());
        assert!(
            said.contains("corrected for ambient RNA (SoupX, CellBender)"),
            "{said}"
        );
        assert!(said.contains("-round True"), "{said}");
        let data = read(&path, &by(true, false));
        assert_eq!(counts(&data), x.mapv(f32::round), "{}", path.display());
    }
}

#[test]
fn scaled_values_are_not_rounded_into_counts() {
    let sample = Sample::new();
    let mut scaled = sample.counts.clone();
    for mut row in scaled.rows_mut() {
        let total = row.sum();
        row.mapv_inplace(|count| 1e4 * count / total);
    }
    for (seems, x) in [
        ("normalised", scaled.clone()),
        ("log-normalised", scaled.mapv(f32::ln_1p)),
        ("scaled", sample.counts.mapv(|count| count - 1.5)),
    ] {
        for path in [
            sample.h5ad("x.h5ad", &x, vec![], vec![]),
            csv(&sample, "x.csv", &x),
            mtx(&sample, &x),
        ] {
            for options in [by(false, false), by(true, false)] {
                let said = says(&path, &options);
                assert!(
                    said.contains(&format!("seem to be {seems}")),
                    "{seems}: {said}"
                );
                assert!(!said.contains("-round True rounds"), "{said}");
            }
        }
    }
}

#[test]
fn nan_is_refused_with_its_places() {
    let sample = Sample::new();
    let mut x = sample.counts.clone();
    x.slice_mut(ndarray::s![..40, ..200]).fill(f32::NAN);
    let zeros = x.mapv(|value| if value.is_nan() { 0.0 } else { value });
    let h5ad = sample.h5ad("nan.h5ad", &x, vec![], vec![]);
    let table = csv(&sample, "na.csv", &x);
    let places = format!(
        "8000 NaN, in 40 cells and 200 genes, the first in cell '{}', gene 'CD3D'",
        sample.cells[0]
    );
    sample
        .run("nan.h5ad", &[])
        .fails(&[&places, "-nan_as_zero True"]);
    let said = says(&table, &ReadOptions::default());
    assert!(said.contains("8000 entries are missing"), "{said}");
    assert!(
        said.contains("the first on line 2, column 'CD3D'"),
        "{said}"
    );
    for path in [h5ad, table] {
        let data = read(&path, &by(false, true));
        assert_eq!(counts(&data), zeros);
        assert!(data.notes[0].contains("8000"), "{:?}", data.notes);
    }
}

#[test]
fn whole_tpm_are_noted() {
    let sample = Sample::new();
    let mut tpm = sample.counts.clone();
    for mut row in tpm.rows_mut() {
        let total = row.sum();
        row.mapv_inplace(|count| (1e6 * count / total).round());
    }
    sample.h5ad("tpm.h5ad", &tpm, vec![], vec![]);
    sample
        .run("tpm.h5ad", &[])
        .succeeds(&["a total of 1000000: these look like TPM"]);
}
