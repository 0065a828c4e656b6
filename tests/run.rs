//! Whole runs of the program: what it writes, and how it ends on data that it cannot use.

mod common;
#[path = "common/signals.rs"]
mod signals;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
};

use assert_cmd::{Command, assert::Assert};
use hdf5::types::VarLenUnicode;
use ndarray::{Array1, Array2};
use predicates::str::is_empty;
use safetensors::SafeTensors;
use serde_json::Value;
use signals::listening;
use tempfile::TempDir;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");
/// The published training, just enough of it to pass through every stage.
const SHORT: [&str; 8] = [
    "-preset",
    "published",
    "-training_epoch",
    "3",
    "-clustering_epoch",
    "2",
    "-n_hvg",
    "100",
];
/// The golden data set less its one cell without counts.
const CELLS: usize = 239;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A folder for outputs, and for inputs where a test makes its own.
fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The program, without file locks: a file that this process has just closed can stay locked for as long as a
/// program started meanwhile by another test holds a copy of its descriptor.
fn program() -> Command {
    let mut program = Command::new(PROGRAM);
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program
}

/// A short run of `input` into `output`, with `args` after the common ones.
fn run(input: &str, output: &Path, args: &[&str]) -> Assert {
    program()
        .args(["-name", input, "-output_dir"])
        .arg(output)
        .args(SHORT)
        .args(args)
        .assert()
}

fn stdout(run: &Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stdout).into_owned()
}

fn stderr(run: &Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

/// Every file below a folder, relative to it, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(folder).expect("below it");
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Asserts that a run of `input` ends with exit code 1 and an error of at most two lines that
/// contains `parts`, prints no result and writes nothing.
fn fails(input: &str, args: &[&str], parts: &[&str]) {
    let output = folder();
    let mut quiet = vec!["-quiet"];
    quiet.extend(args);
    let failed = run(input, output.path(), &quiet).code(1).stdout(is_empty());
    assert_is_error(&stderr(&failed), parts);
    assert_eq!(files(output.path()), [""; 0]);
}

fn assert_is_error(stderr: &str, parts: &[&str]) {
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(stderr.lines().count() <= 2, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
}

/// A copy of the golden data set, changed by `change`.
fn changed(
    folder: &TempDir,
    change: impl FnOnce(&hdf5::File) -> hdf5::Result<()>,
) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.path().join("changed.h5ad");
    fs::copy(SMALL, &path)?;
    change(&hdf5::File::open_rw(&path)?)?;
    Ok(path.display().to_string())
}

/// Changes the first stored count of a file.
fn set_first_count(file: &hdf5::File, value: f32) -> hdf5::Result<()> {
    let data = file.dataset("X/data")?;
    let mut values: Array1<f32> = data.read_1d()?;
    values[0] = value;
    data.write(&values)
}

/// A dense data set without labels; cells are `c0`, `c1`, …, genes `g0`, `g1`, ….
fn dense(folder: &TempDir, counts: &Array2<f32>) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.path().join("dense.h5ad");
    let file = hdf5::File::create(&path)?;
    attribute(&file, "encoding-type", "anndata")?;
    attribute(&file, "encoding-version", "0.1.0")?;
    let x = file.new_dataset_builder().with_data(counts).create("X")?;
    attribute(&x, "encoding-type", "array")?;
    attribute(&x, "encoding-version", "0.2.0")?;
    table(&file, "obs", "c", counts.nrows())?;
    table(&file, "var", "g", counts.ncols())?;
    Ok(path.display().to_string())
}

