//! What holds for every format.

use std::{collections::BTreeSet, fs, path::Path};

use attentionae_sc::{
    convert::to_h5ad,
    read::{CellTypes, ReadError, read},
};

use super::*;

#[test]
fn the_pipeline_takes_any_format_with_its_labels() {
    let auto = CellTypes::Auto;
    let input = read(&file("baron.csv").into(), &ReadOptions::default(), &auto).expect("an input");
    assert_eq!((input.n_cells(), input.n_genes()), (6, 4));
    assert_eq!(input.obs_columns, ["celltype", "barcode"]);
    assert!(
        input
            .truth
            .is_some_and(|labels| labels[0].as_deref() == Some("neuron"))
    );
    let input = read(&file("mtx_v3").into(), &ReadOptions::default(), &auto).expect("an input");
    assert!(input.truth.is_none());
    let column = CellTypes::Column("type".to_owned());
    let error = read(&file("baron.csv").into(), &ReadOptions::default(), &column);
    let message = error.expect_err("no such column").to_string();
    assert!(
        message.contains("no column 'type'; it has: celltype, barcode"),
        "{message}"
    );
}

#[test]
fn options_that_mean_nothing_for_a_format_are_refused() {
    let cases: [(&str, ReadOptions, &str); 5] = [
        (
            "tenx_v3.h5",
            layer("counts"),
            "-layer is for .h5ad, .h5mu and .loom files, but this is a 10x .h5 file",
        ),
        (
            "mtx_v3",
            raw(),
            "-use_raw is for .h5ad and .h5mu files, but this is an .mtx matrix",
        ),
        (
            "csr.h5ad",
            transpose(),
            "-transpose is for CSV and TSV tables, but this is an .h5ad file",
        ),
        (
            "baron.csv",
            ReadOptions {
                gex_only: false,
                ..ReadOptions::default()
            },
            "-gex_only is for 10x data and .h5ad files, but this is a table",
        ),
        (
            "xy.h5",
            ReadOptions {
                genome: Some("hg19".to_owned()),
                ..ReadOptions::default()
            },
            "-genome is for 10x data and .h5ad files, but this is an .h5 file of X and Y",
        ),
    ];
    for (name, options, words) in cases {
        let error = open(&file(name), &options).expect_err("an option that does not fit");
        assert!(matches!(error, ReadError::OptionUnfit { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn what_a_conversion_would_replace_is_not_its_own_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layers.h5ad");
    fs::copy(file("layers.h5ad"), &path).expect("a copy");
    let before = fs::read(&path).expect("bytes");
    let error = to_h5ad(&path, &layer("counts"), &path).expect_err("its own output");
    assert!(
        error.to_string().contains("would replace this file"),
        "{error}"
    );
    assert!(fs::read(&path).expect("bytes") == before);
}

#[test]
fn every_file_has_its_row_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inputs.md");
    let page = fs::read_to_string(page).expect("text");
    let names = fs::read_dir(folder()).expect("a folder").map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    });
    let names: BTreeSet<String> = names
        .filter(|name| {
            ![".rs", ".py", ".md"]
                .iter()
                .any(|ending| name.ends_with(ending))
        })
        .collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for name in &names {
        let cell = format!("`{name}`");
        assert!(rows.iter().any(|row| row.contains(&cell)), "{name}");
    }
    assert!(names.len() > 50, "{names:?}");
}
