//! Files that are written.

use std::{fs, path::Path};

use attentionae_sc::{
    counts::{CountSource, Csr},
    h5ad::{Column, H5ad, NewH5ad, write_h5ad},
};

use crate::draft::{CSR, assert_says};

fn counts() -> Csr {
    let (offsets, columns, values) = CSR;
    let offsets = offsets.iter().map(|&offset| offset as usize).collect();
    let columns = columns.iter().map(|&column| column as u32).collect();
    Csr::new((4, 3), offsets, columns, values.to_vec())
}

fn data(counts: &Csr) -> NewH5ad<'_> {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let labels = [Some("neuron"), None, Some("glia"), Some("neuron")];
    let labels = labels.map(|label| label.map(str::to_owned)).to_vec();
    NewH5ad {
        counts,
        obs_names: owned(&["a", "b", "c", "d"]),
        var_names: owned(&["Gad1", "Mbp", "Aif1"]),
        obs: vec![
            ("celltype".to_owned(), Column::Categorical(labels)),
            (
                "barcode".to_owned(),
                Column::Text(owned(&["w", "x", "y", "zβ"])),
            ),
            ("age".to_owned(), Column::Whole(vec![3, 1, -4, 1])),
            (
                "score".to_owned(),
                Column::Number(vec![0.5, f64::NAN, 1., 2.]),
            ),
            (
                "is_doublet".to_owned(),
                Column::Truth(vec![true, false, false, true]),
            ),
        ],
        var: vec![(
            "gene_ids".to_owned(),
            Column::Text(owned(&["E1", "E2", "E3"])),
        )],
        uns: vec![("source".to_owned(), "a test".to_owned())],
    }
}

#[test]
fn what_is_written_reads_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.h5ad");
    let counts = counts();
    let data = data(&counts);
    write_h5ad(&path, &data).expect("a file");
    let file = H5ad::open(&path).expect("a file");
    assert_eq!(
        file.counts().expect("counts").rows(0..4).expect("rows"),
        counts
    );
    assert_eq!(file.obs_names().expect("cells"), data.obs_names);
    assert_eq!(file.var_names().expect("genes"), data.var_names);
    let columns = ["celltype", "barcode", "age", "score", "is_doublet"];
    assert_eq!(file.obs_columns(), columns);
    let table = file.obs_frame().expect("columns");
    for ((name, column), (read_name, read)) in data.obs.iter().zip(&table) {
        assert_eq!((name, column.texts()), (read_name, read.texts()));
        let same_type = std::mem::discriminant(column) == std::mem::discriminant(read);
        assert!(same_type, "{name}: {read:?}");
    }
    assert_eq!(file.var_frame().expect("columns"), data.var);
    let labels = file.obs_labels("celltype").expect("labels");
    let expected = [Some("neuron"), None, Some("glia"), Some("neuron")];
    assert_eq!(labels, expected.map(|label| label.map(str::to_owned)));
    let barcodes = file.obs_labels("barcode").expect("barcodes");
    assert_eq!(barcodes[3].as_deref(), Some("zβ"));
}

#[test]
fn columns_get_names_that_a_file_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.h5ad");
    let counts = counts();
    let mut data = data(&counts);
    let column = |name: &str, n| (name.to_owned(), Column::Whole((0..n).collect()));
    let names = ["a", "a", "", "", "_index", "CD4", "CD4/CD8", "."];
    data.obs = names.map(|name| column(name, 4)).to_vec();
    data.var = ["x", "x"].map(|name| column(name, 3)).to_vec();
    write_h5ad(&path, &data).expect("a file");
    let file = H5ad::open(&path).expect("a file");
    let numbered = [
        "a",
        "a-1",
        "unnamed",
        "unnamed-1",
        "_index-1",
        "CD4",
        "CD4_CD8",
        "unnamed-2",
    ];
    assert_eq!(file.obs_columns(), numbered);
    assert_eq!(file.obs_names().expect("cells"), data.obs_names);
    let var = file.var_frame().expect("columns");
    assert_eq!(var, ["x", "x-1"].map(|name| column(name, 3)));
}

