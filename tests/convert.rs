//! Converting `.h5` matrices and tables to `.h5ad`.

mod common;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    convert::{Converted, find_h5, tables_to_h5ad, to_h5ad},
    counts::CountSource,
    h5ad::H5ad,
    read::{ReadError, ReadOptions},
};
use flate2::{Compression, write::GzEncoder};
use hdf5::{H5Type, types::FixedAscii};
use ndarray::{Array2, arr2};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

const TABLE: &str = "\"\",\"barcode\",\"assigned_cluster\",\"Ins1\",\"Gcg\",\"Sst\"\n\
    \"m1_1\",\"AC\",\"beta\",\"5\",\"0\",\"1\"\n\
    \"m1_2\",\"AG\",\"alpha\",\"0\",\"7\",\"0\"\n";
const SECOND_TABLE: &str = ",barcode,assigned_cluster,Ins1,Gcg,Sst\n\
    m1_2,AT,beta,2,0,0\n";

fn csv_to_h5ad<P: AsRef<Path>>(inputs: &[P], output: &Path) -> Result<Converted, ReadError> {
    tables_to_h5ad(inputs, &ReadOptions::default(), output)
}

fn h5_to_h5ad(input: &Path, output: &Path) -> Result<Converted, ReadError> {
    to_h5ad(input, &ReadOptions::default(), output)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    fn gzip(&self, name: &str, content: &str) -> PathBuf {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content.as_bytes()).expect("gzip");
        self.file(name, encoder.finish().expect("gzip"))
    }

    fn zip(&self, name: &str, contents: &[(&str, &[u8])]) -> PathBuf {
        let path = self.file(name, "");
        let mut archive = ZipWriter::new(File::create(&path).expect("a file"));
        for (name, content) in contents {
            let started = archive.start_file(*name, SimpleFileOptions::default());
            started.expect("an entry");
            archive.write_all(content).expect("an entry");
        }
        archive.finish().expect("an archive");
        path
    }

    fn h5<T: H5Type, L: H5Type>(&self, name: &str, x: &Array2<T>, y: Option<&[L]>) -> PathBuf {
        let path = self.file(name, "");
        let file = hdf5::File::create(&path).expect("a file");
        let dataset = file.new_dataset_builder().with_data(x);
        dataset.create("X").expect("X");
        if let Some(y) = y {
            let dataset = file.new_dataset_builder().with_data(y);
            dataset.create("Y").expect("Y");
        }
        file.close().expect("a file");
        path
    }
}

fn counts(path: &Path) -> Array2<f32> {
    let counts = H5ad::open(path).and_then(|file| file.counts());
    let counts = counts.expect("counts");
    let rows = counts.rows(0..counts.n_cells()).expect("rows");
    rows.to_dense()
}

fn labels(path: &Path, column: &str) -> Vec<String> {
    let labels = H5ad::open(path).and_then(|file| file.obs_labels(column));
    let labels = labels.expect("labels").into_iter();
    labels.map(Option::unwrap_or_default).collect()
}

/// Asserts that a message of at most two lines has every one of these words, and nothing was written.
#[track_caller]
fn assert_refused(result: Result<Converted, ReadError>, output: &Path, words: &[&str]) {
    let message = result.expect_err("an input that is refused").to_string();
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
    assert!(message.lines().count() <= 2, "too long: {message}");
    assert!(!output.exists(), "something was written");
}

