//! What a run writes and prints.

use std::{fs, path::Path};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use predicates::str::is_empty;
use safetensors::SafeTensors;

use crate::{
    changed::changed,
    program::{CELLS, SMALL, TestResult, fails, files, folder, results, rows, run, stderr, stdout},
};

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

/// The columns of a Parquet file, and each row's values.
fn parquet(path: &Path) -> (Vec<String>, Vec<Vec<Field>>) {
    let file = SerializedFileReader::try_from(path).expect("Parquet");
    let fields = file.metadata().file_metadata().schema().get_fields();
    let names = fields.iter().map(|field| field.name().to_owned()).collect();
    let rows = file.get_row_iter(None).expect("rows").map(|row| {
        let columns = row.expect("a row").into_columns();
        columns.into_iter().map(|(_, value)| value).collect()
    });
    (names, rows.collect())
}

#[test]
fn tables_can_be_parquet() {
    let output = folder();
    let markers = ["-save_markers", "True"];
    run(SMALL, output.path(), &markers).code(0);
    let as_parquet = [&markers[..], &["-table_format", "parquet"]].concat();
    run(SMALL, output.path(), &as_parquet).code(0);
    for table in ["pred_label", "embedding", "markers"] {
        let (header, rows) = rows(output.path().join(format!("{table}/small.csv")));
        let (names, read) = parquet(&output.path().join(format!("{table}/small.parquet")));
        assert_eq!(names, header);
        assert_eq!(read.len(), rows.len());
        for (read, row) in read.iter().zip(&rows) {
            for (value, text) in read.iter().zip(row) {
                let same = match value {
                    Field::Str(value) => value == text,
                    Field::Long(value) => value.to_string() == *text,
                    Field::Float(value) => text.parse() == Ok(*value),
                    Field::Double(value) => text.parse() == Ok(*value),
                    other => panic!("{table}: {other:?}"),
                };
                assert!(same, "{table}: {value:?} is not {text}");
            }
        }
    }
}

#[test]
fn outputs_of_an_earlier_run_that_stay_are_named() {
    let output = folder();
    let named = "note: of an earlier run, and not replaced: ";
    let first = ["-save_markers", "True", "-save_umap", "True"];
    let told = stderr(&run(SMALL, output.path(), &first).code(0));
    assert!(!told.contains(named), "{told}");
    let told = stderr(&run(SMALL, output.path(), &["-save_umap", "True"]).code(0));
    let line = format!("{named}markers/small.csv\n");
    assert!(told.ends_with(&line), "{told}");
    let other = ["-table_format", "parquet", "-output_name", "other"];
    let told = stderr(&run(SMALL, output.path(), &other).code(0));
    assert!(!told.contains(named), "{told}");
    let told = stderr(&run(SMALL, output.path(), &["-table_format", "parquet"]).code(0));
    let left = "pred_label/small.csv, embedding/small.csv, markers/small.csv, umap_figure/small_pred_label.png, \
                umap_figure/small_true_label.png\n";
    assert!(told.ends_with(&format!("{named}{left}")), "{told}");
}

#[test]
fn outputs_can_have_the_longest_name_there_is() {
    let output = folder();
    let name = "n".repeat(200);
    let args = ["-save_report", "True", "-output_name", &name];
    run(SMALL, output.path(), &args).code(0);
    let longest = format!("report/{name}_statistics_mqc.json");
    assert!(output.path().join(longest).is_file());
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
