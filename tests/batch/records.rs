//! What a batch writes, and what is run again.

use std::{fmt::Write as _, fs};

use assert_cmd::Command;
use serde_json::Value;

use crate::place::{PROGRAM, Place, SHORT, SMALL, TestResult, stderr, stdout, text};

#[test]
fn a_data_set_that_fails_does_not_stop_the_others() -> TestResult {
    let place = Place::with(&["alpha", "beta"]);
    fs::write(place.input("broken"), "no HDF5")?;
    let batch = place.batch(&["alpha", "broken", "beta"]).code(1);
    let table = stdout(&batch);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    let expected = [
        "name", "cells", "clusters", "ASW", "DB", "ARI", "NMI", "seconds",
    ];
    assert_eq!(header, expected);
    assert!(
        lines[1].starts_with("alpha") && lines[1].contains(" 239 "),
        "{table}"
    );
    assert!(
        lines[2].starts_with("broken") && lines[2].ends_with("failed"),
        "{table}"
    );
    let told = stderr(&batch);
    assert!(
        told.contains("error: broken: ") && told.contains("broken.h5ad: this is not"),
        "{told}"
    );
    assert!(told.contains("alpha: Pretraining: step 2/2"), "{told}");
    assert!(
        told.contains("note: alpha: 1 cells without counts"),
        "{told}"
    );
    assert!(told.contains("3 of 3: beta: "), "{told}");
    assert!(
        told.ends_with("error: 1 of 3 data sets failed: broken\n"),
        "{told}"
    );
    assert_eq!(
        place.statuses(),
        ["alpha done", "broken failed", "beta done"]
    );
    assert!(text(&place.records()[1], "error").contains("broken.h5ad"));
    let expected = [
        "embedding/alpha.csv",
        "embedding/beta.csv",
        "pred_label/alpha.csv",
        "pred_label/beta.csv",
        "results/alpha.json",
        "results/batch.csv",
        "results/batch.json",
        "results/beta.json",
    ];
    assert_eq!(place.outputs(), expected);
    Ok(())
}

#[test]
fn records_hold_what_the_runs_found() -> TestResult {
    let place = Place::with(&["alpha"]);
    place
        .batch(&["alpha", "-seed", "3", "-quiet"])
        .code(0)
        .stderr("");
    let run = fs::read(place.output().join("results/alpha.json"))?;
    let run: Value = serde_json::from_slice(&run)?;
    assert_eq!(run["parameters"]["seed"], 3);
    let record = &place.records()[0];
    assert_eq!(record["cells"], run["n_cells"]);
    assert_eq!(record["clusters"], run["n_clusters"]);
    assert_eq!(record["seconds"], run["seconds"]);
    for score in ["asw", "db", "ari", "nmi"] {
        assert_eq!(record[score], run["scores"][score], "{score}");
    }
    let mut table = csv::Reader::from_path(place.output().join("results/batch.csv"))?;
    let header: Vec<String> = table.headers()?.iter().map(String::from).collect();
    let first = [
        "name", "cells", "clusters", "asw", "db", "ari", "nmi", "seconds", "status",
    ];
    assert_eq!(header[..9], first);
    let row = table.records().next().ok_or("no row")??;
    assert_eq!((&row[0], &row[1], &row[8]), ("alpha", "239", "done"));
    Ok(())
}

#[test]
fn all_data_sets_of_a_folder_are_run_side_by_side() -> TestResult {
    let place = Place::with(&["b", "a", "c"]);
    fs::write(place.data().join("LICENSE"), "")?;
    fs::copy(SMALL, place.data().join(".hidden.h5ad"))?;
    place
        .batch(&["--all", "-jobs", "3", "-threads", "2"])
        .code(0);
    assert_eq!(place.statuses(), ["a done", "b done", "c done"]);
    let run = fs::read(place.output().join("results/c.json"))?;
    let run: Value = serde_json::from_slice(&run)?;
    assert_eq!(run["threads"], 1);
    Ok(())
}

