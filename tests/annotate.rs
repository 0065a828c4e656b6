//! New cells labelled by a trained model: the program from end to end.

mod common;

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
};

use assert_cmd::{Command, assert::Assert};
use attentionae_sc::read::{DataSet, ReadOptions, open};
use common::{beside::shared, dense, terminal::terminal};
use hdf5::types::VarLenUnicode;
use ndarray::Array1;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");
const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
/// Just enough training to pass through every stage.
const SHORT: [&str; 6] = ["-training_epoch", "20", "-n_hvg", "100", "-landmarks", "60"];

fn program() -> Command {
    let mut program = Command::new(PROGRAM);
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program
}

/// A folder with a model that was trained on the golden data set, and the model.
fn trained(args: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = trained_on(SMALL, folder.path(), args);
    (folder, model)
}

/// A model that was trained on `input`, in the folder.
fn trained_on(input: &str, folder: &Path, args: &[&str]) -> PathBuf {
    program()
        .args(["-name", input, "-save_model_para", "True", "-output_dir"])
        .arg(folder)
        .args(SHORT)
        .args(args)
        .assert()
        .code(0);
    let name = Path::new(input).file_stem().expect("a name");
    let model = Path::new(name).with_extension("safetensors");
    folder.join("model_save").join(model)
}

/// Labels `input` under the name `new`, into the folder.
fn annotate(folder: &Path, model: &Path, input: &str, args: &[&str]) -> Assert {
    program()
        .args(["annotate", &format!("new={input}"), "-overwrite", "-model"])
        .arg(model)
        .arg("-output_dir")
        .arg(folder)
        .args(args)
        .assert()
}

/// The rows of a table without its header, sorted.
fn rows(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a table");
    let mut rows: Vec<String> = text.lines().skip(1).map(String::from).collect();
    rows.sort();
    rows
}

/// Columns of the labels, by cell.
fn labels(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let rows = rows(&folder.join(format!("pred_label/{name}.csv")));
    rows.iter()
        .map(|row| row.split(',').map(String::from).collect())
        .collect()
}

fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("results/new.json")).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

