//! X in every layout and type.

use std::collections::BTreeSet;

use attentionae_sc::{
    counts::{CountRules, CountSource},
    h5ad::H5ad,
};
use hdf5::{
    SimpleExtents,
    types::{FloatSize, IntSize, TypeDescriptor},
};
use ndarray::{arr2, aview2};

use crate::draft::{COUNTS, CSC, CSR, Draft, attribute, values};

fn expected() -> Vec<Vec<f32>> {
    COUNTS.iter().map(|row| row.to_vec()).collect()
}

#[test]
fn dense_contiguous() {
    assert_eq!(Draft::new().counts().expect("counts"), expected());
}

#[test]
fn dense_chunked_and_compressed() {
    let draft = Draft::new().without("X");
    let builder = draft.file.new_dataset_builder().with_data(aview2(&COUNTS));
    let dataset = builder.chunk((3, 2)).shuffle().deflate(6).create("X");
    dataset.expect("X");
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn dense_in_one_chunk_larger_than_the_cache() {
    let draft = Draft::new().without("X");
    let shape = SimpleExtents::resizable([4, 3]);
    let builder = draft.file.new_dataset::<f32>().shape(shape);
    let dataset = builder
        .chunk((4096, 128))
        .deflate(1)
        .create("X")
        .expect("X");
    dataset.write(&arr2(&COUNTS)).expect("values");
    drop(dataset);
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn dense_lzf() {
    let draft = Draft::new().without("X");
    let builder = draft.file.new_dataset_builder().with_data(aview2(&COUNTS));
    builder.chunk((4, 3)).lzf().create("X").expect("X");
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn every_numeric_type() {
    let counts = arr2(&COUNTS);
    let sizes = [IntSize::U1, IntSize::U2, IntSize::U4, IntSize::U8];
    let signed = sizes.map(TypeDescriptor::Integer);
    let unsigned = sizes.map(TypeDescriptor::Unsigned);
    let floats = [FloatSize::U4, FloatSize::U8].map(TypeDescriptor::Float);
    for dtype in signed.iter().chain(&unsigned).chain(&floats) {
        let draft = Draft::new().without("X");
        let builder = draft.file.new_dataset_builder();
        let dataset = builder.empty_as(dtype).shape(counts.dim()).create("X");
        let dataset = dataset.expect("X");
        dataset.write(&counts).expect("values");
        drop(dataset);
        assert_eq!(draft.counts().expect("counts"), expected(), "{dtype}");
    }
}

#[test]
fn truth_values_are_zero_and_one() {
    let x = arr2(&COUNTS).mapv(|value| value > 0.);
    let read = Draft::new().without("X").dense("X", &x).counts();
    let ones = |row: &[f32; 3]| row.iter().map(|&value| f32::from(value > 0.)).collect();
    let expected: Vec<Vec<f32>> = COUNTS.iter().map(ones).collect();
    assert_eq!(read.expect("counts"), expected);
}

#[test]
fn nan_is_refused_or_zero() {
    let zero = CountRules {
        nan_as_zero: true,
        ..CountRules::default()
    };
    let mut x = arr2(&COUNTS).mapv(f64::from);
    x[[0, 1]] = f64::NAN;
    x[[2, 2]] = f64::NAN;
    let draft = || Draft::new().without("X").dense("X", &x);
    let said = draft().counts().expect_err("NaN").to_string();
    assert!(
        said.contains("X holds 2 NaN, in 2 cells and 2 genes"),
        "{said}"
    );
    assert_eq!(draft().counts_by(zero).expect("counts"), expected());
    let (offsets, indices, mut data) = CSR;
    data[2] = f32::NAN;
    let draft = || Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    let said = draft().counts().expect_err("NaN").to_string();
    assert!(
        said.contains("X holds 1 NaN, in 1 cells and 1 genes"),
        "{said}"
    );
    assert_eq!(draft().counts_by(zero).expect("counts")[1], [0., 0., 0.]);
}

#[test]
fn csr_with_32_and_64_bit_offsets() {
    let (offsets, indices, data) = CSR;
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    assert_eq!(draft.counts().expect("counts"), expected());
    let offsets = offsets.map(|offset| offset as i32);
    let indices = indices.map(|index| index as i32);
    let data = data.map(|value| value as u16);
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn csr_with_unsorted_duplicate_and_zero_entries() {
    let offsets = [0, 4, 6, 6, 9];
    let indices = [2, 0, 2, 1, 1, 1, 2, 1, 0];
    let data = [1., 1., 1., 0., 1., 2., 6., 5., 4.];
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&offsets, &indices, &data));
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn csr_without_any_value() {
    let none: [i64; 0] = [];
    let draft = Draft::new().sparse("csr_matrix", [4, 3], (&[0; 5], &none, &none));
    assert_eq!(draft.counts().expect("counts"), [[0.; 3]; 4]);
}

#[test]
fn csc_becomes_rows() {
    let (offsets, indices, data) = CSC;
    let draft = Draft::new().sparse("csc_matrix", [4, 3], (&offsets, &indices, &data));
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn csc_with_duplicates_and_an_empty_gene() {
    let (offsets, indices, data) = ([0, 3, 3, 5], [3, 0, 3, 0, 3], [1, 1, 3, 2, 6]);
    let draft = Draft::new().sparse("csc_matrix", [4, 3], (&offsets, &indices, &data));
    let expected = [[1., 0., 2.], [0.; 3], [0.; 3], [4., 0., 6.]];
    assert_eq!(draft.counts().expect("counts"), expected);
}

#[test]
fn sparse_as_the_h5sparse_package_marked_it() {
    let draft = Draft::new().without("X");
    let group = draft.file.create_group("X").expect("X");
    attribute(&group, "h5sparse_format", "csr");
    let shape = group.new_attr_builder().with_data(&[4_i32, 3]);
    shape.create("h5sparse_shape").expect("shape");
    values(&group, "indptr", &CSR.0);
    values(&group, "indices", &CSR.1);
    values(&group, "data", &CSR.2);
    assert_eq!(draft.counts().expect("counts"), expected());
}

#[test]
fn one_cell_and_one_gene() {
    let draft = Draft::new().without("X").without("obs").without("var");
    for table in ["obs", "var"] {
        let group = draft.file.create_group(table).expect("a table");
        crate::draft::texts(&group, "index", &["only"]);
    }
    let draft = draft.dense("X", &arr2(&[[7_i32]]));
    assert_eq!(draft.counts().expect("counts"), [[7.]]);
}

#[test]
fn a_half_precision_matrix_written_by_python() {
    // Made by h5py, as there is no 16-bit float in Rust: f["X"] = np.array(..., dtype="f2").
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("half.h5ad");
    std::fs::write(&path, include_bytes!("half.h5ad")).expect("a file");
    let zero = CountRules {
        nan_as_zero: true,
        ..CountRules::default()
    };
    let counts = H5ad::open(&path).and_then(|file| file.counts_by(zero));
    let rows = counts.expect("counts").rows(0..2).expect("rows");
    assert_eq!(rows.to_dense(), arr2(&[[1., 0.], [0., 2048.]]));
}

#[test]
fn the_golden_data_set() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
    let file = H5ad::open(path.as_ref()).expect("a file");
    assert_eq!((file.n_cells(), file.n_genes()), (240, 500));
    let counts = file.counts().expect("counts").rows(0..240).expect("rows");
    assert_eq!(counts.nnz(), 37_627);
    let total: f64 = counts.data().iter().map(|&value| f64::from(value)).sum();
    assert!((total - 92_958.).abs() < 0.5, "{total}");
}

#[test]
fn the_data_set_that_comes_along() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Data/AnnData/zeisel.h5ad");
    let file = H5ad::open(path.as_ref()).expect("a file");
    assert_eq!((file.n_cells(), file.n_genes()), (3005, 4000));
    let counts = file.counts().expect("counts").rows(0..3005).expect("rows");
    assert_eq!(counts.nnz(), 6_820_329);
    let labels = file.obs_labels("celltype").expect("labels");
    let types: BTreeSet<_> = labels.iter().flatten().collect();
    assert_eq!((types.len(), labels.contains(&None)), (7, false));
}

#[test]
fn more_values_than_32_bits_can_count() {
    // The first row has 2^31 stored zeros, nearly all of them in chunks that need no room in the file.
    const FIRST: usize = 1 << 31;
    let offsets = [0, FIRST, FIRST + 2, FIRST + 2, FIRST + 5].map(|offset| offset as i64);
    let draft = Draft::new().without("X");
    let group = draft.file.create_group("X").expect("X");
    attribute(&group, "encoding-type", "csr_matrix");
    let shape = group.new_attr_builder().with_data(&[4_i64, 3]);
    shape.create("shape").expect("shape");
    values(&group, "indptr", &offsets);
    for (name, last) in [("data", [7_u8, 8, 4, 5, 6]), ("indices", [0, 2, 0, 1, 2])] {
        let dataset = group.new_dataset::<u8>().shape(FIRST + 5).chunk(1 << 20);
        let dataset = dataset.create(name).expect("a dataset");
        let zeros = vec![0_u8; 4 << 20];
        dataset.write_slice(&zeros, ..zeros.len()).expect("zeros");
        dataset.write_slice(&last, FIRST..).expect("values");
    }
    let finished = draft.finish();
    let counts = H5ad::open(&finished.path).and_then(|file| file.counts());
    let rows = counts.expect("counts").rows(1..4).expect("rows");
    let expected = arr2(&[[7., 0., 8.], [0., 0., 0.], [4., 5., 6.]]);
    assert_eq!(rows.to_dense(), expected);
}
