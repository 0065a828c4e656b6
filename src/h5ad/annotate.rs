//! Adding a run's results to an `.h5ad` file that is there already.

use std::path::Path;

use hdf5::Group;
use ndarray::{Array2, ArrayView2, Axis};
use serde_json::{Map, Value};

use super::{
    H5adError,
    data_frame::DataFrame,
    element::{Element, Group as Checked},
    element_path::ElementPath,
    new_elements::{encode, new_group, write_attribute_list, write_codes},
    text, uns,
};
use crate::grouping::n_groups;

/// What results are called in `obs` and `uns`.
const KEY: &str = "attentionae";
/// The results of a cell, as `pred_label` calls them; in `obs` they are `attentionae` and `attentionae_…`.
const COLUMNS: [&str; 3] = [LABEL, "fine", "confidence"];
/// The one of them that is called [`KEY`] alone.
const LABEL: &str = "label";
/// The embedding in `obsm`.
const EMBEDDING: &str = "X_attentionae";
/// The places of cells in the figure, in `obsm`; scanpy plots what is called `X_…`.
const LAYOUT: &str = "X_attentionae_umap";
/// The attribute of a data frame that lists its columns.
const COLUMN_ORDER: &str = "column-order";

/// A result of every cell, as a column of `pred_label` and of `obs`.
#[derive(Debug, Clone, Copy)]
pub struct CellColumn<'a> {
    /// Its name in `pred_label`: `label`, `fine` or `confidence`.
    pub name: &'static str,
    /// Its values, cell by cell.
    pub values: CellValues<'a>,
}

/// A value for every cell.
#[derive(Debug, Clone, Copy)]
pub enum CellValues<'a> {
    /// Clusters, 0.., and what these are called; their numbers where that is not given.
    Clusters(&'a [usize], Option<&'a [String]>),
    /// Numbers; `pred_label` has them with three decimals.
    Numbers(&'a [f32]),
}

/// Results of a run on some or all cells of a file.
#[derive(Debug)]
pub struct Annotations<'a> {
    /// Cells in the file.
    pub n_cells: usize,
    /// The rows of the file that have results, ascending.
    pub cells: &'a [usize],
    /// What was found of each of these.
    pub columns: &'a [CellColumn<'a>],
    /// Their embedding, cells × dimensions.
    pub embedding: ArrayView2<'a, f32>,
    /// Their places in the figure, cells × 2, where it was drawn.
    pub layout: Option<ArrayView2<'a, f32>>,
    /// How they came about.
    pub uns: Map<String, Value>,
}

/// What a column of results is called in `obs`.
fn key(column: &str) -> String {
    match column {
        LABEL => KEY.to_owned(),
        column => format!("{KEY}_{column}"),
    }
}

/// Where results are, as group and name.
fn elements() -> impl Iterator<Item = (&'static str, String)> {
    let of_cells = COLUMNS.into_iter().map(|column| ("obs", key(column)));
    let others = [("obsm", EMBEDDING), ("obsm", LAYOUT), ("uns", KEY)];
    of_cells.chain(others.map(|(group, name)| (group, name.to_owned())))
}

impl Annotations<'_> {
    /// Memory that adding them takes: a row for every cell of the file, here and on HDF5's side.
    fn room(&self) -> u64 {
        let n_columns = self.embedding.ncols() + self.layout.map_or(0, |layout| layout.ncols());
        let n_columns = self.columns.len() + n_columns;
        let values = (self.n_cells as u64).saturating_mul(n_columns as u64);
        values.saturating_mul(2 * size_of::<f32>() as u64)
    }
}

/// The elements of a file that results would take the place of. What cannot be read holds none: a run that adds
/// nothing to the file need not fail for it.
pub(super) fn taken(root: &Checked) -> Vec<String> {
    let holds = |group: &str, key: &str| match root.get(group) {
        Ok(Some(Element::Group(found))) => {
            let names = found.names().unwrap_or_default();
            names.iter().any(|name| name == key)
        }
        _ => false,
    };
    elements()
        .filter(|(group, key)| holds(group, key))
        .map(|(group, key)| format!("{group}/{key}"))
        .collect()
}

/// Those of some columns of `obs` that results would take the place of, as `obs/attentionae`.
pub fn earlier_columns<'a>(columns: impl Iterator<Item = &'a String>) -> Vec<String> {
    let of_cells = COLUMNS.map(key);
    let taken = columns.filter(|column| of_cells.contains(column));
    taken.map(|column| format!("obs/{column}")).collect()
}

