//! Tables that together are one data set.

use std::path::Path;

use super::{
    CELLTYPE, DataSet, Format, Obs, ReadError, packing,
    table::{self, Table},
};
use crate::{
    counts::Csr,
    h5ad::{Column, SparseRows},
};

/// Reads tables (plain, gzip-compressed, or all those of a zip archive), whose cells together are the
/// data set.
///
/// A table is cells × genes, or genes × cells where `transpose` says so; several need the same genes in
/// the same order. Tables as Baron et al. published theirs (2016, doi:10.1016/j.cels.2016.08.011, GEO
/// series GSE84133) have `barcode` and `assigned_cluster` before the genes, which become
/// `obs['barcode']` and `obs['celltype']`; where there are several tables, `obs['sample']` has their names.
/// Memory: 8 bytes per non-zero count, 16 with `transpose`.
pub(crate) fn read_tables<P: AsRef<Path>>(
    paths: &[P],
    transpose: bool,
) -> Result<DataSet, ReadError> {
    let mut joined = Joined::default();
    for path in paths {
        packing::for_each_table(path.as_ref(), |file, reader| {
            let mut table = table::read(file, reader)?;
            if transpose {
                table = turned(file, table)?;
            }
            joined.push(file, table)
        })?;
    }
    let path = paths.first().ok_or(ReadError::NoInput)?;
    joined.into_data_set(path.as_ref())
}

/// The table with its rows as columns.
fn turned(file: &str, table: Table) -> Result<Table, ReadError> {
    let counts = counts(file, table.counts, table.columns.len())?;
    let (offsets, columns, values) = counts.transpose_into().to_csr().into_raw_storage();
    Ok(Table {
        rows: table.columns,
        columns: table.rows,
        counts: SparseRows {
            offsets,
            columns,
            values,
        },
        annotations: None,
    })
}

fn counts(file: &str, rows: SparseRows, n_columns: usize) -> Result<Csr, ReadError> {
    rows.into_counts(n_columns)
        .map_err(|found| ReadError::Text {
            file: file.to_owned(),
            reason: format!("{} is no count", found.0),
        })
}

/// The cells of all tables read so far.
#[derive(Default)]
struct Joined {
    files: Vec<String>,
    genes: Vec<String>,
    cells: Vec<String>,
    barcodes: Vec<String>,
    types: Vec<Option<String>>,
    samples: Vec<Option<String>>,
    counts: Option<SparseRows>,
}

impl Joined {
    fn push(&mut self, file: &str, table: Table) -> Result<(), ReadError> {
        self.check_genes(file, table.columns)?;
        let sample = Path::new(file).file_stem().unwrap_or_default();
        let sample = sample.to_string_lossy().into_owned();
        self.samples
            .extend(table.rows.iter().map(|_| Some(sample.clone())));
        self.cells.extend(table.rows);
        let (barcodes, types) = table.annotations.unwrap_or_default();
        self.barcodes.extend(barcodes);
        self.types.extend(types);
        match &mut self.counts {
            Some(counts) => counts.append(table.counts),
            None => self.counts = Some(table.counts),
        }
        Ok(())
    }

    /// Takes the first table's genes, and fails where a later table has others.
    fn check_genes(&mut self, file: &str, genes: Vec<String>) -> Result<(), ReadError> {
        if let Some(first_file) = self.files.first() {
            let n = genes.len().max(self.genes.len());
            let name = |genes: &[String], gene: usize| genes.get(gene).cloned();
            let differs = |&gene: &usize| genes.get(gene) != self.genes.get(gene);
            if let Some(gene) = (0..n).find(differs) {
                let none = || "none".to_owned();
                return Err(ReadError::GenesDiffer {
                    file: file.to_owned(),
                    first_file: first_file.clone(),
                    position: gene + 1,
                    expected: name(&self.genes, gene).unwrap_or_else(none),
                    found: name(&genes, gene).unwrap_or_else(none),
                });
            }
        } else {
            self.genes = genes;
        }
        self.files.push(file.to_owned());
        Ok(())
    }

    fn into_data_set(self, path: &Path) -> Result<DataSet, ReadError> {
        let file = path.display().to_string();
        let (n_cells, n_genes) = (self.cells.len(), self.genes.len());
        let Some(rows) = self.counts.filter(|_| n_cells > 0 && n_genes > 0) else {
            return Err(ReadError::Empty {
                file,
                n_cells,
                n_genes,
            });
        };
        let mut columns = Vec::new();
        if self.types.len() == n_cells {
            columns.push((CELLTYPE.to_owned(), Column::Categorical(self.types)));
            columns.push(("barcode".to_owned(), Column::Text(self.barcodes)));
        }
        if self.files.len() > 1 {
            columns.push(("sample".to_owned(), Column::Categorical(self.samples)));
        }
        Ok(DataSet {
            format: Format::Table,
            counts: Box::new(counts(&file, rows, n_genes)?),
            cell_names: self.cells,
            gene_names: self.genes,
            obs: Obs::Memory {
                path: path.to_owned(),
                columns,
            },
            var: Vec::new(),
        })
    }
}