#[test]
fn an_input_of_any_format_is_part_of_a_batch_by_its_path() -> TestResult {
    let place = Place::with(&["a"]);
    let folder = place.0.path().join("mtx");
    fs::create_dir(&folder)?;
    let mut matrix = "%%MatrixMarket matrix coordinate integer general\n4 60 240\n".to_owned();
    for entry in 0..240_usize {
        let (gene, cell) = (entry % 4 + 1, entry / 4 + 1);
        writeln!(matrix, "{gene} {cell} {}", 1 + gene * cell % 7)?;
    }
    let cells: Vec<String> = (0..60).map(|cell| format!("c{cell}")).collect();
    fs::write(folder.join("matrix.mtx"), matrix)?;
    fs::write(folder.join("barcodes.tsv"), cells.join("\n"))?;
    fs::write(folder.join("genes.tsv"), "g0\ng1\ng2\ng3\n")?;
    let path = folder.display().to_string();
    place.batch(&["a", &path]).code(0);
    assert_eq!(place.statuses(), ["a done", "mtx done"]);
    assert_eq!(place.records()[1]["cells"], 60);

    place.batch(&["a", &path, "-resume"]).code(0);
    assert_eq!(place.statuses(), ["a unchanged", "mtx unchanged"]);
    fs::write(folder.join("genes.tsv"), "g0\ng1\ng2\nMbp\n")?;
    place.batch(&["a", &path, "-resume"]).code(0);
    assert_eq!(place.statuses(), ["a unchanged", "mtx done"]);
    Ok(())
}

#[test]
fn a_resumed_batch_runs_what_has_changed_and_what_has_failed() -> TestResult {
    let place = Place::with(&["a", "b", "c"]);
    fs::write(place.input("d"), "")?;
    place.batch(&["a", "b", "c", "d", "-jobs", "2"]).code(1);
    let labels = place.output().join("pred_label/a.csv");
    let before = fs::metadata(&labels)?.modified()?;

    fs::write(place.input("d"), fs::read(SMALL)?)?;
    hdf5::File::open_rw(place.input("b"))?
        .group("obs")?
        .unlink("celltype")?;
    fs::remove_file(place.output().join("embedding/c.csv"))?;
    let resumed = place.batch(&["a", "b", "c", "d", "-resume"]).code(0);
    assert_eq!(
        place.statuses(),
        ["a unchanged", "b done", "c done", "d done"]
    );
    assert_eq!(fs::metadata(&labels)?.modified()?, before);
    let table = stdout(&resumed);
    assert!(
        table
            .lines()
            .nth(1)
            .is_some_and(|line| line.ends_with("unchanged")),
        "{table}"
    );

    place.batch(&["--all", "-resume", "-threads", "1"]).code(0);
    let unchanged = ["a unchanged", "b unchanged", "c unchanged", "d unchanged"];
    assert_eq!(place.statuses(), unchanged);
    // The records of the others are kept.
    place.batch(&["a", "-resume", "-seed", "9"]).code(0);
    let others = ["a done", "b unchanged", "c unchanged", "d unchanged"];
    assert_eq!(place.statuses(), others);
    place.batch(&["a", "-seed", "9"]).code(0);
    assert_eq!(place.statuses(), ["a done"]);
    Ok(())
}

#[test]
fn a_batch_that_cannot_be_is_refused_before_work() -> TestResult {
    let place = Place::with(&["a", "batch"]);
    let refused = |args: &[&str], part: &str| {
        let refused = place.batch(args).code(1).stdout("");
        let told = stderr(&refused);
        assert!(told.starts_with("error: ") && told.contains(part), "{told}");
        assert_eq!(place.outputs(), [""; 0]);
    };
    let path = place.input("a").display().to_string();
    refused(&["a", &path], "both called 'a'");
    refused(&["a", "a"], "both called 'a'");
    refused(&["batch"], "a data set called 'batch'");
    refused(&["--all", "-data_dir=/no/such"], "-data_dir");
    let empty = tempfile::tempdir()?;
    let empty = format!("-data_dir={}", empty.path().display());
    refused(&["--all", &empty], "no .h5ad file");
    fs::create_dir_all(place.output().join("results"))?;
    fs::write(place.output().join("results/batch.json"), "{")?;
    let told = stderr(&place.batch(&["a", "-resume"]).code(1));
    assert!(told.contains("without -resume"), "{told}");
    Ok(())
}