/// Adds results to a file: `obs['attentionae']` and, where known, `obs['attentionae_fine']` (categorical, missing in other
/// cells) and `obs['attentionae_confidence']` (`f32`, NaN in other cells), `obsm['X_attentionae']`
/// and, where drawn, `obsm['X_attentionae_umap']` (`f32`, NaN in other cells), `uns['attentionae']`. Those of an
/// earlier run are removed. All else stays as it is.
///
/// # Errors
/// Where the file cannot be changed, or `obs` has other rows than the results are of. The file may then be half
/// changed: this is meant for a copy.
pub fn annotate(path: &Path, results: &Annotations) -> Result<(), H5adError> {
    let place = ElementPath::root(path);
    let refused = |e: hdf5::Error| H5adError::Write {
        path: path.to_owned(),
        reason: e.to_string(),
    };
    let file = place
        .guard(0, || hdf5::File::open_rw(path))
        .map_err(refused)?;
    let n_found = DataFrame::open(&Checked::root(&file, path)?, "obs")?.n_rows();
    place
        .child("obs")
        .check_length(n_found, results.n_cells, || {
            format!("{} cells were read before", results.n_cells)
        })?;
    let order = column_order(&file, &place)?;
    let added = place.guard(results.room(), || {
        add(&file, results, order)?;
        // Closing writes what HDF5 still holds, but keeps to itself what the disk refuses.
        file.flush()?;
        file.close()
    });
    added.map_err(refused)
}

/// The columns that `obs` lists; `None` where it lists none, not even an empty list.
fn column_order(file: &Group, place: &ElementPath) -> Result<Option<Vec<String>>, H5adError> {
    let place = place.child("obs");
    let order = place.ask(|| {
        let obs = file.group("obs")?;
        let is_listed = obs.attr_names()?.iter().any(|name| name == COLUMN_ORDER);
        let order = is_listed.then(|| obs.attr(COLUMN_ORDER)).transpose()?;
        Ok(order.map(|order| (order.size(), order)))
    })?;
    match order {
        None => Ok(None),
        // anndata stores an empty list as one of numbers.
        Some((0, _)) => Ok(Some(Vec::new())),
        Some((_, order)) => text::read(&order, &place).map(Some),
    }
}

fn add(file: &Group, results: &Annotations, order: Option<Vec<String>>) -> hdf5::Result<()> {
    let [obs, obsm, uns] = ["obs", "obsm", "uns"].map(|name| own_group(file, name));
    let (obs, obsm, uns) = (obs?, obsm?, uns?);
    for (place, key) in elements() {
        let group = match place {
            "obs" => &obs,
            "obsm" => &obsm,
            _ => &uns,
        };
        if group.link_exists(&key) {
            group.unlink(&key)?;
        }
    }
    for column in results.columns {
        add_column(&obs, results, column)?;
    }
    if let Some(mut order) = order {
        let added: Vec<String> = results
            .columns
            .iter()
            .map(|added| key(added.name))
            .collect();
        let earlier = COLUMNS.map(key);
        order.retain(|column| added.contains(column) || !earlier.contains(column));
        for column in added {
            if !order.contains(&column) {
                order.push(column);
            }
        }
        obs.delete_attr(COLUMN_ORDER)?;
        write_attribute_list(&obs, COLUMN_ORDER, &order)?;
    }
    add_rows(&obsm, EMBEDDING, results, results.embedding)?;
    if let Some(layout) = results.layout {
        add_rows(&obsm, LAYOUT, results, layout)?;
    }
    uns::write_dict(&uns, KEY, &results.uns)
}

/// A group of this file, made where it is missing. What a link brings in from another file is not ours to change.
fn own_group(file: &Group, name: &str) -> hdf5::Result<Group> {
    if !file.link_exists(name) {
        let group = new_group(file, name)?;
        encode(&group, "dict", "0.1.0")?;
        return Ok(group);
    }
    let group = file.group(name)?;
    if group.filename() == file.filename() {
        return Ok(group);
    }
    let elsewhere = group.filename();
    Err(format!("{name} is a link to another file, {elsewhere}, which is left as it is").into())
}

/// A column with a row for every cell of the file: labels are missing, and numbers NaN, in cells without results.
fn add_column(obs: &Group, results: &Annotations, column: &CellColumn) -> hdf5::Result<()> {
    let key = key(column.name);
    match column.values {
        CellValues::Clusters(labels, names) => {
            let numbers = || (0..n_groups(labels)).map(|label| label.to_string());
            let categories = names.map_or_else(|| numbers().collect(), <[String]>::to_vec);
            let mut codes = vec![-1_i32; results.n_cells];
            for (&cell, &label) in results.cells.iter().zip(labels) {
                codes[cell] = label as i32;
            }
            write_codes(obs, &key, &categories, &codes)
        }
        CellValues::Numbers(numbers) => {
            let mut values = vec![f32::NAN; results.n_cells];
            for (&cell, &value) in results.cells.iter().zip(numbers) {
                values[cell] = value;
            }
            let builder = obs.new_dataset_builder().with_data(&values);
            let dataset = builder.obj_track_times(false).create(key.as_str())?;
            encode(&dataset, "array", "0.2.0")
        }
    }
}

/// A matrix with a row for every cell of the file.
fn add_rows(
    obsm: &Group,
    key: &str,
    results: &Annotations,
    values: ArrayView2<f32>,
) -> hdf5::Result<()> {
    let mut rows = Array2::from_elem((results.n_cells, values.ncols()), f32::NAN);
    for (&cell, values) in results.cells.iter().zip(values.axis_iter(Axis(0))) {
        rows.row_mut(cell).assign(&values);
    }
    let builder = obsm.new_dataset_builder().with_data(&rows);
    let dataset = builder.obj_track_times(false).create(key)?;
    encode(&dataset, "array", "0.2.0")
}
