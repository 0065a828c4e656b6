//! The small simulated data set of `tests/golden` and the reference values of every stage on it.

use std::path::PathBuf;

use super::beside::shared;
use attentionae_sc::counts::Csr;
use hdf5::{
    Dataset, File, H5Type,
    types::{FixedAscii, VarLenUnicode},
};
use ndarray::{Array1, Array2};

/// The simulated cells, as an `.h5ad` file: 240 cells × 500 genes, cell 0 and gene 0 empty.
pub fn small_path() -> PathBuf {
    folder().join("small.h5ad")
}

/// The raw counts of the simulated cells.
pub fn small_counts() -> Csr {
    let shape: Vec<usize> = small()
        .group("X")
        .and_then(|x| x.attr("shape")?.read_raw())
        .expect("small.h5ad holds /X with its shape");
    let part = |name: &str| format!("X/{name}");
    Csr::new(
        (shape[0], shape[1]),
        values(&small(), &part("indptr")),
        values(&small(), &part("indices")),
        values(&small(), &part("data")),
    )
}

/// Names of the simulated cells.
pub fn small_cell_names() -> Vec<String> {
    small_names("obs/_index")
}

/// Names of the simulated genes.
pub fn small_gene_names() -> Vec<String> {
    small_names("var/_index")
}

/// A reference matrix, such as `prepare/zscore`.
pub fn array2(path: &str) -> Array2<f32> {
    dataset(&expected(), path)
        .read_2d()
        .unwrap_or_else(|e| panic!("expected.h5 /{path}: {e}"))
}

/// A reference vector, such as `prepare/size_factors`.
pub fn array1(path: &str) -> Array1<f32> {
    values(&expected(), path).into()
}

/// A reference number, such as `cluster/kl_loss`.
pub fn scalar(path: &str) -> f64 {
    dataset(&expected(), path)
        .read_scalar()
        .unwrap_or_else(|e| panic!("expected.h5 /{path}: {e}"))
}

/// Reference labels, such as `metrics/truth/labels`.
pub fn labels(path: &str) -> Vec<usize> {
    values(&expected(), path)
}

/// Reference names, such as `prepare/hvg_names`.
pub fn names(path: &str) -> Vec<String> {
    let names: Vec<FixedAscii<16>> = values(&expected(), path);
    names.iter().map(ToString::to_string).collect()
}

/// The largest absolute difference of two matrices of the same shape.
pub fn max_difference(found: &Array2<f32>, expected: &Array2<f32>) -> f32 {
    assert_eq!(found.dim(), expected.dim(), "shapes differ");
    let difference = |(a, b): (&f32, &f32)| {
        assert!(a.is_finite() && b.is_finite(), "{a} beside {b}");
        (a - b).abs()
    };
    found
        .iter()
        .zip(expected)
        .map(difference)
        .fold(0.0, f32::max)
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden"]
        .iter()
        .collect()
}

fn small() -> File {
    File::open(small_path()).expect("tests/golden/small.h5ad opens")
}

fn expected() -> File {
    File::open(folder().join("expected.h5")).expect("tests/golden/expected.h5 opens")
}

fn small_names(path: &str) -> Vec<String> {
    let names: Vec<VarLenUnicode> = values(&small(), path);
    names.iter().map(ToString::to_string).collect()
}

fn dataset(file: &File, path: &str) -> Dataset {
    file.dataset(path)
        .unwrap_or_else(|e| panic!("{} /{path}: {e}", file.filename()))
}

fn values<T: H5Type>(file: &File, path: &str) -> Vec<T> {
    dataset(file, path)
        .read_raw()
        .unwrap_or_else(|e| panic!("{} /{path}: {e}", file.filename()))
}

/// A reference value of any number of dimensions as a float tensor (an integer one stays integer).
pub fn tensor(path: &str) -> tch::Tensor {
    tensor_of(&expected(), path)
}

fn tensor_of(file: &File, path: &str) -> tch::Tensor {
    let dataset = dataset(file, path);
    let shape: Vec<i64> = dataset.shape().iter().map(|&size| size as i64).collect();
    if dataset.dtype().is_ok_and(|dtype| dtype.is::<i64>()) {
        return tch::Tensor::from_slice(&values::<i64>(file, path)).view(shape.as_slice());
    }
    tch::Tensor::from_slice(&values::<f32>(file, path)).view(shape.as_slice())
}

/// A reference vector of integers.
pub fn array1_i64(path: &str) -> Vec<i64> {
    values(&expected(), path)
}

/// The published training followed step by step, `trajectory.h5`, which is not part of this repository.
pub struct Trajectory(File);

impl Trajectory {
    /// The one that is shared beside the repository. Without it the calling test has nothing to compare with, and
    /// standard error says so, whether or not the test's output is captured.
    pub fn open() -> Option<Self> {
        let path = shared("golden/trajectory.h5")?;
        Some(Self(File::open(path).expect("trajectory.h5 opens")))
    }

    /// What a float32 run has, such as `pretrain/weights/enc_1.weight`.
    pub fn tensor(&self, path: &str) -> tch::Tensor {
        tensor_of(&self.0, &format!("float32/{path}"))
    }

    /// A table of doubles of a float32 run, such as `pretrain/losses`.
    pub fn table(&self, path: &str) -> Array2<f64> {
        dataset(&self.0, &format!("float32/{path}"))
            .read_2d()
            .unwrap_or_else(|e| panic!("trajectory.h5 /float32/{path}: {e}"))
    }

    /// Labels of a float32 run, epochs × cells.
    pub fn labels(&self) -> Array2<i64> {
        dataset(&self.0, "float32/cluster/labels")
            .read_2d()
            .unwrap_or_else(|e| panic!("trajectory.h5: {e}"))
    }

    /// The largest difference of any entry between a float32 and a float64 run.
    pub fn drift(&self, path: &str) -> f64 {
        dataset(&self.0, &format!("drift/{path}"))
            .read_scalar()
            .unwrap_or_else(|e| panic!("trajectory.h5 /drift/{path}: {e}"))
    }
}