#[test]
fn one_table_plain_or_compressed() {
    let folder = Folder::new();
    let output = folder.path("AnnData/pancreas.h5ad");
    let inputs = [
        folder.file("m1.csv", TABLE),
        folder.gzip("m1.csv.gz", TABLE),
        folder.zip("m1.zip", &[("m1.csv", TABLE.as_bytes())]),
        folder.gzip("gzip_without_its_extension.csv", TABLE),
    ];
    for input in inputs {
        let converted = csv_to_h5ad(&[&input], &output).expect("a conversion");
        let expected = Converted {
            n_cells: 2,
            n_genes: 3,
            n_celltypes: Some(2),
            notes: converted.notes.clone(),
        };
        assert_eq!(converted, expected);
        assert_eq!(counts(&output), arr2(&[[5., 0., 1.], [0., 7., 0.]]));
        assert_eq!(labels(&output, "celltype"), ["beta", "alpha"]);
        assert_eq!(labels(&output, "barcode"), ["AC", "AG"]);
        let file = H5ad::open(&output).expect("a file");
        assert_eq!(file.obs_names().expect("cells"), ["m1_1", "m1_2"]);
        assert_eq!(file.var_names().expect("genes"), ["Ins1", "Gcg", "Sst"]);
        assert_eq!(file.obs_columns(), ["celltype", "barcode"]);
    }
}

#[test]
fn several_tables_become_one_data_set_with_unique_names() {
    let folder = Folder::new();
    let output = folder.path("pancreas.h5ad");
    let inputs = [
        folder.file("m1.csv", TABLE),
        folder.gzip("m2.csv.gz", SECOND_TABLE),
    ];
    let converted = csv_to_h5ad(&inputs, &output).expect("a conversion");
    assert_eq!((converted.n_cells, converted.n_celltypes), (3, Some(2)));
    let expected = arr2(&[[5., 0., 1.], [0., 7., 0.], [2., 0., 0.]]);
    assert_eq!(counts(&output), expected);
    assert_eq!(labels(&output, "sample"), ["m1", "m1", "m2.csv"]);
    let names = H5ad::open(&output).and_then(|file| file.obs_names());
    assert_eq!(names.expect("cells"), ["m1_1", "m1_2", "m1_2-1"]);
}

#[test]
fn an_archive_of_tables_is_read_in_the_order_of_names() {
    let folder = Folder::new();
    let output = folder.path("pancreas.h5ad");
    let contents: [(&str, &[u8]); 4] = [
        ("data/m2.csv", SECOND_TABLE.as_bytes()),
        ("data/m1.csv", TABLE.as_bytes()),
        ("__MACOSX/data/._m1.csv", b"\0\x05\x16"),
        ("readme.txt", b"text"),
    ];
    let input = folder.zip("pancreas.zip", &contents);
    csv_to_h5ad(&[input], &output).expect("a conversion");
    assert_eq!(labels(&output, "celltype"), ["beta", "alpha", "beta"]);
}

#[test]
fn tables_with_different_genes_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let first = folder.file("m1.csv", TABLE);
    let swapped = SECOND_TABLE.replace("Gcg,Sst", "Sst,Gcg");
    let second = folder.file("m2.csv", swapped);
    let words = ["m2.csv", "Sst is gene 2", "m1.csv has Gcg", "same order"];
    assert_refused(csv_to_h5ad(&[&first, &second], &output), &output, &words);
    let fewer = ",barcode,assigned_cluster,Ins1,Gcg\nc,A,beta,1,2\n";
    let second = folder.file("m3.csv", fewer);
    let words = ["m3.csv", "none is gene 3", "m1.csv has Sst"];
    assert_refused(csv_to_h5ad(&[&first, &second], &output), &output, &words);
}

#[test]
fn tables_without_cells_or_names_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    for (content, words) in [
        ("", "0 cells x 0 genes"),
        (",barcode,assigned_cluster,Ins1\n", "0 cells x 1 genes"),
        ("c1\nc2\n", "1 cells x 0 genes"),
        ("1,2\n3,4\n", "line 1: only numbers"),
    ] {
        let input = folder.file("other.csv", content);
        assert_refused(
            csv_to_h5ad(&[input], &output),
            &output,
            &["other.csv", words],
        );
    }
    let no_inputs: [&Path; 0] = [];
    assert_refused(csv_to_h5ad(&no_inputs, &output), &output, &["no input"]);
}