fn table(file: &hdf5::File, key: &str, prefix: &str, rows: usize) -> TestResult {
    let group = file.create_group(key)?;
    attribute(&group, "encoding-type", "dataframe")?;
    attribute(&group, "encoding-version", "0.2.0")?;
    attribute(&group, "_index", "_index")?;
    let columns = group.new_attr::<VarLenUnicode>().shape(0);
    columns.create("column-order")?;
    let names = (0..rows).map(|row| format!("{prefix}{row}").parse());
    let names: Array1<VarLenUnicode> = names.collect::<Result<_, _>>()?;
    let index = group
        .new_dataset_builder()
        .with_data(&names)
        .create("_index")?;
    attribute(&index, "encoding-type", "string-array")?;
    attribute(&index, "encoding-version", "0.2.0")?;
    Ok(())
}

fn attribute(place: &hdf5::Location, name: &str, text: &str) -> TestResult {
    let text: VarLenUnicode = text.parse()?;
    place
        .new_attr::<VarLenUnicode>()
        .create(name)?
        .write_scalar(&text)?;
    Ok(())
}

/// Counts of `cells` × `genes` without a pattern worth finding, none of them 0.
fn counts(cells: usize, genes: usize) -> Array2<f32> {
    Array2::from_shape_fn((cells, genes), |(cell, gene)| {
        (1 + (cell * 7 + gene * 13 + cell * gene) % 11) as f32
    })
}

/// The numbers of `Final ASW 0.809, DB 0.211, ARI 0.872, NMI 0.848` by name; panics on any other
/// form.
fn final_scores(stdout: &str) -> Vec<(String, f64)> {
    let line = stdout.lines().last().expect("a last line");
    let scores = line.strip_prefix("Final ").expect(line);
    let pair = |text: &str| {
        let (name, value) = text.split_once(' ').expect(line);
        let decimals = value.split_once('.').map(|(_, decimals)| decimals.len());
        assert_eq!(decimals, Some(3), "{line}");
        (name.to_owned(), value.parse().expect(line))
    };
    scores.split(", ").map(pair).collect()
}

fn names(scores: &[(String, f64)]) -> Vec<&str> {
    scores.iter().map(|(name, _)| name.as_str()).collect()
}

/// A table's header and its rows.
fn rows(path: PathBuf) -> (Vec<String>, Vec<Vec<String>>) {
    let mut table = csv::Reader::from_path(path).expect("a table");
    let fields = |record: &csv::StringRecord| record.iter().map(String::from).collect();
    let header = fields(table.headers().expect("a header"));
    let rows = table.records().map(|row| fields(&row.expect("a row")));
    (header, rows.collect())
}

fn results(output: &Path, name: &str) -> Value {
    let path = output.join(format!("results/{name}.json"));
    let text = fs::read_to_string(path).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_run_writes_every_output_it_is_asked_for() {
    let output = folder();
    let args = ["-save_model_para", "True", "-save_umap", "True"];
    run(SMALL, output.path(), &args).code(0);
    let expected = [
        "embedding/small.csv",
        "model_save/small.safetensors",
        "pred_label/small.csv",
        "results/small.json",
        "umap_figure/small_pred_label.png",
        "umap_figure/small_true_label.png",
    ];
    assert_eq!(files(output.path()), expected);
    for figure in &expected[4..] {
        let image = fs::read(output.path().join(figure)).expect("a figure");
        assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"), "{figure}");
    }
}

#[test]
fn labels_and_embedding_name_the_same_cells() {
    let output = folder();
    run(SMALL, output.path(), &["-n_z", "5"]).code(0);
    let (header, labels) = rows(output.path().join("pred_label/small.csv"));
    assert_eq!(header, ["cell", "label"]);
    let (header, embedding) = rows(output.path().join("embedding/small.csv"));
    assert_eq!(header, ["cell", "z1", "z2", "z3", "z4", "z5"]);
    assert_eq!((labels.len(), embedding.len()), (CELLS, CELLS));
    assert_eq!(labels[0][0], "cell001");
    for (label, z) in labels.iter().zip(&embedding) {
        assert_eq!(label[0], z[0]);
        label[1].parse::<usize>().expect("a cluster number");
        let z: Vec<f32> = z[1..]
            .iter()
            .map(|z| z.parse().expect("a number"))
            .collect();
        assert!(z.iter().all(|z| z.is_finite()));
    }
}

#[test]
fn a_saved_model_has_the_published_names_and_shapes() {
    let output = folder();
    run(
        SMALL,
        output.path(),
        &["-save_model_para", "True", "-seed", "3"],
    )
    .code(0);
    let bytes = fs::read(output.path().join("model_save/small.safetensors")).expect("a model");
    let model = SafeTensors::deserialize(&bytes).expect("safetensors");
    let golden = hdf5::File::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/expected.h5"
    ));
    let published = golden.expect("golden").group("weights").expect("weights");
    let mut published = published.member_names().expect("names");
    let weights = model.names().into_iter();
    let weights = weights.filter(|name| !name.starts_with("annotate."));
    let mut saved: Vec<_> = weights.map(String::from).collect();
    published.sort();
    saved.sort();
    assert_eq!(saved, published);
    let n_hvg = results(output.path(), "small")["n_hvg"]
        .as_u64()
        .expect("a number") as usize;
    let weight = model.tensor("enc_1.weight").expect("a weight");
    assert_eq!(weight.shape(), [256, n_hvg]);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a header");
    let texts = metadata.metadata().as_ref().expect("texts");
    assert_eq!(texts["seed"], "3");
    assert_eq!(texts["n_heads"], "8");
}

