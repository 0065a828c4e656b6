//! From the inputs people have to `.h5ad`: raw counts, names, and what is known of cells and genes.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use crate::{
    h5ad::{H5ad, NewH5ad, write_h5ad},
    names::make_unique,
    read::{self, CELLTYPE, DataSet, Inputs, ReadError, ReadOptions},
};

/// The text of `uns` that says where the inputs lie.
const INPUT: &str = "input";

/// What a conversion wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Number of cells.
    pub n_cells: usize,
    /// Number of genes.
    pub n_genes: usize,
    /// Number of different cell types; `None` where the input has no labels.
    pub n_celltypes: Option<usize>,
    /// What the user has to know of how the input was read.
    pub notes: Vec<String>,
}

/// `1886 cells x 14878 genes, 13 cell types`
impl fmt::Display for Converted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} cells x {} genes", self.n_cells, self.n_genes)?;
        match self.n_celltypes {
            Some(n_celltypes) => write!(formatter, ", {n_celltypes} cell types"),
            None => Ok(()),
        }
    }
}

/// The `.h5` file of a data set: `name` itself where it is a file, else `NAME/NAME.h5`,
/// `NAME/NAME.zip` or `NAME/NAME.h5.zip` below `data_dir`.
pub fn find_h5(name: &str, data_dir: &Path) -> Result<PathBuf, ReadError> {
    let folder = data_dir.join(name);
    let below = [".h5", ".zip", ".h5.zip"].map(|end| folder.join(format!("{name}{end}")));
    let tried: Vec<PathBuf> = [PathBuf::from(name)].into_iter().chain(below).collect();
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(ReadError::NoSuchName {
            name: name.to_owned(),
            tried,
        }),
    }
}

/// Converts an input in any format that is read to `.h5ad`, or several that are joined.
///
/// Output: the chosen counts as `X`, see [`write_h5ad`]; names that occur twice get a number; columns of
/// `obs` and `var` are kept where their encoding is known. Counts pass through in runs of cells.
pub fn to_h5ad(
    inputs: impl Into<Inputs>,
    options: &ReadOptions,
    output: &Path,
) -> Result<Converted, ReadError> {
    let inputs = inputs.into();
    refuse_own_output(&inputs, output)?;
    write(&read::open_all(&inputs, options)?, &inputs, output)
}

/// Converts tables whose cells together are one data set.
pub fn tables_to_h5ad<P: AsRef<Path>>(
    inputs: &[P],
    options: &ReadOptions,
    output: &Path,
) -> Result<Converted, ReadError> {
    let files: Inputs = inputs.iter().map(AsRef::as_ref).collect();
    refuse_own_output(&files, output)?;
    write(&read::read_tables(inputs, options)?, &files, output)
}

/// Whether a conversion may take the place of what is there: a conversion of the same inputs, or nothing.
///
/// # Errors
/// [`ReadError::OtherConversion`]; [`ReadError::OwnOutput`] where one of the inputs is there. Where an input is missing, that.
pub(crate) fn check_replaceable(inputs: &Inputs, output: &Path) -> Result<(), ReadError> {
    read::check_there(inputs)?;
    refuse_own_output(inputs, output)?;
    if output.symlink_metadata().is_err() {
        return Ok(());
    }
    let earlier = H5ad::open(output).ok();
    let made_of = earlier.and_then(|file| file.uns_text(INPUT));
    if made_of == Some(inputs.places()) {
        return Ok(());
    }
    Err(ReadError::OtherConversion {
        path: output.to_owned(),
        made_of,
    })
}

/// Fails where an input would be replaced by its own conversion.
fn refuse_own_output(inputs: &Inputs, output: &Path) -> Result<(), ReadError> {
    let is_output = |input: &&Path| match (input.canonicalize(), output.canonicalize()) {
        (Ok(from), Ok(to)) => from == to,
        _ => false,
    };
    match inputs.paths().find(is_output) {
        None => Ok(()),
        Some(path) => Err(ReadError::OwnOutput {
            path: path.to_owned(),
        }),
    }
}

/// Writes the file and counts what it holds.
fn write(data: &DataSet, inputs: &Inputs, output: &Path) -> Result<Converted, ReadError> {
    let new = new_h5ad(data, inputs)?;
    write_h5ad(output, &new)?;
    let celltype = new.obs.iter().find(|(name, _)| name == CELLTYPE);
    let n_celltypes = celltype.map(|(_, column)| {
        column
            .texts()
            .iter()
            .flatten()
            .collect::<BTreeSet<_>>()
            .len()
    });
    Ok(Converted {
        n_cells: new.counts.n_cells(),
        n_genes: new.counts.n_genes(),
        n_celltypes,
        notes: data.notes.clone(),
    })
}

/// The file that a data set, read from these inputs, becomes.
pub(crate) fn new_h5ad<'a>(data: &'a DataSet, inputs: &Inputs) -> Result<NewH5ad<'a>, ReadError> {
    let (mut obs_names, mut var_names) = (data.cell_names.clone(), data.gene_names.clone());
    make_unique(&mut obs_names);
    make_unique(&mut var_names);
    let names = inputs.paths().map(|path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    });
    let source = names.collect::<Vec<_>>().join(", ");
    Ok(NewH5ad {
        counts: &*data.counts,
        obs_names,
        var_names,
        obs: data.obs.columns()?,
        var: data.var.clone(),
        uns: vec![
            ("source".to_owned(), source),
            (INPUT.to_owned(), inputs.places()),
        ],
    })
}
