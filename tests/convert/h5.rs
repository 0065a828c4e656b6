//! `.h5` files of X and Y.

use std::{
    fs,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    convert::find_h5,
    counts::CountRules,
    h5ad::H5ad,
    read::{ReadOptions, open},
};
use hdf5::types::FixedAscii;
use ndarray::{Array2, arr2};

use crate::folder::{Folder, assert_refused, counts, h5_to_h5ad, labels};

#[test]
fn h5_with_labels_of_every_kind() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let x = arr2(&[[1_i32, 0], [0, 300], [2, 2]]);
    let check = |input: &Path, expected: [&str; 3]| {
        let converted = h5_to_h5ad(input, &output).expect("a conversion");
        assert_eq!((converted.n_cells, converted.n_genes), (3, 2));
        assert_eq!(counts(&output), x.mapv(|count| count as f32));
        assert_eq!(labels(&output, "celltype"), expected);
        let file = H5ad::open(&output).expect("a file");
        assert_eq!(file.obs_names().expect("cells")[2], "cell_2");
        assert_eq!(file.var_names().expect("genes")[1], "gene_1");
    };
    check(
        &folder.h5("float.h5", &x, Some(&[2_f64, 1., 10.])),
        ["2", "1", "10"],
    );
    check(
        &folder.h5("whole.h5", &x, Some(&[-1_i64, 0, 7])),
        ["-1", "0", "7"],
    );
    let bytes = ["T cell", "B", "NK"].map(|t| FixedAscii::<8>::from_ascii(t).expect("ASCII"));
    check(
        &folder.h5("bytes.h5", &x, Some(&bytes)),
        ["T cell", "B", "NK"],
    );
    let float = x.mapv(f64::from);
    check(
        &folder.h5("double.h5", &float, Some(&[1_u8, 2, 3])),
        ["1", "2", "3"],
    );
}

#[test]
fn h5_without_labels_has_no_celltype() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let input = folder.h5::<i32, i32>("x.h5", &arr2(&[[1, 2]]), None);
    let converted = h5_to_h5ad(&input, &output).expect("a conversion");
    assert_eq!(converted.n_celltypes, None);
    assert_eq!(H5ad::open(&output).expect("a file").obs_columns(), [""; 0]);
}

#[test]
fn h5_in_an_archive() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let plain = folder.h5("x.h5", &arr2(&[[1, 2]]), Some(&[3_f64]));
    let content = fs::read(&plain).expect("bytes");
    let input = folder.zip("x.zip", &[("x.h5", &content)]);
    h5_to_h5ad(&input, &output).expect("a conversion");
    assert_eq!(labels(&output, "celltype"), ["3"]);
    fs::remove_file(&output).expect("a file");
    let input = folder.zip("xy.zip", &[("x.h5", &content), ("y.h5", &content)]);
    assert_refused(
        h5_to_h5ad(&input, &output),
        &output,
        &["xy.zip", "2 .h5 files"],
    );
    let input = folder.zip("text.zip", &[("x.h5", b"text")]);
    let refused = format!("{}: this is not an .h5ad file", input.display());
    assert_refused(h5_to_h5ad(&input, &output), &output, &[&refused]);
}

#[test]
fn nan_that_are_read_as_0_are_noted() {
    let folder = Folder::new();
    let xy = arr2(&[[1., 2.], [f32::NAN, 3.]]);
    let xy = folder.h5("xy.h5", &xy, Some(&[1, 2]));
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let tenx = fs::read(formats.join("tenx_v3.h5")).expect("bytes");
    let tenx = folder.file("tenx.h5", tenx);
    let file = hdf5::File::open_rw(&tenx).expect("a file");
    let matrix = file.group("matrix").expect("a group");
    let data = matrix.dataset("data").and_then(|data| data.read_raw());
    let mut data: Vec<f32> = data.expect("values");
    data[0] = f32::NAN;
    matrix.unlink("data").expect("the whole numbers");
    let builder = matrix.new_dataset_builder().with_data(&data);
    builder.create("data").expect("a dataset");
    drop(matrix);
    file.close().expect("a file");
    let options = ReadOptions {
        rules: CountRules {
            nan_as_zero: true,
            ..CountRules::default()
        },
        ..ReadOptions::default()
    };
    for (input, cell) in [(xy, 1), (tenx, 0)] {
        let data = open(&input, &options).expect("a data set");
        let expected = format!(
            "read as 0: 1 NaN, in 1 cells and 1 genes, the first in cell '{cell}', gene '0'"
        );
        assert!(data.notes.contains(&expected), "{:?}", data.notes);
    }
}

#[test]
fn a_name_is_looked_for_below_the_data_folder() {
    let folder = Folder::new();
    let data = folder.0.path();
    let message = find_h5("bladder", data)
        .expect_err("no such name")
        .to_string();
    assert!(message.contains("no data set 'bladder'"), "{message}");
    assert!(message.contains("bladder/bladder.h5 nor"), "{message}");
    let zip = folder.file("bladder/bladder.zip", "");
    assert_eq!(find_h5("bladder", data).expect("a file"), zip);
    let h5 = folder.file("bladder/bladder.h5", "");
    assert_eq!(find_h5("bladder", data).expect("a file"), h5);
    let path = h5.to_str().expect("text");
    assert_eq!(find_h5(path, Path::new("nowhere")).expect("a file"), h5);
}

#[test]
fn h5_files_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let refused = |input: PathBuf, words: &[&str]| {
        assert_refused(h5_to_h5ad(&input, &output), &output, words);
    };
    let x = arr2(&[[1, 2], [3, 4], [5, 6]]);
    refused(
        folder.h5("a.h5", &x, Some(&[1, 2])),
        &["a.h5", "2 labels", "3 rows", "transpose"],
    );
    refused(
        folder.h5("b.h5", &x, Some(&[1; 5])),
        &["b.h5", "5 labels", "3 rows"],
    );
    let logged = x.mapv(|count| f64::from(count).ln_1p());
    refused(
        folder.h5("c.h5", &logged, Some(&[1; 3])),
        &["c.h5", "raw counts are needed"],
    );
    let none = Array2::<f32>::zeros((0, 4));
    refused(
        folder.h5::<_, i32>("d.h5", &none, None),
        &["d.h5", "0 cells x 4 genes"],
    );
    refused(folder.file("e.h5", "text"), &["e.h5", "HDF5"]);
    refused(folder.path("f.h5"), &["f.h5", "no such file"]);
    let path = folder.file("g.h5", "");
    let file = hdf5::File::create(&path).expect("a file");
    file.create_group("matrix").expect("a group");
    file.close().expect("a file");
    refused(path, &["g.h5", "nor X and Y; it holds: matrix"]);
}
