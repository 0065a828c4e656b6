//! `AnnData` on HDF5: reading raw counts and labels, writing new files.
//!
//! Everything that a file claims (lengths, offsets, indices, sizes) is checked before memory is
//! taken for it, and every error names the file, the element inside it and what to do.
//! Format: <https://anndata.readthedocs.io/en/latest/fileformat-prose.html>.

mod annotate;
mod array;
mod column;
mod counts;
mod counts_in;
mod csc;
mod csr;
mod data_frame;
mod deflated;
mod dense;
mod element;
mod element_path;
mod error;
mod file;
mod instead;
mod matrix;
mod nan_places;
mod new_elements;
mod raw_counts;
mod sparse_rows;
mod text;
mod typed;
mod uns;
mod write;
mod write_counts;
mod zarr;
mod zarr_array;
mod zarr_error;

use std::path::{Path, PathBuf};

use ndarray::Axis;

pub use annotate::{Annotations, CellColumn, CellValues, annotate, earlier_columns};
pub use counts::Counts;
pub use counts_in::CountsIn;
pub use error::H5adError;
pub use nan_places::NanPlaces;
pub use raw_counts::Seems;
pub use typed::Column;
pub use write::{NewH5ad, write_h5ad};

pub(crate) use column::read as read_column;
pub(crate) use element::{Element, Group};
pub(crate) use file::{open as open_hdf5, open_by as open_hdf5_by};
pub(crate) use matrix::Matrix;
pub(crate) use sparse_rows::SparseRows;
pub(crate) use typed::read as read_typed;
pub(crate) use write::write_unfinished;
pub(crate) use zarr::{children as zarr_children, copy_zarr};
pub(crate) use zarr_error::ZarrError;

use counts::AnnData;
use data_frame::DataFrame;

use crate::counts::CountRules;

/// An open `.h5ad` file whose parts fit together.
///
/// ```no_run
/// use attentionae_sc::{counts::CountSource, h5ad::H5ad};
///
/// let file = H5ad::open("Data/AnnData/zeisel.h5ad".as_ref())?;
/// let labels = file.obs_labels("celltype")?;
/// let first_cells = file.counts()?.rows(0..100)?;
/// # Ok::<(), attentionae_sc::h5ad::H5adError>(())
/// ```
#[derive(Debug)]
pub struct H5ad {
    path: PathBuf,
    root: Group,
    obs: DataFrame,
    var: DataFrame,
    matrix: Matrix,
    /// Whether messages may speak of other matrices that hold counts.
    has_others: bool,
}

impl H5ad {
    /// Opens a file to read the counts in `X`, see [`H5ad::open_for`].
    pub fn open(path: &Path) -> Result<Self, H5adError> {
        Self::open_for(path, &CountsIn::X)
    }

    /// Opens a file and checks everything that can be checked without reading the matrix: that it is
    /// HDF5, has the matrix, `obs`, `var` (or `raw/var`) and both indices, that their lengths agree, that
    /// nothing is empty, stored in an unknown way, or larger than the file can back.
    pub fn open_for(path: &Path, counts_in: &CountsIn) -> Result<Self, H5adError> {
        Self::open_at(path, path, "", counts_in)
    }

    /// Checks the parts below a group.
    fn of_root(path: &Path, root: Group, counts_in: &CountsIn) -> Result<Self, H5adError> {
        let matrix = find_matrix(&root, counts_in)?;
        let obs = DataFrame::open(&root, "obs")?;
        let var = DataFrame::open(&root, counts_in.var())?;
        let matrix = Matrix::open(matrix)?;
        let element = matrix.place.element();
        if matrix.n_cells == 0 || matrix.n_genes == 0 {
            return Err(H5adError::Empty {
                path: path.to_owned(),
                element,
                n_cells: matrix.n_cells,
                n_genes: matrix.n_genes,
            });
        }
        let place = root.place();
        for (name, table, expected, what) in [
            ("obs", &obs, matrix.n_cells, "cells"),
            (counts_in.var(), &var, matrix.n_genes, "genes"),
        ] {
            let because = || format!("{element} has {expected} {what}");
            place
                .child(name)
                .check_length(table.n_rows(), expected, because)?;
        }
        Ok(Self {
            path: path.to_owned(),
            root,
            has_others: true,
            obs,
            var,
            matrix,
        })
    }