#[test]
fn entries_that_are_no_counts_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    for entry in ["-1", "0.5", "many", "1e99"] {
        let input = folder.file("m1.csv", TABLE.replace("\"7\"", entry));
        let found = format!("'{entry}'");
        let words = [
            "m1.csv, line 3",
            "column 'Gcg'",
            &found,
            "raw counts are needed",
        ];
        assert_refused(csv_to_h5ad(&[input], &output), &output, &words);
    }
}

#[test]
fn a_line_of_another_length_is_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let input = folder.file("m1.csv", format!("{TABLE}m1_3,AA,beta,1\n"));
    let words = ["m1.csv, line 4", "4 fields", "have 6"];
    assert_refused(csv_to_h5ad(&[input], &output), &output, &words);
}

#[test]
fn archives_that_are_damaged_or_hold_no_table_are_refused() {
    let folder = Folder::new();
    let output = folder.path("x.h5ad");
    let missing = folder.path("missing.csv");
    assert_refused(
        csv_to_h5ad(&[&missing], &output),
        &output,
        &["missing.csv", "cannot be read"],
    );
    let input = folder.zip("a.zip", &[("readme.txt", b"text")]);
    assert_refused(
        csv_to_h5ad(&[&input], &output),
        &output,
        &["a.zip", "no .csv or .tsv file"],
    );
    let whole = fs::read(&input).expect("bytes");
    let cut = folder.file("cut.zip", &whole[..whole.len() / 2]);
    assert_refused(
        csv_to_h5ad(&[&cut], &output),
        &output,
        &["cut.zip", "zip archive"],
    );
    let whole = fs::read(folder.gzip("m1.csv.gz", TABLE)).expect("bytes");
    let cut = folder.file("cut.csv.gz", &whole[..whole.len() - 12]);
    assert_refused(csv_to_h5ad(&[&cut], &output), &output, &["cut.csv.gz"]);
}

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

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    folder.file("AnnData", "");
    let output = folder.path("AnnData/x.h5ad");
    let input = folder.file("m1.csv", TABLE);
    assert_refused(
        csv_to_h5ad(&[input], &output),
        &output,
        &["AnnData/x.h5ad", "cannot be written"],
    );
}

/// A path below `../shared/data`, where that folder is.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    common::golden::skip(&format!("{} is not there", path.display()));
    None
}

#[test]
fn the_two_mouse_tables_of_baron() {
    let names = [
        "raw/Baron/Baron mouse1.zip",
        "raw/Baron/Baron mouse2.zip",
        "baron_mouse.h5ad",
    ];
    let [Some(first), Some(second), Some(expected)] = names.map(shared) else {
        return;
    };
    let folder = Folder::new();
    let output = folder.path("baron.h5ad");
    let converted = csv_to_h5ad(&[first, second], &output).expect("a conversion");
    let size = Converted {
        n_cells: 1886,
        n_genes: 14_878,
        n_celltypes: Some(13),
        notes: converted.notes.clone(),
    };
    assert_eq!(converted, size);
    assert_eq!(counts(&output), counts(&expected));
    assert_eq!(labels(&output, "celltype"), labels(&expected, "celltype"));
}

#[test]
fn the_mouse_bladder_matrix() {
    let names = [
        "raw/mouse_bladder/mouse_bladder.h5",
        "mouse_bladder_2100_allgenes.h5ad",
    ];
    let [Some(input), Some(expected)] = names.map(shared) else {
        return;
    };
    let folder = Folder::new();
    let output = folder.path("bladder.h5ad");
    let converted = h5_to_h5ad(&input, &output).expect("a conversion");
    assert_eq!((converted.n_cells, converted.n_genes), (2100, 20_670));
    assert_eq!(counts(&output), counts(&expected));
    assert!(
        labels(&output, "celltype")
            .iter()
            .all(|label| label.parse::<u8>().is_ok())
    );
}