fn stderr(run: &Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

/// The golden data set as a table: cells in reverse order, and every gene whose number `keep` keeps in reverse order.
fn turned(folder: &Path, keep: impl Fn(usize) -> bool) -> String {
    let data = open(Path::new(SMALL), &ReadOptions::default()).expect("the golden data set");
    let genes = (0..data.gene_names.len()).rev().filter(|&gene| keep(gene));
    let cells = (0..data.counts.n_cells()).rev();
    table(
        folder,
        &data,
        &cells.collect::<Vec<_>>(),
        &genes.collect::<Vec<_>>(),
    )
}

/// Some cells and genes of a data set as a table.
fn table(folder: &Path, data: &DataSet, cells: &[usize], genes: &[usize]) -> String {
    let counts = dense(&data.counts.rows(0..data.counts.n_cells()).expect("counts"));
    let mut text = String::from("cell");
    for &gene in genes {
        let _ = write!(text, ",{}", data.gene_names[gene]);
    }
    for &cell in cells {
        let _ = write!(text, "\n{}", data.cell_names[cell]);
        for &gene in genes {
            let _ = write!(text, ",{}", counts[[cell, gene]]);
        }
    }
    let path = folder.join("table.csv");
    fs::write(&path, text + "\n").expect("written");
    path.display().to_string()
}

/// A copy of the golden data set in which the type `alpha` is called `zeta`, and `unassigned` are the cells that `is_unplaced` chooses.
fn with_types(folder: &Path, name: &str, is_unplaced: impl Fn(usize) -> bool) -> String {
    let path = folder.join(format!("{name}.h5ad"));
    fs::copy(SMALL, &path).expect("a copy");
    let file = hdf5::File::open_rw(&path).expect("a copy");
    let types = file.group("obs/celltype").expect("types");
    let names = ["zeta", "beta", "delta", "duct", "unassigned"];
    let names = names.map(|name| name.parse::<VarLenUnicode>().expect("text"));
    types.unlink("categories").expect("the names of types");
    let categories = types.new_dataset_builder().with_data(&names);
    categories.create("categories").expect("names of types");
    let codes = types.dataset("codes").expect("the types of cells");
    let mut of_cell: Array1<i8> = codes.read_1d().expect("the types of cells");
    for (cell, code) in of_cell.iter_mut().enumerate() {
        if is_unplaced(cell) {
            *code = 4;
        }
    }
    codes.write(&of_cell).expect("written");
    path.display().to_string()
}

/// What the program shows on a terminal; `None`, said aloud, where there are no terminals.
fn shown_on_terminal(args: &[&str]) -> Option<String> {
    let (mut terminal, screen) = terminal()?;
    let mut program = Process::new(PROGRAM);
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program.args(args).stdout(Stdio::null()).stderr(screen);
    let mut running = program.spawn().expect("a run");
    drop(program);
    let mut shown = Vec::new();
    // The end of what is shown is an error here: nobody has the other side any more.
    let _ = terminal.read_to_end(&mut shown);
    running.wait().expect("an end");
    Some(String::from_utf8_lossy(&shown).into_owned())
}

/// The numbers of an embedding, cell by cell.
fn embedding(folder: &Path, name: &str) -> Vec<f64> {
    let rows = rows(&folder.join(format!("embedding/{name}.csv")));
    let numbers = rows.iter().flat_map(|row| row.split(',').skip(1));
    numbers
        .map(|number| number.parse().expect("a number"))
        .collect()
}

#[test]
fn training_cells_get_their_own_places_and_labels_back() {
    for args in [
        "-knn False",
        "-knn True",
        "-connectivity_methods umap",
        "-preset published -clustering_epoch 0",
        "-preset published -clustering_epoch 0 -connectivity_methods umap",
    ] {
        let args: Vec<&str> = args.split(' ').chain(["-n_clusters", "4"]).collect();
        let (folder, model) = trained(&args);
        annotate(folder.path(), &model, SMALL, &[]).code(0);
        let [own, back] = ["small", "new"].map(|name| embedding(folder.path(), name));
        let differences = own.iter().zip(&back).map(|(own, back)| (own - back).abs());
        let largest = differences.fold(0.0, f64::max);
        assert!(largest < 3e-5, "{args:?}: {largest}");
        let [own, back] = ["small", "new"].map(|name| labels(folder.path(), name));
        assert!(
            own.iter()
                .zip(&back)
                .all(|(own, back)| own[..2] == back[..2]),
            "{args:?}"
        );
        assert_eq!(results(folder.path())["n_genes_missing"], 0);
    }
}

#[test]
fn results_depend_on_neither_the_order_of_cells_nor_threads() {
    let (folder, model) = trained(&[]);
    let outputs = |input: &str, args: &[&str]| {
        annotate(folder.path(), &model, input, args).code(0);
        ["embedding", "pred_label"].map(|what| rows(&folder.path().join(what).join("new.csv")))
    };
    let first = outputs(SMALL, &["-threads", "1"]);
    assert_eq!(outputs(SMALL, &["-threads", "2"]), first);
    let turned = turned(folder.path(), |_| true);
    assert_eq!(outputs(&turned, &[]), first);
}

#[test]
fn missing_genes_are_said_and_too_few_refused() {
    let (folder, model) = trained(&[]);
    let most = turned(folder.path(), |gene| gene % 5 != 0);
    let run = annotate(folder.path(), &model, &most, &[]).code(0);
    assert!(
        stderr(&run).contains("highly variable ones: these are taken to be as in an average cell")
    );
    assert!(results(folder.path())["n_hvg_missing"].as_u64() > Some(0));
    let few = turned(folder.path(), |gene| gene % 5 == 0);
    let before = fs::read(folder.path().join("pred_label/new.csv")).expect("labels");
    let run = annotate(folder.path(), &model, &few, &["-quiet"]).code(1);
    assert!(stderr(&run).contains("highly variable genes that the model was trained on"));
    let after = fs::read(folder.path().join("pred_label/new.csv")).expect("labels");
    assert_eq!(before, after);
}

#[test]
fn labels_have_the_names_of_types_or_of_a_table() {
    let (folder, model) = trained(&["-n_clusters", "3"]);
    annotate(folder.path(), &model, SMALL, &["-label_by", "celltype"]).code(0);
    let f1 = results(folder.path())["f1"]["named"].as_f64();
    assert!(f1 > Some(0.9), "{f1:?}");
    let table = folder.path().join("names.csv");
    fs::write(&table, "cluster,name\n0,big\n1,T细胞\n2,big\n").expect("written");
    let table = table.display().to_string();
    let drawn = ["-names", &table, "-save_umap", "True"];
    let told = stderr(&annotate(folder.path(), &model, SMALL, &drawn).code(0));
    let found = labels(folder.path(), "new");
    assert!(
        found
            .iter()
            .all(|row| ["big", "T细胞", "unassigned"].contains(&row[1].as_str()))
    );
    let note = "umap_figure/new_pred_label.png #1 is 'T细胞'\n";
    assert!(told.contains(note), "{told}");
    let both = ["-names", &table, "-label_by", "celltype"];
    annotate(folder.path(), &model, SMALL, &both).code(2);
    let (folder, model) = trained(&["-celltype", "unknown"]);
    let run = annotate(
        folder.path(),
        &model,
        SMALL,
        &["-quiet", "-label_by", "celltype"],
    )
    .code(1);
    let refusal = "no cell of this one has any; -label_by cluster gives clusters";
    assert!(stderr(&run).contains(refusal));
}

#[test]
fn types_keep_their_names_where_some_training_cells_are_unassigned() {
    let folder = tempfile::tempdir().expect("a folder");
    let half = with_types(folder.path(), "half", |cell| cell % 2 == 0);
    let all = with_types(folder.path(), "all", |_| false);
    let model = trained_on(&half, folder.path(), &[]);
    annotate(folder.path(), &model, &all, &["-label_by", "celltype"]).code(0);
    let f1 = results(folder.path())["f1"]["named"].as_f64();
    assert!(f1 > Some(0.9), "{f1:?}");
}

#[test]
fn every_output_is_written() {
    let (folder, model) = trained(&[]);
    let all = ["-save_h5ad", "True", "-save_umap", "True"];
    annotate(folder.path(), &model, SMALL, &all).code(0);
    for file in [
        "pred_label/new.csv",
        "embedding/new.csv",
        "results/new.json",
        "h5ad/new.h5ad",
        "umap_figure/new_pred_label.png",
        "umap_figure/new_new_cells.png",
        "umap_figure/new_true_label.png",
    ] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    let copy = hdf5::File::open(folder.path().join("h5ad/new.h5ad")).expect("a copy");
    for element in [
        "obs/attentionae/categories",
        "obs/attentionae_confidence",
        "obsm/X_attentionae",
        "obsm/X_attentionae_umap",
        "uns/attentionae/model",
    ] {
        assert!(copy.dataset(element).is_ok(), "{element}");
    }
}

#[test]
fn several_data_sets_are_labelled_with_one_model() {
    let (folder, model) = trained(&[]);
    let fewer = turned(folder.path(), |gene| gene % 5 != 0);
    let data_sets = [
        format!("one={SMALL}"),
        format!("fewer={fewer}"),
        format!("two={SMALL}"),
    ];
    program()
        .arg("annotate")
        .args(data_sets)
        .args(["-save_report", "True", "-model"])
        .arg(&model)
        .arg("-output_dir")
        .arg(folder.path())
        .assert()
        .code(0);
    assert_eq!(labels(folder.path(), "one"), labels(folder.path(), "two"));
    for (name, lacks_genes) in [("one", false), ("fewer", true), ("two", false)] {
        let report = folder.path().join(format!("report/{name}.html"));
        let report = fs::read_to_string(report).expect("a report");
        let note = "these are taken to be as in an average cell";
        assert_eq!(report.contains(note), lacks_genes, "{name}");
    }
}

#[test]
fn a_data_set_that_fails_does_not_stop_the_others() {
    let (folder, model) = trained(&[]);
    let broken = folder.path().join("broken.h5ad");
    fs::write(&broken, "no HDF5").expect("written");
    let label = |data_sets: &[&str]| {
        program()
            .arg("annotate")
            .args(data_sets)
            .args(["-quiet", "-model"])
            .arg(&model)
            .arg("-output_dir")
            .arg(folder.path())
            .assert()
            .code(1)
    };
    let broken = broken.display().to_string();
    let alone = stderr(&label(&[&broken]));
    assert!(alone.starts_with("error: ") && alone.contains("broken.h5ad: this is not"));
    let again = format!("again={broken}");
    let (one, two) = (format!("one={SMALL}"), format!("two={SMALL}"));
    let run = label(&[&one, &broken, &two, &again]);
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(lines[0].starts_with("one: 239 cells") && lines[1].starts_with("two: 239 cells"));
    assert_eq!(stderr(&run), alone.repeat(2));
    assert_eq!(labels(folder.path(), "one"), labels(folder.path(), "two"));
    let paths = [model.as_path(), folder.path()];
    let [model, output] = paths.map(|path| path.to_str().expect("text"));
    let args = [
        "annotate",
        &broken,
        &one,
        "-model",
        model,
        "-output_dir",
        output,
    ];
    let Some(shown) = shown_on_terminal(&args) else {
        return;
    };
    assert!(shown.contains("✓ Reading the model") && shown.contains("✓ Scoring"));
    assert!(!shown.contains(&format!("✓ Reading {broken}")), "{shown}");
}

#[test]
fn a_folder_in_the_place_of_an_output_is_told_before_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("none.safetensors");
    for output in [
        "results/new.json",
        "pred_label/new.csv",
        "umap_figure/new_pred_label.png",
        "umap_figure/new_new_cells.png",
        "umap_figure/new_true_label.png",
        "h5ad/new.h5ad",
    ] {
        let path = folder.path().join(output);
        fs::create_dir_all(&path).expect("a folder");
        let all = ["-quiet", "-save_h5ad", "True", "-save_umap", "True"];
        let told = stderr(&annotate(folder.path(), &model, SMALL, &all).code(1));
        let expected = format!("error: {}: this is a folder", path.display());
        assert!(told.starts_with(&expected), "{told}");
        fs::remove_dir(&path).expect("an empty folder");
    }
}

