//! obs and var in every encoding.

use std::fs;

use attentionae_sc::h5ad::H5ad;
use hdf5::{
    Group,
    types::{FixedAscii, FixedUnicode, VarLenUnicode},
};

use crate::draft::{CELLS, Draft, GENES, ascii_texts, assert_says, attribute, texts, values};

fn some<T: ToString>(values: &[T]) -> Vec<Option<String>> {
    values.iter().map(|value| Some(value.to_string())).collect()
}

fn column_order(obs: &Group, names: &[&str]) {
    let names = names.iter().map(|name| name.parse());
    let names: Vec<VarLenUnicode> = names.collect::<Result<_, _>>().expect("texts");
    let attribute = obs.new_attr_builder().with_data(&names);
    attribute.create("column-order").expect("an order");
}

#[test]
fn names_are_kept_even_where_they_are_equal() {
    let finished = Draft::new().finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_names().expect("cells"), CELLS);
    assert_eq!(file.var_names().expect("genes"), GENES);
    assert_eq!((file.n_cells(), file.n_genes()), (4, 3));
}

#[test]
fn the_index_may_be_called_index() {
    for name in ["_index", "index"] {
        let draft = Draft::new().without("obs");
        let obs = draft.file.create_group("obs").expect("obs");
        texts(&obs, name, &["a", "b", "c", "d"]);
        let finished = draft.finish();
        let file = H5ad::open(&finished.path).expect("a file");
        assert_eq!(file.obs_names().expect("cells"), ["a", "b", "c", "d"]);
        assert_eq!(file.obs_columns(), [""; 0]);
    }
}

#[test]
fn an_index_whose_name_holds_a_slash() {
    let draft = Draft::new().without("obs");
    let obs = draft.file.create_group("obs").expect("obs");
    texts(&obs, "cell/id", &["a", "b", "c", "d"]);
    attribute(&obs, "_index", "cell/id");
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_names().expect("cells"), ["a", "b", "c", "d"]);
}

#[test]
fn zero_has_no_sign() {
    let draft = Draft::new();
    values(&draft.obs(), "score", &[0.0_f64, -0.0, 1.5, f64::NAN]);
    let labels = draft.labels("score").expect("labels");
    let expected = [Some("0"), Some("0"), Some("1.5"), None];
    assert_eq!(labels, expected.map(|label| label.map(str::to_owned)));
}

#[test]
fn columns_follow_the_files_order() {
    let draft = Draft::new();
    for name in ["b", "a", "c"] {
        values(&draft.obs(), name, &[1, 2, 3, 4]);
    }
    let unordered = H5ad::open(&draft.finish().path)
        .expect("a file")
        .obs_columns();
    assert_eq!(unordered, ["a", "b", "c"]);

    let draft = Draft::new();
    for name in ["b", "a", "c"] {
        values(&draft.obs(), name, &[1, 2, 3, 4]);
    }
    column_order(&draft.obs(), &["c", "b", "a"]);
    let ordered = H5ad::open(&draft.finish().path)
        .expect("a file")
        .obs_columns();
    assert_eq!(ordered, ["c", "b", "a"]);
}

#[test]
fn a_column_with_a_slash_in_its_name_lies_in_a_group() {
    let draft = Draft::new();
    let obs = draft.obs();
    texts(&obs, "CD4/CD8", &["a", "b", "c", "d"]);
    values(&obs, "old/one", &[0_i8, 1, 1, 0]);
    let categories = obs.create_group("__categories").expect("a group");
    texts(&categories, "old/one", &["x", "y"]);
    column_order(&obs, &["old/one", "CD4/CD8", "CD4/none", "none/CD8"]);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_columns(), ["old/one", "CD4/CD8"]);
    let labels = |column| file.obs_labels(column).expect("labels");
    assert_eq!(labels("CD4/CD8"), some(&["a", "b", "c", "d"]));
    assert_eq!(labels("old/one"), some(&["x", "y", "y", "x"]));
    let typed = file.obs_frame().expect("columns");
    assert_eq!(typed[1].1.texts(), some(&["a", "b", "c", "d"]));
}

#[test]
fn an_empty_column_order_is_an_array_of_numbers() {
    let draft = Draft::new();
    let order = draft
        .obs()
        .new_attr::<f64>()
        .shape(0)
        .create("column-order");
    order.expect("an order");
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_columns(), [""; 0]);
}