#[test]
fn a_single_run_and_a_batch_keep_each_others_files() -> TestResult {
    let place = Place::with(&["a", "batch"]);
    fs::create_dir_all(place.output().join("results"))?;
    let results = place.output().join("results/batch.json");
    let single = r#"{"data_set": "batch", "input": "/d/batch.h5ad"}"#;
    fs::write(&results, single)?;
    for more in [&["a"][..], &["a", "-resume"]] {
        let told = stderr(&place.batch(more).code(1));
        let part = "the results of /d/batch.h5ad, which the record of this batch run would replace";
        assert!(told.contains(part), "{told}");
        assert_eq!(place.outputs(), ["results/batch.json"]);
        assert_eq!(fs::read_to_string(&results)?, single);
    }
    place.batch(&["a", "-overwrite"]).code(0);
    assert_eq!(place.statuses(), ["a done"]);
    let record = fs::read(&results)?;
    let input = place.input("batch").display().to_string();
    let output = place.output().display().to_string();
    let args = ["-quiet", "-name", &input, "-output_dir", &output];
    let run = Command::new(PROGRAM).args(args).assert().code(1);
    let told = stderr(&run);
    assert!(told.contains("the record of a batch run, which"), "{told}");
    assert_eq!(fs::read(&results)?, record);
    Ok(())
}

#[test]
fn results_of_another_input_are_kept_with_the_advice_of_a_batch() -> TestResult {
    let place = Place::with(&["a", "b"]);
    fs::create_dir_all(place.output().join("results"))?;
    let other = r#"{"data_set": "a.h5ad", "input": "/d/a.h5ad"}"#;
    fs::write(place.output().join("results/a.json"), other)?;
    let told = stderr(&place.batch(&["a", "b"]).code(1));
    let advice = format!(
        "NAME={} (NAME not a) keeps both",
        place.input("a").display()
    );
    assert!(told.contains(&advice), "{told}");
    assert!(!told.contains("-output_name"), "{told}");
    assert_eq!(place.statuses(), ["a failed", "b done"]);
    Ok(())
}

#[test]
fn outputs_that_are_no_longer_those_of_the_batch_are_made_anew() -> TestResult {
    let place = Place::with(&["a"]);
    let batch = ["a", "-resume", "-save_model_para"];
    place.batch(&batch).code(0);
    let embedding = place.output().join("embedding/a.csv");
    let first = fs::read(&embedding)?;
    let input = place.input("a").display().to_string();
    let output = place.output().display().to_string();
    let mut run = Command::new(PROGRAM);
    run.args(["-name", &input, "-output_dir", &output, "-seed", "9"]);
    run.args(SHORT.iter().flat_map(|(option, value)| [option, value]));
    run.env("HDF5_USE_FILE_LOCKING", "FALSE").assert().code(0);
    assert_ne!(fs::read(&embedding)?, first);
    place.batch(&batch).code(0);
    assert_eq!(place.statuses(), ["a done"]);
    assert_eq!(fs::read(&embedding)?, first);

    let model = place.output().join("model_save/a.safetensors");
    let mut labels = Command::new(PROGRAM);
    labels.args(["annotate", &input, "-overwrite", "-output_dir", &output]);
    labels.arg("-model").arg(model);
    labels
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .assert()
        .code(0);
    let told = stderr(&place.batch(&batch).code(1));
    assert!(told.contains("the results of labelling"), "{told}");
    assert_eq!(place.statuses(), ["a failed"]);
    Ok(())
}

#[test]
fn batches_that_run_side_by_side_keep_each_others_records() -> TestResult {
    let place = Place::with(&["a", "b"]);
    let batches = ["a", "b"].map(|name| place.start(&[name, "-resume"]));
    for batch in batches {
        assert!(batch?.wait_with_output()?.status.success());
    }
    let mut statuses = place.statuses();
    statuses.sort();
    assert_eq!(statuses, ["a done", "b done"]);
    Ok(())
}

#[test]
fn reports_have_a_page_that_links_to_them() -> TestResult {
    let place = Place::with(&["one", "two", "three", "four"]);
    place.batch(&["one", "-save_report"]).code(0);
    place.batch(&["four", "-resume"]).code(0);
    place
        .batch(&["two", "three", "-resume", "-save_report"])
        .code(0);
    let index = fs::read_to_string(place.output().join("report/index.html"))?;
    assert_eq!(index.matches("<a href=").count(), 3, "{index}");
    for name in ["one", "two", "three"] {
        let link = format!("<a href=\"{name}.html\">{name}</a>");
        assert!(index.contains(&link), "{index}");
        let report = place.output().join(format!("report/{name}.html"));
        assert!(report.is_file(), "{name}");
    }
    Ok(())
}

#[test]
fn a_data_set_may_not_take_the_place_of_that_page() {
    let place = Place::with(&["index"]);
    let refused = place.batch(&["index", "-save_report"]).code(1);
    assert!(stderr(&refused).contains("called 'index'"));
    place.batch(&["index"]).code(0);
}
