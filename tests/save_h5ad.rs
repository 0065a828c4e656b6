//! Results in a copy of the input: what is added, what stays, what is refused.

use std::{fs, path::Path};

use assert_cmd::{Command, assert::Assert};
use attentionae_sc::h5ad::{Annotations, CellColumn, CellValues, H5ad, annotate};
use hdf5::{File, Location, types::VarLenUnicode};
use ndarray::{Array1, Array2, array};
use serde_json::{Value, json};
use tempfile::TempDir;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
/// Enough training to pass through every stage.
const SHORT: [&str; 6] = [
    "-training_epoch",
    "2",
    "-clustering_epoch",
    "0",
    "-n_hvg",
    "100",
];

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn run(input: &Path, output: &Path, args: &[&str]) -> Assert {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    program.env("HDF5_USE_FILE_LOCKING", "FALSE");
    program
        .arg("-name")
        .arg(input)
        .arg("-output_dir")
        .arg(output);
    let is_set = args.iter().any(|arg| arg.starts_with("-save_h5ad"));
    program.args(SHORT).args(args);
    program
        .args((!is_set).then_some("-save_h5ad=True"))
        .assert()
}

fn attribute(location: &Location, name: &str) -> String {
    let value = location
        .attr(name)
        .and_then(|attribute| attribute.read_scalar::<VarLenUnicode>());
    value.expect(name).to_string()
}