#[test]
fn categorical() {
    let draft = Draft::new();
    let group = draft.obs().create_group("celltype").expect("a group");
    texts(&group, "categories", &["glia", "neuron"]);
    values(&group, "codes", &[1_i8, -1, 0, 1]);
    let expected = [Some("neuron"), None, Some("glia"), Some("neuron")];
    let labels = draft.labels("celltype").expect("labels");
    assert_eq!(labels, expected.map(|label| label.map(str::to_owned)));
}

#[test]
fn categorical_of_numbers_with_one_category() {
    let draft = Draft::new();
    let group = draft.obs().create_group("batch").expect("a group");
    values(&group, "categories", &[7_i64]);
    values(&group, "codes", &[0_i8; 4]);
    assert_eq!(draft.labels("batch").expect("labels"), some(&[7; 4]));
}

#[test]
fn categorical_with_nullable_categories() {
    let draft = Draft::new();
    let group = draft.obs().create_group("celltype").expect("a group");
    let categories = group.create_group("categories").expect("a group");
    texts(&categories, "values", &["a", "b"]);
    values(&categories, "mask", &[false, false]);
    values(&group, "codes", &[0_i8, 1, 1, 0]);
    let labels = draft.labels("celltype").expect("labels");
    assert_eq!(labels, some(&["a", "b", "b", "a"]));
}

#[test]
fn legacy_categories_beside_the_columns() {
    let draft = Draft::new();
    values(&draft.obs(), "celltype", &[0_i8, 1, -1, 0]);
    values(&draft.obs(), "age", &[3_i32, 4, 5, 6]);
    let categories = draft.obs().create_group("__categories").expect("a group");
    texts(&categories, "celltype", &["a", "b"]);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_columns(), ["age", "celltype"]);
    let labels = file.obs_labels("celltype").expect("labels");
    let expected = [Some("a"), Some("b"), None, Some("a")];
    assert_eq!(labels, expected.map(|label| label.map(str::to_owned)));
    assert_eq!(file.obs_labels("age").expect("ages"), some(&[3, 4, 5, 6]));
}

#[test]
fn texts_of_variable_and_fixed_length() {
    let draft = Draft::new();
    let obs = draft.obs();
    texts(&obs, "unicode", &["β", "δ", "", "a b"]);
    ascii_texts(&obs, "ascii", &["x", "y", "z", ""]);
    let fixed = ["T", "B", "NK", ""].map(|t| FixedAscii::<5>::from_ascii(t).expect("ASCII"));
    values(&obs, "fixed ascii", &fixed);
    let long = "β".repeat(40);
    let fixed = [long.as_str(), "b", "c", "d"].map(str::parse::<FixedUnicode<90>>);
    let fixed: Vec<_> = fixed.into_iter().collect::<Result<_, _>>().expect("texts");
    values(&obs, "fixed unicode", &fixed);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    let read = |column| file.obs_labels(column).expect("labels");
    assert_eq!(read("unicode"), some(&["β", "δ", "", "a b"]));
    assert_eq!(read("ascii"), some(&["x", "y", "z", ""]));
    assert_eq!(read("fixed ascii"), some(&["T", "B", "NK", ""]));
    assert_eq!(read("fixed unicode"), some(&[&long, "b", "c", "d"]));
}

#[test]
fn nullable_texts_numbers_and_truth_values() {
    let draft = Draft::new();
    let mask = [false, true, false, false];
    let group = draft.obs().create_group("texts").expect("a group");
    attribute(&group, "encoding-type", "nullable-string-array");
    texts(&group, "values", &["a", "", "c", "d"]);
    values(&group, "mask", &mask);
    let group = draft.obs().create_group("numbers").expect("a group");
    attribute(&group, "encoding-type", "nullable-integer");
    values(&group, "values", &[1_i64, 1, -3, i64::MAX]);
    values(&group, "mask", &mask);
    let group = draft.obs().create_group("truths").expect("a group");
    attribute(&group, "encoding-type", "nullable-boolean");
    values(&group, "values", &[true, true, false, true]);
    values(&group, "mask", &mask);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    let hidden = |mut labels: Vec<Option<String>>| {
        labels[1] = None;
        labels
    };
    let read = |column| file.obs_labels(column).expect("labels");
    assert_eq!(read("texts"), hidden(some(&["a", "", "c", "d"])));
    let max = "9223372036854775807";
    assert_eq!(read("numbers"), hidden(some(&["1", "", "-3", max])));
    assert_eq!(read("truths"), hidden(some(&["True", "", "False", "True"])));
}

