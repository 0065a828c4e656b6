//! Conversions of raw files by the program, read back by the library.

#[path = "common/mod.rs"]
mod common;

use std::{fs, path::Path};

use assert_cmd::{Command, assert::Assert};
use attentionae_sc::{counts::CountSource, h5ad::H5ad};
use ndarray::{Array1, array};
use predicates::{
    prelude::PredicateBooleanExt,
    str::{contains, is_empty, starts_with},
};

use common::beside::shared;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const FIRST: &str = ",barcode,assigned_cluster,Gcg,Ins1,Sst\n\
                     m1_a,AAAC,alpha,5,0,1\n\
                     m1_b,AAAG,beta,0,7,0\n";
const SECOND: &str = ",barcode,assigned_cluster,Gcg,Ins1,Sst\n\
                      m2_a,AAAC,beta,0,2,0\n";

/// Runs `preprocess` with its output in `data_dir`.
fn preprocess(data_dir: &Path, args: &[&str]) -> Assert {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    // A file just closed here stays locked while a program started by another test holds its descriptor.
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program.arg("preprocess").args(args);
    program.arg("-data_dir").arg(data_dir).assert()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

fn labels(file: &H5ad) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    Ok(file.obs_labels("celltype")?.into_iter().flatten().collect())
}

#[test]
fn several_tables_become_one_data_set() -> TestResult {
    let folder = tempfile::tempdir()?;
    let tables = [("1.csv", FIRST), ("2.csv", SECOND)];
    let mut paths = Vec::new();
    for (name, content) in tables {
        paths.push(folder.path().join(name));
        fs::write(folder.path().join(name), content)?;
    }
    let output = folder.path().join("Data/AnnData");
    let args = ["csv", text(&paths[0]), text(&paths[1]), "-name", "both"];
    let expected = output.join("both.h5ad");
    preprocess(&output, &args).code(0).stdout(format!(
        "{}: 3 cells x 3 genes, 2 cell types\n",
        expected.display()
    ));
    let file = H5ad::open(&expected)?;
    assert_eq!(file.obs_names()?, ["m1_a", "m1_b", "m2_a"]);
    assert_eq!(file.var_names()?, ["Gcg", "Ins1", "Sst"]);
    assert_eq!(labels(&file)?, ["alpha", "beta", "beta"]);
    let counts = file.counts()?.rows(0..3)?.to_dense();
    assert_eq!(
        counts,
        array![[5.0, 0.0, 1.0], [0.0, 7.0, 0.0], [0.0, 2.0, 0.0]]
    );
    Ok(())
}

#[test]
fn a_file_that_fails_does_not_stop_the_others() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    for (name, content) in [("first.csv", FIRST), ("second.csv", SECOND)] {
        fs::write(path(name), content)?;
    }
    let names = ["first.csv", "lost.csv", "second.csv"].map(path);
    let output = path("out");
    preprocess(&output, &names.each_ref().map(|name| text(name)))
        .code(1)
        .stdout(contains("first.h5ad: 2 cells").and(contains("second.h5ad: 1 cells")))
        .stderr(contains("lost.csv"));
    assert!(output.join("second.h5ad").is_file());
    Ok(())
}

#[test]
fn a_matrix_with_labels_is_found_by_name() -> TestResult {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("tiny");
    fs::create_dir(&place)?;
    let file = hdf5::File::create(place.join("tiny.h5"))?;
    let counts = array![[0.0_f32, 3.0], [4.0, 0.0], [1.0, 1.0]];
    let types: Array1<i64> = array![2, 1, 2];
    file.new_dataset_builder().with_data(&counts).create("X")?;
    file.new_dataset_builder().with_data(&types).create("Y")?;
    file.close()?;
    let raw_dir = text(folder.path());
    let args = ["h5", "tiny", "-raw-dir", raw_dir, "-quiet"];
    preprocess(folder.path(), &args).code(0).stderr(is_empty());
    let file = H5ad::open(&folder.path().join("tiny.h5ad"))?;
    assert_eq!((file.n_cells(), file.n_genes()), (3, 2));
    assert_eq!(labels(&file)?, ["2", "1", "2"]);
    assert_eq!(file.counts()?.rows(0..3)?.to_dense(), counts);
    Ok(())
}

#[test]
fn a_table_that_is_no_counts_leaves_no_file() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("1.csv");
    fs::write(&path, FIRST.replace("5,0,1", "5.5,0,1"))?;
    let output = folder.path().join("out");
    let failed = preprocess(&output, &["csv", text(&path), "-name", "x", "-quiet"]);
    let failed = failed.code(1).stdout(is_empty());
    failed
        .stderr(starts_with("error: "))
        .stderr(contains("5.5"));
    assert!(!output.join("x.h5ad").exists());
    Ok(())
}

#[test]
fn files_that_are_not_there_are_named() -> TestResult {
    let folder = tempfile::tempdir()?;
    let args = ["h5", "nobody", "-raw_dir", "/no/such"];
    preprocess(folder.path(), &args)
        .code(1)
        .stderr(contains("/no/such/nobody/nobody.h5"));
    preprocess(folder.path(), &["csv", "/no/such.csv", "-name", "x"])
        .code(1)
        .stderr(contains("/no/such.csv"));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_file_in_place_of_the_output_folder_is_named() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("1.csv");
    fs::write(&path, FIRST)?;
    preprocess(&path, &["csv", text(&path), "-name", "x"])
        .code(1)
        .stderr(contains("1.csv: this is a file, but outputs need a folder"));
    assert_eq!(fs::read_to_string(path)?, FIRST);
    Ok(())
}

#[test]
fn the_published_tables_give_the_published_counts() -> TestResult {
    let table = |mouse| shared(&format!("data/raw/Baron/Baron mouse{mouse}.zip"));
    let [Some(first), Some(second)] = [1, 2].map(table) else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let args = ["csv", text(&first), text(&second), "-name", "baron"];
    preprocess(folder.path(), &args)
        .code(0)
        .stdout(contains("1886 cells x 14878 genes, 13 cell types"));
    Ok(())
}