fn columns(file: &File) -> Vec<String> {
    let order = file.group("obs").and_then(|obs| obs.attr("column-order"));
    let order = order.and_then(|order| order.read_raw::<VarLenUnicode>());
    order
        .expect("column-order")
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The encoding and its version of an element.
fn encoding(file: &File, place: &str) -> [String; 2] {
    let (group, key) = place.rsplit_once('/').expect("a path");
    let parent = file.group(group).expect(group);
    let location: Location = match parent.group(key) {
        Ok(group) => (*group).clone(),
        Err(_) => (**parent.dataset(key).expect(key)).clone(),
    };
    ["encoding-type", "encoding-version"].map(|name| attribute(&location, name))
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut table = csv::Reader::from_path(path).expect("a table");
    let fields = |row: csv::StringRecord| row.iter().map(String::from).collect();
    table
        .records()
        .map(|row| fields(row.expect("a row")))
        .collect()
}

#[test]
fn every_cell_of_the_file_has_its_results_or_none() -> TestResult {
    let output = folder();
    run(
        SMALL.as_ref(),
        output.path(),
        &["-save_umap", "True", "-seed", "5"],
    )
    .code(0);
    let path = output.path().join("h5ad/small.h5ad");
    let labels = H5ad::open(&path)?.obs_labels("attentionae")?;
    let written = rows(&output.path().join("pred_label/small.csv"));
    assert_eq!((labels.len(), &labels[0]), (240, &None));
    for (label, row) in labels[1..].iter().zip(&written) {
        assert_eq!(label.as_ref(), Some(&row[1]));
    }

    let file = File::open(&path)?;
    assert_eq!(
        columns(&file),
        [
            "celltype",
            "attentionae",
            "attentionae_fine",
            "attentionae_confidence"
        ]
    );
    let z: Array2<f32> = file.dataset("obsm/X_attentionae")?.read_2d()?;
    assert_eq!(z.dim(), (240, 32));
    assert!(z.row(0).iter().all(|z| z.is_nan()));
    for (z, row) in z
        .rows()
        .into_iter()
        .skip(1)
        .zip(rows(&output.path().join("embedding/small.csv")))
    {
        let written: Vec<f32> = row[1..]
            .iter()
            .map(|z| z.parse().expect("a number"))
            .collect();
        assert_eq!(z.to_vec(), written);
    }
    let layout: Array2<f32> = file.dataset("obsm/X_attentionae_umap")?.read_2d()?;
    assert_eq!(layout.dim(), (240, 2));
    assert!(layout.row(0).iter().all(|place| place.is_nan()));
    assert!(layout.iter().skip(2).all(|place| place.is_finite()));
    let seed: i64 = file.dataset("uns/attentionae/seed")?.read_scalar()?;
    let ari: f64 = file.dataset("uns/attentionae/scores/ari")?.read_scalar()?;
    let results = fs::read(output.path().join("results/small.json"))?;
    let results: Value = serde_json::from_slice(&results)?;
    let recorded = results["scores"]["ari"].as_f64().expect("a number");
    // serde_json may read the last digit of a number otherwise than it was written.
    assert!(seed == 5 && (ari - recorded).abs() < 1e-15, "{ari}");
    Ok(())
}

#[test]
fn elements_say_how_they_are_encoded_as_anndata_does() -> TestResult {
    let output = folder();
    run(SMALL.as_ref(), output.path(), &["-save_umap", "True"]).code(0);
    let file = File::open(output.path().join("h5ad/small.h5ad"))?;
    for (place, kind, version) in [
        ("obs/attentionae", "categorical", "0.2.0"),
        ("obs/attentionae/codes", "array", "0.2.0"),
        ("obs/attentionae/categories", "string-array", "0.2.0"),
        ("obs/attentionae_fine", "categorical", "0.2.0"),
        ("obs/attentionae_confidence", "array", "0.2.0"),
        ("uns/attentionae/tree", "dict", "0.1.0"),
        ("uns/attentionae/tree/newick", "string", "0.2.0"),
        ("uns/attentionae/tree/splits", "string-array", "0.2.0"),
        ("obsm/X_attentionae", "array", "0.2.0"),
        ("obsm/X_attentionae_umap", "array", "0.2.0"),
        ("uns/attentionae", "dict", "0.1.0"),
        ("uns/attentionae/version", "string", "0.2.0"),
        ("uns/attentionae/seed", "numeric-scalar", "0.2.0"),
        ("uns/attentionae/parameters", "dict", "0.1.0"),
        ("uns/attentionae/parameters/knn", "numeric-scalar", "0.2.0"),
        ("uns/attentionae/parameters/cuda", "string", "0.2.0"),
    ] {
        assert_eq!(encoding(&file, place), [kind, version], "{place}");
    }
    let ordered: bool = file
        .group("obs/attentionae")?
        .attr("ordered")?
        .read_scalar()?;
    assert!(!ordered);
    Ok(())
}

#[test]
fn everything_that_the_input_held_stays() -> TestResult {
    let output = folder();
    run(SMALL.as_ref(), output.path(), &[]).code(0);
    let [before, after] = [SMALL.into(), output.path().join("h5ad/small.h5ad")].map(File::open);
    let (before, after) = (before?, after?);
    for place in ["X/indices", "X/indptr", "obs/celltype/codes"] {
        let values = |file: &File| {
            file.dataset(place)
                .and_then(|values| values.read_raw::<i64>())
        };
        assert_eq!(values(&before)?, values(&after)?, "{place}");
    }
    let values = |file: &File| {
        file.dataset("X/data")
            .and_then(|values| values.read_raw::<f32>())
    };
    assert_eq!(values(&before)?, values(&after)?);
    let names = |file: &File| {
        file.dataset("obs/_index")
            .and_then(|names| names.read_raw::<VarLenUnicode>())
    };
    assert_eq!(names(&before)?, names(&after)?);
    for group in ["/", "X", "var", "obs/celltype"] {
        let names = |file: &File| file.group(group).and_then(|group| group.member_names());
        assert_eq!(names(&before)?, names(&after)?, "{group}");
    }
    Ok(())
}

#[test]
fn results_in_the_input_are_replaced_only_where_wanted() -> TestResult {
    let (first, second) = (folder(), folder());
    run(SMALL.as_ref(), first.path(), &["-save_umap", "True"]).code(0);
    let input = first.path().join("h5ad/small.h5ad");
    let refused = run(&input, second.path(), &[]).code(1).stdout("");
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    let elements = "obs/attentionae, obs/attentionae_fine, obs/attentionae_confidence, obsm/X_attentionae, obsm/X_attentionae_umap, uns/attentionae";
    assert!(
        told.contains(elements) && told.contains("-overwrite True"),
        "{told}"
    );
    assert!(!told.contains("Preparing"), "{told}");
    assert_eq!(fs::read_dir(second.path())?.count(), 0);

    // A single resolution has no tree: the finer clusters of the earlier run are gone, too.
    let again = ["-overwrite", "True", "-n_z", "4", "-resolution", "1.0"];
    run(&input, second.path(), &again).code(0);
    let file = File::open(second.path().join("h5ad/small.h5ad"))?;
    assert_eq!(columns(&file), ["celltype", "attentionae"]);
    assert_eq!(file.dataset("obsm/X_attentionae")?.shape(), [240, 4]);
    // The figure was not drawn anew, and the old one does not fit the new embedding.
    assert_eq!(file.group("obsm")?.member_names()?, ["X_attentionae"]);
    Ok(())
}

#[test]
fn the_input_itself_is_never_replaced() -> TestResult {
    let output = folder();
    fs::create_dir(output.path().join("h5ad"))?;
    let input = output.path().join("h5ad/x.h5ad");
    fs::copy(SMALL, &input)?;
    let before = fs::read(&input)?;
    let refused = run(&input, output.path(), &["-overwrite", "True"]).code(1);
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        told.contains("is the input itself") && told.contains("-output_dir"),
        "{told}"
    );
    assert!(fs::read(&input)? == before);
    Ok(())
}

#[test]
fn a_part_that_cannot_be_read_matters_only_where_results_are_added() -> TestResult {
    let (inputs, output) = (folder(), folder());
    let path = inputs.path().join("x.h5ad");
    fs::copy(SMALL, &path)?;
    let file = File::open_rw(&path)?;
    file.unlink("uns").or_else(|_| Ok::<_, hdf5::Error>(()))?;
    file.link_soft("/no/such/group", "uns")?;
    file.close()?;
    run(&path, output.path(), &["-save_h5ad=False"]).code(0);
    let failed = run(&path, output.path(), &["-save_h5ad=True"]).code(1);
    let told = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(
        told.contains("error: ") && told.contains("cannot be written"),
        "{told}"
    );
    assert!(!output.path().join("h5ad/x.h5ad").exists());
    assert_eq!(fs::read_dir(output.path().join("h5ad"))?.count(), 0);
    Ok(())
}

