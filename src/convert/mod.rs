//! From the inputs people have to `.h5ad`: raw counts, cell names and known cell types.

mod csv;
mod error;
mod h5;
mod input;

use std::{collections::BTreeSet, fmt, path::Path};

pub use csv::csv_to_h5ad;
pub use error::ConvertError;
pub use h5::{find_h5, h5_to_h5ad};

use crate::h5ad::{NewColumn, NewH5ad, write_h5ad};

/// What a conversion wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Converted {
    /// Number of cells.
    pub n_cells: usize,
    /// Number of genes.
    pub n_genes: usize,
    /// Number of different cell types; `None` where the input has no labels.
    pub n_celltypes: Option<usize>,
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

/// Writes the file and counts what it holds.
fn write(output: &Path, data: &NewH5ad) -> Result<Converted, ConvertError> {
    write_h5ad(output, data)?;
    let celltype = data.obs.iter().find(|(name, _)| name == CELLTYPE);
    let n_celltypes = celltype.and_then(|(_, column)| match column {
        NewColumn::Categorical(labels) => {
            Some(labels.iter().flatten().collect::<BTreeSet<_>>().len())
        }
        NewColumn::Text(_) => None,
    });
    Ok(Converted {
        n_cells: data.counts.rows(),
        n_genes: data.counts.cols(),
        n_celltypes,
    })
}

/// The `obs` column of known labels.
const CELLTYPE: &str = "celltype";