    /// Opens the file at `path`, which messages call `shown`, or, where `group` is not empty, what lies in that group of it, as a
    /// modality of MuData does.
    pub(crate) fn open_at(
        path: &Path,
        shown: &Path,
        group: &str,
        counts_in: &CountsIn,
    ) -> Result<Self, H5adError> {
        let matrix = counts_in.to_string();
        let parts = ["", "/data", "/indices"].map(|part| format!("{group}/{matrix}{part}"));
        let root = file::open_by(path, shown, Axis(0), &parts)?;
        if group.is_empty() {
            return Self::of_root(shown, root, counts_in);
        }
        match root.find(group)? {
            Some(Element::Group(root)) => Self::of_root(shown, root, counts_in),
            _ => Err(H5adError::MissingElement {
                path: shown.to_owned(),
                element: group.to_owned(),
            }),
        }
    }

    /// The same for a copy that lacks the other matrices of its data set: messages do not speak of any.
    pub(crate) fn without_others(self) -> Self {
        Self {
            has_others: false,
            ..self
        }
    }

    /// The file's path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of cells.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.matrix.n_cells
    }

    /// Number of genes.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.matrix.n_genes
    }

    /// The cells' names, from the index of `obs`, as they are: some may be equal.
    pub fn obs_names(&self) -> Result<Vec<String>, H5adError> {
        self.obs.names()
    }

    /// The genes' names, from the index of `var`, as they are: some may be equal.
    pub fn var_names(&self) -> Result<Vec<String>, H5adError> {
        self.var.names()
    }

    /// The columns of `obs`, in the file's order; none where they cannot be listed.
    #[must_use]
    pub fn obs_columns(&self) -> Vec<String> {
        self.obs.columns().unwrap_or_default()
    }

    /// A column of `obs` as text, one entry per cell, whatever its encoding; `None` where the value
    /// is missing. Numbers are written as short as they can be, whole ones without a point.
    ///
    /// # Errors
    /// [`H5adError::NoColumn`] lists the columns there are.
    pub fn obs_labels(&self, column: &str) -> Result<Vec<Option<String>>, H5adError> {
        self.obs.column(column)
    }

    /// The elements of an earlier run's results that the file holds, such as `obs/attentionae`.
    #[must_use]
    pub fn earlier_results(&self) -> Vec<String> {
        annotate::taken(&self.root)
    }

    /// Every column of `obs` whose encoding is known, with the type of its values.
    pub fn obs_frame(&self) -> Result<Vec<(String, Column)>, H5adError> {
        self.obs.typed_columns()
    }

    /// Every column of `var` (or `raw/var`) whose encoding is known, with the type of its values.
    pub fn var_frame(&self) -> Result<Vec<(String, Column)>, H5adError> {
        self.var.typed_columns()
    }

    /// A text of `uns`, where there is one of that name.
    #[must_use]
    pub fn uns_text(&self, name: &str) -> Option<String> {
        match self.root.find(&format!("uns/{name}")) {
            Ok(Some(Element::Array(array))) => {
                let texts = text::read(array.container(), array.place()).ok()?;
                texts.into_iter().next()
            }
            _ => None,
        }
    }

    /// The raw counts, cells × genes, checked by a sample now and in full while they are read.
    ///
    /// Costs 16 bytes per cell. A matrix stored by genes (CSC) is turned into rows now: its indices are
    /// read, then the whole of it for every 134 million stored values; up to that number it stays in
    /// memory (8 bytes per value), beyond it lies in a temporary file of 8 bytes per value.
    ///
    /// # Errors
    /// [`H5adError::NotCounts`] names the matrices that do hold counts.
    pub fn counts(&self) -> Result<Counts, H5adError> {
        self.counts_by(CountRules::default())
    }

    /// The raw counts, as [`H5ad::counts`] gives them, where `rules` say what stands for a count.
    pub fn counts_by(&self, rules: CountRules) -> Result<Counts, H5adError> {
        let anndata = AnnData {
            obs: self.obs.clone(),
            var: self.var.clone(),
            others: self.has_others.then(|| self.root.clone()),
        };
        Counts::open(self.matrix.clone(), Some(anndata), rules)
    }
}

/// The matrix of counts; an error that names others where there is none.
fn find_matrix(root: &Group, counts_in: &CountsIn) -> Result<Element, H5adError> {
    let element = counts_in.to_string();
    if let Some(matrix) = root.find(&element)? {
        return Ok(matrix);
    }
    let path = root.place().path();
    Err(match counts_in {
        CountsIn::X => H5adError::MissingX {
            path,
            places: raw_counts::places_with_counts(root, &root.place().child(&element)),
        },
        CountsIn::Layer(layer) => H5adError::NoLayer {
            path,
            layer: layer.clone(),
            layers: match root.get("layers")? {
                Some(Element::Group(layers)) => layers.names()?,
                _ => Vec::new(),
            },
        },
        CountsIn::Raw => H5adError::NoRaw {
            path,
            places: raw_counts::places_with_counts(root, &root.place().child(&element)),
        },
    })
}
