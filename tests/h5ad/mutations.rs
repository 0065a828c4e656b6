//! Whatever is dropped from a file, or stored with another type or shape, ends in an error or in the right
//! answer.
//!
//! `PROPTEST_CASES=20000` tries more than the usual number of mutations.

use std::{
    fs,
    path::{Path, PathBuf},
};

use attentionae_sc::{
    h5ad::{CountsIn, H5adError},
    read::{ReadError, ReadOptions, open},
};
use hdf5::{
    File, Group, H5Type, Location, LocationType,
    types::{FixedAscii, TypeDescriptor, VarLenUnicode},
};
use ndarray::Array2;
use proptest::{prelude::*, sample::Index};

/// Small files that together hold every encoding, and what is read of them.
const FILES: [(&str, Option<&str>); 11] = [
    ("csr.h5ad", None),
    ("csc.h5ad", None),
    ("dense_chunked.h5ad", None),
    ("obs_nullable_text.h5ad", None),
    ("obs_text.h5ad", None),
    ("anndata07_csr.h5ad", None),
    ("layers.h5ad", Some("layers/counts")),
    ("raw.h5ad", Some("raw/X")),
    ("tenx_v3.h5", None),
    ("tenx_v2.h5", None),
    ("xy.h5", None),
];

/// What is done to an element.
#[derive(Debug, Clone, Copy)]
enum Change {
    Drop,
    /// The same values with another type.
    Retype(Kind),
    /// The first values, or zeros, in another shape.
    Reshape(Shape),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Byte,
    Long,
    Unsigned,
    Double,
    Text,
    FixedText,
    Truth,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Scalar,
    Empty,
    Shorter,
    Longer,
    Column,
    Row,
    Cube,
    Huge,
}

/// What was read of a file.
#[derive(Debug, PartialEq)]
struct Found {
    counts: Array2<f32>,
    cells: Vec<String>,
    genes: Vec<String>,
    labels: Option<Vec<Option<String>>>,
}

fn change() -> impl Strategy<Value = Change> {
    use Kind::{Byte, Double, FixedText, Long, Text, Truth, Unsigned};
    use Shape::{Column, Cube, Empty, Huge, Longer, Row, Scalar, Shorter};
    prop_oneof![
        1 => Just(Change::Drop),
        2 => prop::sample::select(vec![Byte, Long, Unsigned, Double, Text, FixedText, Truth])
            .prop_map(Change::Retype),
        2 => prop::sample::select(vec![Scalar, Empty, Shorter, Longer, Column, Row, Cube, Huge])
            .prop_map(Change::Reshape),
    ]
}

fn original(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(name)
}

fn options(counts_in: Option<&str>) -> ReadOptions {
    ReadOptions {
        counts_in: match counts_in.map(|place| place.split_once('/')) {
            Some(Some(("layers", layer))) => CountsIn::Layer(layer.to_owned()),
            Some(_) => CountsIn::Raw,
            None => CountsIn::X,
        },
        ..ReadOptions::default()
    }
}

/// Reads everything that a run or a conversion reads.
fn read(path: &Path, options: &ReadOptions) -> Result<Found, ReadError> {
    let data = open(path, options)?;
    let n_cells = data.counts.n_cells();
    let rows = data.counts.rows(0..n_cells).map_err(H5adError::from)?;
    let has_labels = data.obs.names().iter().any(|name| name == "celltype");
    let labels = has_labels
        .then(|| data.obs.labels("celltype"))
        .transpose()?;
    for (_, column) in data.obs.columns()? {
        assert_eq!(column.n_rows(), n_cells);
    }
    assert_eq!(data.cell_names.len(), n_cells);
    assert_eq!(data.gene_names.len(), rows.cols());
    Ok(Found {
        counts: rows.to_dense(),
        cells: data.cell_names,
        genes: data.gene_names,
        labels,
    })
}

/// The paths of all groups and datasets, and of all attributes as `path@name`.
fn elements(group: &Group, prefix: &str, found: &mut Vec<String>) {
    attributes(group, prefix, found);
    for name in group.member_names().expect("names") {
        let path = format!("{prefix}/{name}");
        found.push(path.clone());
        match group.loc_type_by_name(&name).expect("a type") {
            LocationType::Group => elements(&group.group(&name).expect("a group"), &path, found),
            _ => attributes(&group.dataset(&name).expect("a dataset"), &path, found),
        }
    }
}