#[test]
fn results_agree_with_the_last_line_and_the_labels() {
    let output = folder();
    let finished = run(SMALL, output.path(), &["-seed", "5"]).code(0);
    let scores = final_scores(&stdout(&finished));
    assert_eq!(names(&scores), ["ASW", "DB", "ARI", "NMI"]);
    let results = results(output.path(), "small");
    for (name, printed) in scores {
        let recorded = results["scores"][name.to_lowercase()]
            .as_f64()
            .expect("a score");
        assert!(
            (recorded - printed).abs() <= 5.001e-4,
            "{name}: {recorded}, {printed}"
        );
    }
    assert_eq!(results["parameters"]["seed"], 5);
    assert_eq!(results["parameters"]["training_epoch"], 3);
    assert_eq!(results["n_cells"], CELLS);
    assert_eq!(results["n_cells_dropped"], 1);
    assert_eq!(results["version"], env!("CARGO_PKG_VERSION"));
    let (_, labels) = rows(output.path().join("pred_label/small.csv"));
    let clusters = results["clusters"].as_array().expect("clusters");
    assert_eq!(results["n_clusters"], clusters.len());
    for cluster in clusters {
        let cells = labels
            .iter()
            .filter(|row| row[1] == cluster["label"])
            .count();
        assert_eq!(cluster["cells"], cells);
    }
    assert!(!results["stages"].as_array().expect("stages").is_empty());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let written = |seed| {
        let output = folder();
        run(SMALL, output.path(), &["-seed", seed]).code(0);
        let read = |file| fs::read(output.path().join(file)).expect("an output");
        (read("pred_label/small.csv"), read("embedding/small.csv"))
    };
    let first = written("1");
    assert!(written("1") == first, "the same seed gave other bytes");
    assert!(
        written("2").1 != first.1,
        "another seed gave the same embedding"
    );
}

#[test]
fn nothing_is_saved_that_is_not_wanted() {
    let output = folder();
    let args = ["-save_pred_label", "False", "-save_embedding", "no"];
    run(SMALL, output.path(), &args).code(0);
    assert_eq!(files(output.path()), ["results/small.json"]);
}

#[test]
fn quiet_leaves_only_the_result() {
    let output = folder();
    let finished = run(SMALL, output.path(), &["-quiet"])
        .code(0)
        .stderr(is_empty());
    assert_eq!(stdout(&finished).lines().count(), 1);
}

#[test]
fn progress_goes_to_stderr_as_lines() {
    let output = folder();
    let finished = run(SMALL, output.path(), &[]).code(0);
    let stderr = stderr(&finished);
    assert!(stderr.contains("epoch 3/3, ZINB "), "{stderr}");
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains('\r'),
        "{stderr}"
    );
}

