//! Writing a new `.h5ad` file.

use std::path::Path;

use hdf5::Group;

use super::{
    Column, H5adError,
    new_elements::{
        encode, new_group, write_attribute, write_attribute_list, write_column, write_texts,
    },
    uns::write_text,
    write_counts::{Failed, write_csr},
};
use crate::{
    atomic::{AtomicError, write_atomically},
    counts::CountSource,
    names::make_unique,
};

/// What the index of a table is called.
const INDEX: &str = "_index";
/// What a column without a name is called.
const UNNAMED: &str = "unnamed";

/// What a new file will hold.
#[derive(Debug, Clone)]
pub struct NewH5ad<'a> {
    /// Raw counts, cells × genes.
    pub counts: &'a dyn CountSource,
    /// One name per cell.
    pub obs_names: Vec<String>,
    /// One name per gene.
    pub var_names: Vec<String>,
    /// Columns of `obs`, one entry per cell.
    pub obs: Vec<(String, Column)>,
    /// Columns of `var`, one entry per gene.
    pub var: Vec<(String, Column)>,
    /// Texts for `uns`, such as the data's source.
    pub uns: Vec<(String, String)>,
}

/// Writes an `.h5ad` file as anndata 0.8 and later do: `X` as CSR (`f32`, gzip), `obs`, `var`, `uns`,
/// empty `layers`, `obsm`, `varm`, `obsp`, `varp`. The file appears whole or not at all, and equal data
/// give equal bytes. Of columns of one name, those after the first get a number; a column without a name is called
/// `unnamed`, and a slash in a name is written as `_`.
///
/// # Errors
/// [`H5adError::Write`], also where a length does not fit `counts`; what reading `counts` ends in.
pub fn write_h5ad(path: &Path, data: &NewH5ad<'_>) -> Result<(), H5adError> {
    let failed = |reason| failed(path, reason);
    data.check().map_err(failed)?;
    write_atomically(path, |unfinished| write_all(unfinished, data)).map_err(|error| match error {
        AtomicError::Write(Failed::Read(error)) => error.into(),
        AtomicError::Write(Failed::Write(reason)) => failed(reason.to_string()),
        AtomicError::File { source, .. } => failed(source.to_string()),
        AtomicError::Interrupted => failed("the run is being stopped".to_owned()),
    })
}

/// Writes such a file in its place, where an error may leave half of it: for one that has a temporary name.
pub(crate) fn write_unfinished(path: &Path, data: &NewH5ad<'_>) -> Result<(), H5adError> {
    data.check().map_err(|reason| failed(path, reason))?;
    write_all(path, data).map_err(|error| match error {
        Failed::Read(error) => error.into(),
        Failed::Write(reason) => failed(path, reason.to_string()),
    })
}

fn failed(path: &Path, reason: String) -> H5adError {
    H5adError::Write {
        path: path.to_owned(),
        reason,
    }
}

impl NewH5ad<'_> {
    fn check(&self) -> Result<(), String> {
        let (n_cells, n_genes) = (self.counts.n_cells(), self.counts.n_genes());
        let names = [
            ("obs_names", self.obs_names.len(), n_cells),
            ("var_names", self.var_names.len(), n_genes),
        ];
        let rows = |table: &'_ [(String, Column)]| -> Vec<(String, usize)> {
            table
                .iter()
                .map(|(name, column)| (name.clone(), column.n_rows()))
                .collect()
        };
        let obs = rows(&self.obs)
            .into_iter()
            .map(|(name, found)| (name, found, n_cells));
        let var = rows(&self.var)
            .into_iter()
            .map(|(name, found)| (name, found, n_genes));
        let names = names.map(|(name, found, expected)| (name.to_owned(), found, expected));
        let wrong = obs
            .chain(var)
            .chain(names)
            .find(|(_, found, expected)| found != expected);
        match wrong {
            None => Ok(()),
            Some((name, found, expected)) => Err(format!(
                "{name} has {found} entries, but X needs {expected}"
            )),
        }
    }
}

fn write_all(path: &Path, data: &NewH5ad<'_>) -> Result<(), Failed> {
    let file = hdf5::File::with_options()
        .with_fcpl(|create| create.obj_track_times(false))
        .create(path)?;
    encode(&file, "anndata", "0.1.0")?;
    write_csr(&file, data.counts)?;
    write_table(&file, "obs", &data.obs_names, &data.obs)?;
    write_table(&file, "var", &data.var_names, &data.var)?;
    for name in ["layers", "obsm", "varm", "obsp", "varp"] {
        let group = new_group(&file, name)?;
        encode(&group, "dict", "0.1.0")?;
    }
    let uns = new_group(&file, "uns")?;
    encode(&uns, "dict", "0.1.0")?;
    for (name, value) in &data.uns {
        write_text(&uns, name, value)?;
    }
    // Closing writes what HDF5 still holds, but keeps to itself what the disk refuses.
    file.flush()?;
    file.close()?;
    Ok(())
}

fn write_table(
    file: &Group,
    name: &str,
    index: &[String],
    columns: &[(String, Column)],
) -> hdf5::Result<()> {
    let group = new_group(file, name)?;
    encode(&group, "dataframe", "0.2.0")?;
    write_attribute(&group, "_index", INDEX)?;
    let names = stored_names(columns);
    write_attribute_list(&group, "column-order", &names)?;
    write_texts(&group, INDEX, index)?;
    for (name, (_, column)) in names.iter().zip(columns) {
        write_column(&group, name, column)?;
    }
    Ok(())
}

/// What columns are called in a file: HDF5 takes a name once, and none that is empty or a dot; of what stands before a slash it
/// makes a group.
fn stored_names(columns: &[(String, Column)]) -> Vec<String> {
    let stored = |(name, _): &(String, Column)| match name.as_str() {
        "" | "." => UNNAMED.to_owned(),
        name => name.replace('/', "_"),
    };
    let mut names = vec![INDEX.to_owned()];
    names.extend(columns.iter().map(stored));
    make_unique(&mut names);
    names.split_off(1)
}