fn attributes(location: &Location, path: &str, found: &mut Vec<String>) {
    let names = location.attr_names().expect("attributes");
    found.extend(names.into_iter().map(|name| format!("{path}@{name}")));
}

/// Values of a dataset or an attribute.
enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

fn values(container: &hdf5::Container) -> Values {
    let dtype = container.dtype().and_then(|dtype| dtype.to_descriptor());
    match dtype {
        Ok(TypeDescriptor::VarLenUnicode) => {
            let texts = container.read_raw::<VarLenUnicode>().unwrap_or_default();
            Values::Texts(texts.iter().map(ToString::to_string).collect())
        }
        Ok(TypeDescriptor::FixedAscii(_)) => {
            let texts = container.read_raw::<FixedAscii<64>>().unwrap_or_default();
            Values::Texts(texts.iter().map(ToString::to_string).collect())
        }
        Ok(TypeDescriptor::Boolean) => {
            let truths = container.read_raw::<bool>().unwrap_or_default();
            Values::Numbers(truths.into_iter().map(f64::from).collect())
        }
        _ => Values::Numbers(container.read_raw().unwrap_or_default()),
    }
}

impl Values {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Numbers(numbers) => numbers.clone(),
            Self::Texts(texts) => (0..texts.len()).map(|text| text as f64).collect(),
        }
    }

    fn texts(&self) -> Vec<String> {
        match self {
            Self::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect(),
            Self::Texts(texts) => texts.clone(),
        }
    }
}

/// Where the element was, and how the new one is made: as a dataset or an attribute.
enum Target {
    Dataset(Group, String),
    Attribute(Location, String),
}

impl Target {
    fn write<T: H5Type + Clone>(&self, shape: &[usize], values: &[T], filler: &T) {
        let n = shape
            .iter()
            .try_fold(1_usize, |n, &length| n.checked_mul(length));
        match self {
            Self::Dataset(group, name) => {
                let builder = group.new_dataset::<T>().shape(shape);
                let dataset = builder.create(name.as_str()).expect("a dataset");
                if let Some(n) = n.filter(|&n| n > 0 && n < 1 << 20) {
                    dataset
                        .write_raw(&filled(values, filler, n))
                        .expect("values");
                }
            }
            Self::Attribute(location, name) => {
                let Ok(attribute) = location.new_attr::<T>().shape(shape).create(name.as_str())
                else {
                    return; // Attributes hold 64 kB at most.
                };
                if let Some(n) = n.filter(|&n| n > 0) {
                    attribute
                        .write_raw(&filled(values, filler, n))
                        .expect("values");
                }
            }
        }
    }
}

fn filled<T: Clone>(values: &[T], filler: &T, n: usize) -> Vec<T> {
    let fill = std::iter::repeat(filler.clone());
    values.iter().cloned().chain(fill).take(n).collect()
}

/// Changes an element of a file; a group can only be dropped. Returns whether the element was text.
fn mutate(path: &Path, element: &str, change: Change) -> bool {
    let file = File::open_rw(path).expect("a file");
    let taken = if let Some((owner, name)) = element.split_once('@') {
        Some(take_attribute(&file, owner, name))
    } else {
        let (owner, name) = element.rsplit_once('/').expect("a path");
        take_dataset(&file, owner, name)
    };
    let Some((target, shape, values)) = taken else {
        return false;
    };
    match change {
        Change::Drop => {}
        Change::Retype(kind) => retype(&target, kind, &shape, &values),
        Change::Reshape(change) => reshape(&target, change, &shape, &values),
    }
    matches!(values, Values::Texts(_))
}