#[test]
fn results_of_a_run_and_of_annotate_are_kept() {
    let (folder, model) = trained(&[]);
    let annotate = |name: &str, more: &[&str]| {
        program()
            .args(["annotate", &format!("{name}={SMALL}"), "-model"])
            .arg(&model)
            .arg("-output_dir")
            .arg(folder.path())
            .args(more)
            .assert()
    };
    let of_run = fs::read(folder.path().join("results/small.json")).expect("results");
    let told = stderr(&annotate("small", &["-quiet"]).code(1));
    assert!(told.contains("the results of a run of "), "{told}");
    assert!(told.contains("; NAME=") && told.contains("(NAME not small) keeps both"));
    let after = fs::read(folder.path().join("results/small.json")).expect("results");
    assert_eq!(of_run, after);

    annotate("new", &["-save_h5ad", "True"]).code(0);
    let told = stderr(&annotate("new", &[]).code(0));
    let note = "note: of an earlier run, and not replaced: h5ad/new.h5ad\n";
    assert!(told.ends_with(note), "{told}");
    let run = program()
        .args([
            "-quiet",
            "-name",
            SMALL,
            "-output_name",
            "new",
            "-output_dir",
        ])
        .arg(folder.path())
        .args(SHORT)
        .assert()
        .code(1);
    let told = stderr(&run);
    assert!(told.contains("with annotate, which this run of"), "{told}");
    assert!(
        told.contains("; -output_name NAME (not new) keeps both"),
        "{told}"
    );
}