/// Results of two of three cells.
const COLUMNS: [CellColumn<'static>; 3] = [
    CellColumn {
        name: "label",
        values: CellValues::Clusters(&[11, 0], None),
    },
    CellColumn {
        name: "fine",
        values: CellValues::Clusters(&[1, 0], None),
    },
    CellColumn {
        name: "confidence",
        values: CellValues::Numbers(&[0.25, 1.0]),
    },
];

fn annotations(n_cells: usize) -> Annotations<'static> {
    const Z: &[f32] = &[1.0, 2.0];
    let Value::Object(uns) = json!({
        "a/b": [1, 2.5], "texts": ["x", "y"], "mixed": [1, "x"], "none": null, "big": u64::MAX,
    }) else {
        panic!("an object");
    };
    Annotations {
        n_cells,
        cells: &[0, 2],
        columns: &COLUMNS,
        embedding: ndarray::ArrayView2::from_shape((2, 1), Z).expect("two rows"),
        layout: None,
        uns,
    }
}

/// A file of three cells whose `obs` has no columns, without `obsm` and `uns`.
fn bare(folder: &TempDir) -> hdf5::Result<std::path::PathBuf> {
    let path = folder.path().join("bare.h5ad");
    let file = File::create(&path)?;
    let obs = file.create_group("obs")?;
    let index: VarLenUnicode = "_index".parse().expect("text");
    obs.new_attr::<VarLenUnicode>()
        .create("_index")?
        .write_scalar(&index)?;
    // As anndata stores an empty list.
    obs.new_attr::<f64>().shape(0).create("column-order")?;
    let names = ["a", "b", "c"].map(|name| name.parse::<VarLenUnicode>().expect("text"));
    obs.new_dataset_builder()
        .with_data(&names)
        .create("_index")?;
    Ok(path)
}

#[test]
fn groups_that_are_missing_are_made() -> TestResult {
    let inputs = folder();
    let path = bare(&inputs)?;
    annotate(&path, &annotations(3))?;
    let file = File::open(&path)?;
    assert_eq!(
        columns(&file),
        ["attentionae", "attentionae_fine", "attentionae_confidence"]
    );
    let confidence: Vec<f32> = file.dataset("obs/attentionae_confidence")?.read_raw()?;
    assert!((confidence[0] - 0.25).abs() < 1e-9 && confidence[1].is_nan());
    let codes: Array1<i32> = file.dataset("obs/attentionae/codes")?.read_1d()?;
    assert_eq!(codes, array![11, -1, 0]);
    let categories = file
        .dataset("obs/attentionae/categories")?
        .read_raw::<VarLenUnicode>()?;
    let categories: Vec<&str> = categories.iter().map(VarLenUnicode::as_str).collect();
    assert_eq!(categories[..3], ["0", "1", "2"]);
    assert_eq!(categories[9..], ["9", "10", "11"]);
    let z: Vec<f32> = file.dataset("obsm/X_attentionae")?.read_raw()?;
    assert!(
        z[0].to_bits() == 1.0_f32.to_bits() && z[1].is_nan() && z[2].to_bits() == 2.0_f32.to_bits()
    );
    let uns = file.group("uns/attentionae")?;
    let mut names = uns.member_names()?;
    names.sort();
    assert_eq!(names, ["a_b", "big", "mixed", "texts"]);
    assert_eq!(uns.dataset("a_b")?.read_raw::<f64>()?, [1.0, 2.5]);
    let mixed: VarLenUnicode = uns.dataset("mixed")?.read_scalar()?;
    assert_eq!(mixed.as_str(), "[1,\"x\"]");
    for place in ["obsm/X_attentionae", "uns/attentionae"] {
        encoding(&file, place);
    }
    Ok(())
}

#[test]
fn a_file_that_has_other_cells_by_now_is_refused() -> TestResult {
    let inputs = folder();
    let path = bare(&inputs)?;
    let error = annotate(&path, &annotations(4)).expect_err("three cells");
    assert!(
        error.to_string().contains("4 cells were read before"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_table_in_another_file_is_left_alone() -> TestResult {
    let (inputs, others) = (folder(), folder());
    let other = bare(&others)?;
    let before = fs::read(&other)?;
    let path = inputs.path().join("linked.h5ad");
    let file = File::create(&path)?;
    file.link_external(&other.display().to_string(), "obs", "obs")?;
    file.close()?;
    let error = annotate(&path, &annotations(3)).expect_err("a link");
    assert!(error.to_string().contains("another file"), "{error}");
    assert!(fs::read(&other)? == before);
    Ok(())
}