/// The root has no name by which HDF5 opens it.
fn or_root(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

fn take_attribute(file: &File, owner: &str, name: &str) -> (Target, Vec<usize>, Values) {
    let owner = or_root(owner);
    let location: Location = match file.loc_type_by_name(owner).expect("a type") {
        LocationType::Group => (**file.group(owner).as_ref().expect("a group")).clone(),
        _ => (***file.dataset(owner).as_ref().expect("a dataset")).clone(),
    };
    let attribute = location.attr(name).expect("an attribute");
    let (shape, values) = (attribute.shape(), values(&attribute));
    drop(attribute);
    location.delete_attr(name).expect("it is dropped");
    (Target::Attribute(location, name.to_owned()), shape, values)
}

/// Drops a dataset or a group; `None` for a group.
fn take_dataset(file: &File, owner: &str, name: &str) -> Option<(Target, Vec<usize>, Values)> {
    let group = file.group(or_root(owner)).expect("a group");
    let dataset = group.dataset(name).ok();
    let old = dataset.map(|dataset| (dataset.shape(), values(&dataset)));
    group.unlink(name).expect("it is dropped");
    let (shape, values) = old?;
    Some((Target::Dataset(group, name.to_owned()), shape, values))
}

fn retype(target: &Target, kind: Kind, shape: &[usize], values: &Values) {
    let numbers = values.numbers();
    match kind {
        Kind::Byte => target.write(shape, &cast(&numbers, |n| n as i8), &0),
        Kind::Long => target.write(shape, &cast(&numbers, |n| n as i64), &0),
        Kind::Unsigned => target.write(shape, &cast(&numbers, |n| n as u32), &0),
        Kind::Double => target.write(shape, &numbers, &0.0),
        Kind::Truth => target.write(shape, &cast(&numbers, |n| n != 0.0), &false),
        Kind::Text => target.write(shape, &variable(&values.texts()), &VarLenUnicode::new()),
        Kind::FixedText => {
            let text = |text: &String| FixedAscii::<64>::from_ascii(text).unwrap_or_default();
            let texts: Vec<_> = values.texts().iter().map(text).collect();
            target.write(shape, &texts, &FixedAscii::new());
        }
    }
}

fn cast<T>(numbers: &[f64], to: impl Fn(f64) -> T) -> Vec<T> {
    numbers.iter().map(|&number| to(number)).collect()
}

fn variable(texts: &[String]) -> Vec<VarLenUnicode> {
    texts
        .iter()
        .map(|text| text.parse().expect("text"))
        .collect()
}

fn reshape(target: &Target, change: Shape, shape: &[usize], values: &Values) {
    let n: usize = shape.iter().product();
    let new = match change {
        Shape::Scalar => vec![],
        Shape::Empty => vec![0; shape.len().max(1)],
        Shape::Shorter => vec![n.saturating_sub(1)],
        Shape::Longer => vec![n + 1],
        Shape::Column => vec![n, 1],
        Shape::Row => vec![1, n],
        Shape::Cube => vec![1, n, 1],
        Shape::Huge => vec![1_000_000_000_000],
    };
    match values {
        Values::Numbers(numbers) => target.write(&new, numbers, &0.0),
        Values::Texts(texts) => target.write(&new, &variable(texts), &VarLenUnicode::new()),
    }
}

/// What of a file stays as it was under a change, unless it ends in an error.
struct Kept {
    counts: bool,
    names: bool,
}

impl Kept {
    fn under(element: &str, change: Change, is_text: bool) -> Self {
        // A truth value is none of the numbers it was made of; a text is no number.
        let is_lossy = matches!(
            change,
            Change::Retype(Kind::Truth | Kind::Text | Kind::FixedText) | Change::Reshape(_)
        );
        // Without their types, features are all taken for genes.
        let keeps = !is_lossy && !element.contains("feature");
        Self {
            counts: keeps,
            names: keeps && (!is_text || matches!(change, Change::Drop)),
        }
    }
}

proptest! {
    #[test]
    fn a_mutated_file_gives_an_error_or_the_right_answer(
        (name, counts_in) in prop::sample::select(FILES.to_vec()),
        index in any::<Index>(),
        change in change(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::copy(original(name), &path).expect("a copy");
        let options = options(counts_in);
        let before = read(&path, &options).expect("a good file");
        let mut all = Vec::new();
        let file = File::open(&path).expect("a file");
        elements(&file, "", &mut all);
        file.close().expect("a closed file");
        let element = index.get(&all);
        let kept = Kept::under(element, change, mutate(&path, element, change));
        match read(&path, &options) {
            Err(error) => {
                let message = error.to_string();
                prop_assert!(message.contains(name), "{element}, {change:?}: {message}");
                prop_assert!(message.lines().count() == 1, "{element}, {change:?}: {message}");
            }
            Ok(after) => {
                prop_assert_eq!(after.counts.dim(), (after.cells.len(), after.genes.len()));
                if kept.counts {
                    prop_assert_eq!(&after.counts, &before.counts, "{}, {:?}", element, change);
                }
                if kept.names {
                    prop_assert_eq!(&after.cells, &before.cells, "{}, {:?}", element, change);
                    prop_assert_eq!(&after.genes, &before.genes, "{}, {:?}", element, change);
                }
            }
        }
    }
}