#[test]
fn a_batch_key_that_is_not_there_is_an_error() {
    let (folder, model) = trained(&[]);
    let run = annotate(folder.path(), &model, SMALL, &["-batch_key", "nope"]).code(1);
    let told = stderr(&run);
    assert!(told.contains("obs has no column 'nope'"), "{told}");
    let run = annotate(folder.path(), &model, SMALL, &["-batch_key", "celltype"]).code(0);
    let told = stderr(&run);
    assert!(told.contains("trained without -batch_key"), "{told}");
}

#[test]
fn what_is_no_model_of_this_version_is_refused_by_name() {
    let (folder, model) = trained(&[]);
    let bytes = fs::read(&model).expect("a model");
    let texts = |from: &str, to: &str| {
        let text = bytes.clone();
        let place = text
            .windows(from.len())
            .position(|part| part == from.as_bytes());
        let mut text = text;
        let place = place.expect("the text");
        text[place..place + to.len()].copy_from_slice(to.as_bytes());
        text
    };
    let format = "\"attentionae_sc_model\":\"4\"";
    for (content, part) in [
        (b"cell,label\n".to_vec(), "is not a model"),
        (bytes[..8].to_vec(), "is not a model"),
        (
            bytes[..bytes.len() / 2].to_vec(),
            "is damaged: the file is not whole",
        ),
        (
            texts(format, "\"attentionae_sc_model\":\"9\""),
            "in format 9; this version reads format 4",
        ),
        (
            texts(format, "\"attentionae_sc_mode_\":\"2\""),
            "whose models hold weights only",
        ),
        (
            texts(
                "\"annotate.celltypes.weights\"",
                "\"annotate.celltypes.weihgts\"",
            ),
            "annotate.celltypes.weights is missing",
        ),
        (
            texts("\"annotate.scaling.std\"", "\"annotate.scaling.sdt\""),
            "annotate.scaling.std is missing",
        ),
    ] {
        let other = folder.path().join("other.safetensors");
        fs::write(&other, content).expect("written");
        let run = annotate(folder.path(), &other, SMALL, &["-quiet"]).code(1);
        let told = stderr(&run);
        assert!(
            told.contains("other.safetensors: ") && told.contains(part),
            "{told}"
        );
    }
    let missing = folder.path().join("no.safetensors");
    let run = annotate(folder.path(), &missing, SMALL, &["-quiet"]).code(1);
    assert!(stderr(&run).contains("no.safetensors: cannot be read"));
    program().args(["annotate", "x"]).assert().code(2);
}

