//! Why an input cannot be converted.

use std::{io, path::PathBuf};

use crate::h5ad::H5adError;

/// Why an input could not be converted. `file` may be inside an archive: `archive.zip/table.csv`.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// No `.h5` file goes by that name.
    #[error("no data set '{name}': there is neither {}", tried.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" nor "))]
    NoSuchName {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// No input was given.
    #[error("no input file was given")]
    NoInput,
    /// The operating system refuses a file, or it is cut short.
    #[error("{file}: the file cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A zip archive is damaged.
    #[error("{file}: the zip archive cannot be read: {reason}")]
    Archive {
        /// The archive.
        file: String,
        /// Why.
        reason: String,
    },
    /// A zip archive holds no file of the kind looked for.
    #[error("{file}: the archive holds no {extension} file")]
    NothingInside {
        /// The archive.
        file: String,
        /// The extension looked for.
        extension: &'static str,
    },
    /// A zip archive holds several data sets.
    #[error("{file}: the archive holds {n_files} {extension} files; put one data set in it")]
    SeveralInside {
        /// The archive.
        file: String,
        /// The extension looked for.
        extension: &'static str,
        /// How many there are.
        n_files: usize,
    },
    /// The first line of a table is not as expected.
    #[error(
        "{file}: the first line starts with '{found}'; expected an unnamed column (cell names), \
         'barcode', 'assigned_cluster', then one column per gene"
    )]
    Header {
        /// The table.
        file: String,
        /// Its first column names.
        found: String,
    },
    /// Two tables of one data set have different genes.
    #[error(
        "{file}: {found} is gene {position}, where {first_file} has {expected}: \
         tables of one data set need the same genes in the same order"
    )]
    GenesDiffer {
        /// The table.
        file: String,
        /// The table it is compared with.
        first_file: String,
        /// The first gene that differs, counted from 1.
        position: usize,
        /// That gene in the first table.
        expected: String,
        /// That gene in this table.
        found: String,
    },
    /// A table's lines are not as they should be.
    #[error("{file}: {reason}")]
    Table {
        /// The table.
        file: String,
        /// What is wrong, and on which line.
        reason: String,
    },
    /// An entry of a table is no count.
    #[error(
        "{file}, line {line}: gene {gene} has '{found}', which is no count: \
         raw counts are needed (whole numbers, none negative)"
    )]
    NotCount {
        /// The table.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// The column.
        gene: String,
        /// The entry.
        found: String,
    },
    /// There are no cells, or no genes.
    #[error("{file}: nothing to convert: {n_cells} cells x {n_genes} genes")]
    Empty {
        /// The input.
        file: String,
        /// Number of cells.
        n_cells: usize,
        /// Number of genes.
        n_genes: usize,
    },
    /// An `.h5` file has no matrix.
    #[error("{file}: there is no dataset X (raw counts, cells x genes); the file holds: {}", found.join(", "))]
    NoX {
        /// The file.
        file: String,
        /// What it holds.
        found: Vec<String>,
    },
    /// An `.h5` file's labels do not fit its matrix.
    #[error("{file}: Y has {n_labels} labels, but X has {n_cells} rows (cells) and {n_genes} columns (genes){}",
        if n_labels == n_genes { ": X seems to be genes x cells; transpose it" } else { "" })]
    LabelsDiffer {
        /// The file.
        file: String,
        /// Number of labels.
        n_labels: usize,
        /// Number of cells.
        n_cells: usize,
        /// Number of genes.
        n_genes: usize,
    },
    /// HDF5 or the counts in it are the trouble.
    #[error(transparent)]
    H5ad(#[from] H5adError),
}
