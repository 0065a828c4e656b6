//! Every message on an input that cannot be used as it is, as the program prints it: `tests/snapshots` holds them all.

use std::{fs, path::Path, process::Command};

use insta::assert_snapshot;

/// What the program prints on a command line in a folder of these files.
fn says(files: &[(&str, &str)], line: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    let program = program.args(line.split(' ')).current_dir(folder.path());
    let ended = program.output().expect("the program");
    assert!(!ended.status.success(), "{line}");
    format!(
        "$ attentionae-sc {line}\n{}",
        String::from_utf8_lossy(&ended.stderr)
    )
}

const GENES: &str = "gene,AAACCTGAGAAACCAT-1,AAACCTGAGAAACCGC-1\nCD3D,1,2\nGAPDH,3,4\nACTB,5,6\n";
const CELLS: &str = "cell,CD3D,GAPDH,ACTB\nAAACCTGAGAAACCAT-1,1,2,3\nAAACCTGAGAAACCGC-1,3,4,5\n";

#[test]
fn tables() {
    assert_snapshot!("genes_in_rows", says(&[("x.csv", GENES)], "-name x.csv"));
    assert_snapshot!(
        "cells_in_rows",
        says(&[("x.csv", CELLS)], "-name x.csv -transpose True")
    );
    let missing = CELLS.replace(",4,", ",NA,").replace(",5\n", ",\n");
    assert_snapshot!(
        "missing_entries",
        says(&[("x.csv", &missing)], "-name x.csv")
    );
    let negative = CELLS.replace(",4,", ",-4,");
    assert_snapshot!(
        "negative_entry",
        says(&[("x.csv", &negative)], "-name x.csv")
    );
    let fraction = CELLS.replace(",4,", ",3.71,");
    assert_snapshot!("fraction", says(&[("x.csv", &fraction)], "-name x.csv"));
    let commented = format!("# a\n# b\n{}", CELLS.replace(",4,", ",four,"));
    assert_snapshot!("text_entry", says(&[("x.csv", &commented)], "-name x.csv"));
    let short = CELLS.replace(",4,5", ",4");
    assert_snapshot!("short_line", says(&[("x.csv", &short)], "-name x.csv"));
}

#[test]
fn files() {
    let html = [("x.h5ad", "<!DOCTYPE html><html>404</html>")];
    assert_snapshot!("web_page", says(&html, "-name x.h5ad"));
    let pointer = [("x.h5ad", "version https://git-lfs.github.com/spec/v1\n")];
    assert_snapshot!("lfs_pointer", says(&pointer, "-name x.h5ad"));
    assert_snapshot!("no_hdf5", says(&[("x.h5ad", "text")], "-name x.h5ad"));
    assert_snapshot!("empty", says(&[("x.h5ad", "")], "-name x.h5ad"));
    assert_snapshot!("zarr", says(&[("x.zarr/.zgroup", "{}")], "-name ./x.zarr"));
    assert_snapshot!("folder", says(&[("x/a.csv", CELLS)], "-name ./x"));
    let r = [("x.rds", "X\n\0\0\0\u{3}")];
    assert_snapshot!("r_object", says(&r, "-name x.rds"));
    assert_snapshot!(
        "xml",
        says(
            &[("x.csv", "<?xml version=\"1.0\"?><Error/>")],
            "-name x.csv"
        )
    );
}

#[test]
fn names() {
    assert_snapshot!("no_folder", says(&[], "-name zeisel"));
    let near = [
        ("Data/AnnData/zeisel.h5ad", ""),
        ("Data/AnnData/baron.h5ad", ""),
    ];
    assert_snapshot!("nearest_name", says(&near, "-name zeisl"));
    assert_snapshot!("url", says(&[], "-name https://example.org/x.h5ad"));
    assert_snapshot!("standard_input", says(&[], "-name -"));
    let other = [
        ("x.csv", CELLS),
        ("results/x.json", r#"{"data_set": "old/x.csv"}"#),
    ];
    assert_snapshot!("other_input", says(&other, "-name x.csv"));
    assert_snapshot!("missing_input", says(&other, "-name y.csv -output_name x"));
    assert_snapshot!(
        "same_name",
        says(&[("a/x.csv", ""), ("b/x.csv", "")], "batch a/x.csv b/x.csv")
    );
    assert_snapshot!(
        "output_name",
        says(&[("x.csv", CELLS)], "-name x.csv -output_name a/b")
    );
}

#[test]
fn quality_control() {
    assert_snapshot!(
        "no_cell_passes",
        says(&[("x.csv", CELLS)], "-name x.csv -min_counts 500")
    );
    assert_snapshot!(
        "no_gene_passes",
        says(&[("x.csv", CELLS)], "-name x.csv -min_cells 500")
    );
    assert_snapshot!(
        "no_mitochondria",
        says(&[("x.csv", CELLS)], "-name x.csv -max_mt 5")
    );
}