#[test]
fn an_index_of_nullable_texts() {
    let draft = Draft::new().without("obs/_index");
    let group = draft.obs().create_group("_index").expect("a group");
    texts(&group, "values", &["a", "b", "c", "d"]);
    values(&group, "mask", &[false; 4]);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    assert_eq!(file.obs_names().expect("cells"), ["a", "b", "c", "d"]);
}

#[test]
fn truth_values_and_numbers() {
    let draft = Draft::new();
    let obs = draft.obs();
    values(&obs, "truth", &[true, false, false, true]);
    values(&obs, "whole", &[1_u64, 2, 3, u64::MAX]);
    values(&obs, "float", &[1_f64, 2.5, f64::NAN, -1e-3]);
    values(&obs, "single", &[0.1_f32, 3., 4., 5.]);
    let finished = draft.finish();
    let file = H5ad::open(&finished.path).expect("a file");
    let read = |column| file.obs_labels(column).expect("labels");
    assert_eq!(read("truth"), some(&["True", "False", "False", "True"]));
    assert_eq!(
        read("whole"),
        some(&["1", "2", "3", "18446744073709551615"])
    );
    let expected = [Some("1"), Some("2.5"), None, Some("-0.001")];
    assert_eq!(
        read("float"),
        expected.map(|label| label.map(str::to_owned))
    );
    assert_eq!(read("single"), some(&["0.1", "3", "4", "5"]));
}

#[test]
fn a_column_that_is_not_there() {
    let draft = Draft::new();
    values(&draft.obs(), "batch", &[1, 2, 3, 4]);
    values(&draft.obs(), "cell_type", &[1, 2, 3, 4]);
    let message = draft.labels("celltype").expect_err("no column").to_string();
    assert_says(&message, &["tiny.h5ad", "'celltype'", "cell_type, batch"]);
    let message = Draft::new()
        .labels("_index")
        .expect_err("no column")
        .to_string();
    assert_says(&message, &["no column '_index'", "no other"]);
}

#[test]
fn a_column_of_wrong_length() {
    let draft = Draft::new();
    values(&draft.obs(), "batch", &[1, 2, 3]);
    let message = draft
        .labels("batch")
        .expect_err("a short column")
        .to_string();
    assert_says(&message, &["obs/batch", "length 3", "4 rows"]);
}

#[test]
fn a_code_without_category() {
    let draft = Draft::new();
    let group = draft.obs().create_group("celltype").expect("a group");
    texts(&group, "categories", &["a", "b"]);
    values(&group, "codes", &[0_i8, 1, 2, 0]);
    let message = draft
        .labels("celltype")
        .expect_err("a bad code")
        .to_string();
    assert_says(&message, &["obs/celltype/codes", "holds 2", "0 to 1"]);
}

#[test]
fn a_mask_of_wrong_length() {
    let draft = Draft::new();
    let group = draft.obs().create_group("batch").expect("a group");
    values(&group, "values", &[1, 2, 3, 4]);
    values(&group, "mask", &[false]);
    let message = draft.labels("batch").expect_err("a short mask").to_string();
    assert_says(&message, &["obs/batch/mask", "length 1", "4"]);
}

#[test]
fn a_column_of_unknown_encoding() {
    let draft = Draft::new();
    let group = draft.obs().create_group("when").expect("a group");
    attribute(&group, "encoding-type", "datetime");
    let message = draft.labels("when").expect_err("unknown").to_string();
    assert_says(&message, &["obs/when", "'datetime'", "categorical"]);
}

#[test]
fn text_that_is_not_utf8() {
    let draft = Draft::new();
    let fixed = ["x", "QQQQ", "y", "z"].map(|t| FixedAscii::<4>::from_ascii(t).expect("ASCII"));
    values(&draft.obs(), "celltype", &fixed);
    let finished = draft.finish();
    // As a converter may write it that takes Latin-1 for UTF-8.
    let mut bytes = fs::read(&finished.path).expect("bytes");
    let start = bytes.windows(4).position(|window| window == b"QQQQ");
    bytes[start.expect("the text")] = 0xe4;
    fs::write(&finished.path, bytes).expect("a file");
    let file = H5ad::open(&finished.path).expect("a file");
    let message = file
        .obs_labels("celltype")
        .expect_err("no UTF-8")
        .to_string();
    assert_says(&message, &["obs/celltype", "UTF-8", "position 1"]);
}