#[test]
fn every_element_says_how_it_is_encoded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.h5ad");
    write_h5ad(&path, &data(&counts())).expect("a file");
    let file = hdf5::File::open(&path).expect("a file");
    let text = |location: &hdf5::Location, name: &str| {
        let attribute = location.attr(name).expect("an attribute");
        let value = attribute.read_scalar::<hdf5::types::VarLenUnicode>();
        value.expect("a text").to_string()
    };
    assert_eq!(text(&file, "encoding-type"), "anndata");
    let groups = [
        ("X", "csr_matrix", "0.1.0"),
        ("obs", "dataframe", "0.2.0"),
        ("obs/celltype", "categorical", "0.2.0"),
        ("var", "dataframe", "0.2.0"),
        ("uns", "dict", "0.1.0"),
        ("layers", "dict", "0.1.0"),
        ("obsm", "dict", "0.1.0"),
    ];
    for (name, encoding, version) in groups {
        let group = file.group(name).expect("a group");
        assert_eq!(text(&group, "encoding-type"), encoding, "{name}");
        assert_eq!(text(&group, "encoding-version"), version, "{name}");
    }
    for (name, encoding) in [("obs/_index", "string-array"), ("uns/source", "string")] {
        let dataset = file.dataset(name).expect("a dataset");
        assert_eq!(text(&dataset, "encoding-type"), encoding, "{name}");
    }
    let filters = file.dataset("X/data").expect("a dataset").filters();
    assert!(
        filters.contains(&hdf5::filters::Filter::Deflate(4)),
        "{filters:?}"
    );
}

#[test]
fn equal_data_give_equal_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let [first, second] = ["1.h5ad", "2.h5ad"].map(|name| folder.path().join(name));
    write_h5ad(&first, &data(&counts())).expect("a file");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    write_h5ad(&second, &data(&counts())).expect("a file");
    let [first, second] = [first, second].map(|path| fs::read(path).expect("bytes"));
    assert!(first == second, "the bytes differ");
}

#[test]
fn lengths_that_do_not_fit_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.h5ad");
    let counts = counts();
    let mut short = data(&counts);
    short.obs_names.pop();
    let message = write_h5ad(&path, &short)
        .expect_err("too short")
        .to_string();
    assert_says(&message, &["new.h5ad", "obs_names has 3", "needs 4"]);
    let mut zero = data(&counts);
    zero.var_names[1] = "a\0b".to_owned();
    let message = write_h5ad(&path, &zero)
        .expect_err("a zero byte")
        .to_string();
    assert_says(&message, &["new.h5ad", "a\\0b"]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("AnnData"), "").expect("a file");
    let path: &Path = &folder.path().join("AnnData/new.h5ad");
    let message = write_h5ad(path, &data(&counts()))
        .expect_err("no folder")
        .to_string();
    assert_says(&message, &["AnnData/new.h5ad", "cannot be written"]);
}

#[test]
fn a_group_that_cannot_be_listed_is_damaged_not_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.h5ad");
    write_h5ad(&path, &data(&counts())).expect("a file");
    let whole = fs::read(&path).expect("bytes");
    // A group with more than eight members, as the root is, lists them in a tree.
    let blocks = whole.windows(4).enumerate();
    let blocks: Vec<usize> = blocks
        .filter(|(_, w)| w == b"BTHD")
        .map(|(at, _)| at)
        .collect();
    let mut root_damaged = false;
    for block in blocks {
        let mut bytes = whole.clone();
        bytes[block + 10] ^= 0x55;
        fs::write(&path, bytes).expect("a file");
        if let Err(error) = H5ad::open(&path) {
            let message = error.to_string();
            assert!(!message.contains("there is no"), "{message}");
            root_damaged |= message.contains("the file cannot be read");
        }
    }
    assert!(root_damaged, "no block of the root was met");
}
