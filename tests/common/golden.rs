//! Reads the reference values in `tests/golden/expected.h5`.

use ndarray::Array2;

fn dataset(path: &str) -> hdf5::Dataset {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/expected.h5");
    hdf5::File::open(file)
        .and_then(|file| file.dataset(path))
        .expect("expected.h5 holds the value")
}

/// A matrix of `f32`.
pub fn array2(path: &str) -> Array2<f32> {
    dataset(path).read_2d().expect("a matrix of floats")
}

/// A vector of `i64`.
pub fn array1_i64(path: &str) -> Vec<i64> {
    dataset(path).read_raw().expect("a vector of integers")
}

/// One `f64`.
pub fn scalar(path: &str) -> f64 {
    dataset(path).read_scalar().expect("one float")
}
