//! `.h5` files with a matrix `X` and labels `Y`.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    CELLTYPE, ConvertError, Converted,
    input::{self, Packing},
    write,
};
use crate::{
    counts::CountSource,
    h5ad::{Counts, Group, Matrix, NewColumn, NewH5ad, open_hdf5, read_column},
};

/// The `.h5` file of a data set: `name` itself where it is a file, else `NAME/NAME.h5`,
/// `NAME/NAME.zip` or `NAME/NAME.h5.zip` below `data_dir`.
pub fn find_h5(name: &str, data_dir: &Path) -> Result<PathBuf, ConvertError> {
    let folder = data_dir.join(name);
    let below = [".h5", ".zip", ".h5.zip"].map(|end| folder.join(format!("{name}{end}")));
    let tried: Vec<PathBuf> = [PathBuf::from(name)].into_iter().chain(below).collect();
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(ConvertError::NoSuchName {
            name: name.to_owned(),
            tried,
        }),
    }
}

/// Converts an `.h5` file, or a zip archive with one in it, to `.h5ad`.
///
/// Input: dataset `X`, cells × genes, raw counts of any numeric type (NaN is 0); dataset `Y`, one label
/// per cell, numbers or text (optional). Output: see [`crate::h5ad::write_h5ad`]; labels go to
/// `obs['celltype']`, whole numbers without a decimal point; cells and genes are named by position.
/// Memory: 8 bytes per non-zero count, and a block of rows.
pub fn h5_to_h5ad(input: &Path, output: &Path) -> Result<Converted, ConvertError> {
    let (file, packing) = input::open(input)?;
    match packing {
        Packing::Zip => {
            let (_folder, path) = unpack(input, file)?;
            convert(&path, input, output)
        }
        Packing::Plain | Packing::Gzip => convert(input, input, output),
    }
}

/// Unpacks the only `.h5` file of an archive; it stays as long as the folder is held.
fn unpack(path: &Path, file: File) -> Result<(TempDir, PathBuf), ConvertError> {
    let mut archive = input::open_zip(path, file)?;
    let names = input::names_inside(path, &archive, ".h5")?;
    let [name] = &names[..] else {
        return Err(ConvertError::SeveralInside {
            file: path.display().to_string(),
            extension: ".h5",
            n_files: names.len(),
        });
    };
    let mut entry = archive
        .by_name(name)
        .map_err(|e| input::damaged(path, &e))?;
    let refused = |source| input::unreadable(path, source);
    let folder = tempfile::tempdir().map_err(refused)?;
    let unpacked = folder.path().join("unpacked.h5");
    let mut target = File::create(&unpacked).map_err(refused)?;
    io::copy(&mut entry, &mut target).map_err(refused)?;
    Ok((folder, unpacked))
}

/// Converts the HDF5 file at `path`; messages call it `shown`.
fn convert(path: &Path, shown: &Path, output: &Path) -> Result<Converted, ConvertError> {
    let file = open_hdf5(path, &["X"])?;
    let root = Group::root(&file, shown)?;
    let name = shown.display().to_string();
    let Some(x) = root.get("X")? else {
        return Err(ConvertError::NoX {
            file: name,
            found: root.names()?,
        });
    };
    let matrix = Matrix::open(x)?;
    let (n_cells, n_genes) = (matrix.n_cells, matrix.n_genes);
    if n_cells == 0 || n_genes == 0 {
        return Err(ConvertError::Empty {
            file: name,
            n_cells,
            n_genes,
        });
    }
    let labels = root.get("Y")?.map(|y| read_column(&y)).transpose()?;
    let n_labels = labels.as_ref().map_or(n_cells, Vec::len);
    if n_labels != n_cells {
        return Err(ConvertError::LabelsDiffer {
            file: name,
            n_labels,
            n_cells,
            n_genes,
        });
    }
    let counts = Counts::open(matrix, root)?.rows(0..n_cells)?;
    let source = shown.file_name().unwrap_or_default().to_string_lossy();
    let celltype = |labels| (CELLTYPE.to_owned(), NewColumn::Categorical(labels));
    let data = NewH5ad {
        counts,
        obs_names: (0..n_cells).map(|cell| format!("cell_{cell}")).collect(),
        var_names: (0..n_genes).map(|gene| format!("gene_{gene}")).collect(),
        obs: labels.map(celltype).into_iter().collect(),
        uns: vec![("source".to_owned(), source.into_owned())],
    };
    write(output, &data)
}