#[test]
fn cells_without_counts_are_dropped_with_a_note() {
    let output = folder();
    let finished = run(SMALL, output.path(), &[]).code(0);
    let notes = stderr(&finished);
    assert!(
        notes.lines().any(|line| line.starts_with("note: 1 cell")),
        "{notes}"
    );
}

#[test]
fn a_large_data_set_is_sampled_and_labelled_whole() {
    let output = folder();
    run(SMALL, output.path(), &["-max_num_cell", "100"]).code(0);
    let (_, labels) = rows(output.path().join("pred_label/small.csv"));
    assert_eq!(labels.len(), CELLS);
}

#[test]
fn every_graph_can_be_asked_for() {
    for graph in [
        ["-connectivity_methods", "umap", "-knn", "False"],
        ["-connectivity_methods", "gauss", "-knn", "True"],
    ] {
        let output = folder();
        run(SMALL, output.path(), &graph).code(0);
    }
}

#[test]
fn true_labels_are_used_only_where_wanted() -> TestResult {
    let output = folder();
    let without = run(SMALL, output.path(), &["-celltype", "unknown"]).code(0);
    assert_eq!(names(&final_scores(&stdout(&without))), ["ASW", "DB"]);
    fails(SMALL, &["-celltype", "tissue"], &["tissue", "celltype"]);
    let inputs = folder();
    let unlabelled = changed(&inputs, |file| file.group("obs")?.unlink("celltype"))?;
    let finished = run(&unlabelled, output.path(), &[]).code(0);
    assert_eq!(names(&final_scores(&stdout(&finished))), ["ASW", "DB"]);
    fails(&unlabelled, &["-celltype", "True"], &["celltype"]);
    Ok(())
}

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

/// Copies a sparse matrix with its attributes.
fn copy_group(from: &hdf5::Group, to: &hdf5::Group) -> hdf5::Result<()> {
    for name in ["encoding-type", "encoding-version"] {
        let text: VarLenUnicode = from.attr(name)?.read_scalar()?;
        to.new_attr::<VarLenUnicode>()
            .create(name)?
            .write_scalar(&text)?;
    }
    let shape: Array1<i64> = from.attr("shape")?.read_1d()?;
    to.new_attr_builder().with_data(&shape).create("shape")?;
    let data: Array1<f32> = from.dataset("data")?.read_1d()?;
    to.new_dataset_builder().with_data(&data).create("data")?;
    for name in ["indices", "indptr"] {
        let values: Array1<i32> = from.dataset(name)?.read_1d()?;
        to.new_dataset_builder().with_data(&values).create(name)?;
    }
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
        ("/proc/no/such".into(), "/proc: cannot write"),
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
        eprintln!("skipped: this machine has a GPU");
        return;
    }
    fails(SMALL, &["-cuda", "True"], &["-cuda"]);
}

#[test]
fn an_interrupted_run_leaves_nothing() -> TestResult {
    let output = folder();
    let mut started = listening(&mut Process::new(PROGRAM))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args(["-name", SMALL, "-training_epoch", "100000", "-output_dir"])
        .arg(output.path())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(started.stderr.take().ok_or("no stderr")?).lines();
    let training =
        |line: &Result<String, _>| line.as_ref().is_ok_and(|line| line.contains("step 1/"));
    assert!(
        lines.any(|line| training(&line)),
        "the run ended before training"
    );
    let interrupt = ["-INT", &started.id().to_string()].map(String::from);
    Process::new("kill").args(interrupt).status()?;
    assert_eq!(started.wait()?.code(), Some(130));
    assert_eq!(files(output.path()), [""; 0]);
    Ok(())
}

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
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/worm_neuron.h5ad"
    );
    if !Path::new(data).exists() {
        common::golden::skip(&format!("{data} is not there"));
        return;
    }
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
