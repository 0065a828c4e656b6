//! How a run ends on data that it cannot use.

use std::{fs, path::Path};

use hdf5::types::VarLenUnicode;
use ndarray::{Array1, Array2};
use predicates::str::is_empty;

use crate::{
    changed::{changed, copy_group, counts, dense, set_first_count},
    common::skip::skip,
    program::{SMALL, TestResult, assert_is_error, fails, files, folder, rows, run, stderr},
};

#[test]
fn a_missing_data_set_is_answered_with_those_that_are_there() -> TestResult {
    let inputs = folder();
    for name in ["alpha.h5ad", "beta.h5ad"] {
        fs::copy(SMALL, inputs.path().join(name))?;
    }
    let data_dir = inputs.path().display().to_string();
    fails(
        "gamma",
        &["-data_dir", &data_dir],
        &["gamma", "alpha", "beta"],
    );
    let path = inputs.path().join("gamma.h5ad").display().to_string();
    fails(&path, &[], &["gamma.h5ad", "alpha", "beta"]);
    fails(
        "gamma",
        &["-data_dir", "/no/such/folder"],
        &["/no/such/folder"],
    );
    Ok(())
}

#[test]
fn a_file_of_another_kind_is_refused() -> TestResult {
    let inputs = folder();
    for (content, part) in [("", "empty"), ("cell,gene\n1,2\n", "HDF5")] {
        let path = inputs.path().join("text.h5ad");
        fs::write(&path, content)?;
        fails(&path.display().to_string(), &[], &["text.h5ad", part]);
    }
    Ok(())
}

#[test]
fn a_file_without_counts_is_refused() -> TestResult {
    let inputs = folder();
    let path = changed(&inputs, |file| file.unlink("X"))?;
    fails(&path, &[], &["changed.h5ad", "X"]);
    Ok(())
}

#[test]
fn values_that_are_no_counts_are_refused() -> TestResult {
    for value in [-1.0, 0.5, f32::INFINITY] {
        let inputs = folder();
        let path = changed(&inputs, |file| set_first_count(file, value))?;
        fails(&path, &[], &["changed.h5ad", "raw counts"]);
    }
    Ok(())
}

#[test]
fn raw_counts_elsewhere_in_the_file_are_pointed_at() -> TestResult {
    let inputs = folder();
    let path = changed(&inputs, |file| {
        file.group("layers")
            .or_else(|_| file.create_group("layers"))?;
        let source: Vec<f32> = file.dataset("X/data")?.read_raw()?;
        copy_group(&file.group("X")?, &file.create_group("layers/umi")?)?;
        assert!(source.iter().all(|count| count.fract() == 0.0));
        set_first_count(file, 0.25)
    })?;
    fails(&path, &[], &["raw counts", "umi"]);
    Ok(())
}

#[test]
fn a_missing_value_counts_as_none() -> TestResult {
    let inputs = folder();
    let written = |value| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let path = changed(&inputs, |file| set_first_count(file, value))?;
        let output = folder();
        run(&path, output.path(), &["-nan_as_zero", "True"]).code(0);
        Ok(fs::read(output.path().join("embedding/changed.csv"))?)
    };
    assert!(
        written(f32::NAN)? == written(0.0)?,
        "NaN is not treated as 0"
    );
    Ok(())
}

#[test]
fn data_too_small_to_cluster_is_refused() -> TestResult {
    let inputs = folder();
    for (shape, part) in [
        ((0, 20), "cell"),
        ((30, 0), "gene"),
        ((1, 20), "cell"),
        ((10, 20), "neighbo"),
    ] {
        let path = dense(&inputs, &Array2::ones(shape))?;
        fails(&path, &[], &["dense.h5ad", part]);
    }
    let path = dense(&inputs, &Array2::zeros((30, 20)))?;
    fails(&path, &[], &["dense.h5ad"]);
    Ok(())
}

#[test]
fn odd_shapes_end_in_a_result_or_a_clean_error() -> TestResult {
    let inputs = folder();
    for matrix in [
        counts(30, 1),
        counts(30, 2),
        Array2::ones((30, 20)),
        counts(16, 500),
    ] {
        let path = dense(&inputs, &matrix)?;
        let output = folder();
        let ended = run(&path, output.path(), &["-quiet"]);
        match ended.get_output().status.code() {
            Some(0) => assert_eq!(
                rows(output.path().join("pred_label/dense.csv")).1.len(),
                matrix.nrows()
            ),
            Some(1) => {
                assert_is_error(&stderr(&ended), &["dense.h5ad"]);
                assert_eq!(files(output.path()), [""; 0]);
            }
            code => panic!("{code:?}: {}", stderr(&ended)),
        }
    }
    Ok(())
}

#[test]
fn duplicate_cell_names_are_told_apart() -> TestResult {
    let inputs = folder();
    let path = changed(&inputs, |file| {
        let index = file.dataset("obs/_index")?;
        let mut names: Array1<VarLenUnicode> = index.read_1d()?;
        names[2] = names[1].clone();
        index.write(&names)
    })?;
    let output = folder();
    let finished = run(&path, output.path(), &[]).code(0);
    let (_, labels) = rows(output.path().join("pred_label/changed.csv"));
    assert_eq!([&labels[0][0], &labels[1][0]], ["cell001", "cell001-1"]);
    let notes = stderr(&finished);
    assert!(
        notes
            .lines()
            .any(|line| line.starts_with("note: ") && line.contains("name")),
        "{notes}"
    );
    Ok(())
}

#[test]
fn an_output_folder_that_cannot_be_is_refused_before_work() -> TestResult {
    let output = folder();
    let file = output.path().join("file");
    fs::write(&file, "kept")?;
    let named = file.display().to_string();
    for (place, part) in [
        (file.clone(), named.as_str()),
        (file.join("below"), &named),
        (
            "/proc/no/such".into(),
            "/proc: this folder cannot be written to",
        ),
    ] {
        let failed = run(SMALL, &place, &["-quiet"]).code(1).stdout(is_empty());
        assert_is_error(&stderr(&failed), &[part, "choose another"]);
    }
    assert_eq!(fs::read_to_string(file)?, "kept");
    Ok(())
}

#[test]
fn a_gpu_that_is_not_there_is_an_error() {
    if Path::new("/dev/nvidiactl").exists() {
        return skip("this machine has a GPU");
    }
    fails(SMALL, &["-cuda", "True"], &["-cuda"]);
}