/// The shape of the decoder's weights of the batches in a model file; null where there are none.
fn batch_weights(model: &Path) -> Value {
    let bytes = fs::read(model).expect("a model");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    header["dec_1.batch"]["shape"].clone()
}

#[test]
fn cells_of_known_batches_are_corrected_as_the_training_cells_were() {
    let data = open(Path::new(SMALL), &ReadOptions::default()).expect("the golden data set");
    let Some(column) = data.obs.names().into_iter().find(|name| name == "celltype") else {
        panic!("types");
    };
    // Types stand in for batches.
    let (folder, model) = trained(&["-batch_key", &column, "-celltype", "unknown"]);
    let types = data.obs.labels(&column).expect("types");
    let n_batches = types.into_iter().collect::<HashSet<_>>().len();
    assert_eq!(batch_weights(&model), serde_json::json!([n_batches, 64]));
    let told = stderr(&annotate(folder.path(), &model, SMALL, &[]).code(0));
    assert!(told.contains("taken as none of these"), "{told}");
    annotate(folder.path(), &model, SMALL, &["-batch_key", &column]).code(0);
    let (own, back) = (labels(folder.path(), "small"), labels(folder.path(), "new"));
    let same = own
        .iter()
        .zip(&back)
        .filter(|(own, back)| own[..2] == back[..2]);
    assert!(same.count() * 100 >= own.len() * 99);
}

/// Microglia of a mouse brain are unknown to a model of all other cells there (Zeisel et al. 2015, doi:10.1126/science.aaa1934).
#[test]
fn cells_of_a_type_that_was_not_trained_on_are_unassigned() {
    let Some(zeisel) = shared("data/zeisel.h5ad") else {
        return;
    };
    let data = open(&zeisel, &ReadOptions::default()).expect("zeisel");
    let types = data.obs.labels("celltype").expect("types");
    let is_new: Vec<bool> = types
        .iter()
        .map(|name| name.as_deref() == Some("microglia"))
        .collect();
    let known: Vec<usize> = (0..types.len()).filter(|&cell| !is_new[cell]).collect();
    let genes: Vec<usize> = (0..data.gene_names.len()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let known = table(folder.path(), &data, &known, &genes);
    program()
        .args(["-name", &known, "-save_model_para", "True", "-output_dir"])
        .arg(folder.path())
        .assert()
        .code(0);
    let model = folder.path().join("model_save/table.safetensors");
    annotate(folder.path(), &model, &zeisel.display().to_string(), &[]).code(0);
    let text = fs::read_to_string(folder.path().join("pred_label/new.csv")).expect("labels");
    let unassigned: Vec<bool> = text
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(1) == Some("unassigned"))
        .collect();
    let count = |is_type: bool, is_told: bool| {
        let cells = is_new.iter().zip(&unassigned);
        cells
            .filter(|&(new, told)| *new == is_type && (*told || !is_told))
            .count()
    };
    assert!(count(true, true) * 100 >= count(true, false) * 70);
    assert!(count(false, true) * 100 <= count(false, false) * 5);
}
