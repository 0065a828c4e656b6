//! Why an input cannot be read.

use std::{io, path::PathBuf};

use super::{Format, Within, foreign::Foreign};
use crate::h5ad::{H5adError, Seems};

/// Why an input could not be read or converted. `file` may be inside an archive: `archive.zip/table.csv`.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
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
    /// The input would be replaced by what it is converted to.
    #[error("{}: the result would replace this file; choose another -name or -data_dir", path.display())]
    OwnOutput {
        /// The file.
        path: PathBuf,
    },
    /// Something else is where the conversion is to be written.
    #[error(
        "{}: is there already, {}; -overwrite True replaces it, another -name or -data_dir keeps it", path.display(),
        match made_of {
            Some(inputs) => format!("made of {inputs}"),
            None => "and is no conversion of this program".to_owned(),
        }
    )]
    OtherConversion {
        /// What is there.
        path: PathBuf,
        /// What it was made of, where that is known.
        made_of: Option<String>,
    },
    /// An option was given that means nothing for the input.
    #[error("{}: {option} is for {formats}, but this is {format}; leave it out", path.display())]
    OptionUnfit {
        /// The input.
        path: PathBuf,
        /// The option.
        option: &'static str,
        /// What it is for.
        formats: &'static str,
        /// What the input is.
        format: Format,
    },
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
    /// What is compressed, in an archive or in the Zarr format cannot be copied to the temporary folder.
    #[error(
        "{file}: this is unpacked into a temporary file, which cannot be written to {}: {source}; set TMPDIR to a folder that \
         exists and has room", folder.display()
    )]
    Unpack {
        /// What is unpacked.
        file: String,
        /// The temporary folder.
        folder: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A zip archive holds no file of the kind looked for.
    #[error("{file}: the archive holds no {endings} file")]
    NothingInside {
        /// The archive.
        file: String,
        /// The endings looked for.
        endings: String,
    },
    /// A zip archive holds several data sets.
    #[error("{file}: the archive holds {n_files} .h5 files; put one data set in it")]
    SeveralInside {
        /// The archive.
        file: String,
        /// How many there are.
        n_files: usize,
    },
    /// The file or folder is of another format.
    #[error("{}: this is {}, which cannot be read; {}", path.display(), foreign.what, foreign.next)]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// What it is, and what to do with it.
        foreign: Foreign,
    },
    /// A folder without a matrix.
    #[error("{}: this folder holds no matrix that is read (.mtx){}", path.display(), inside(found))]
    NoMatrix {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        found: Vec<String>,
    },
    /// An element of a data set in the Zarr format cannot be read.
    #[error("{}: {element} cannot be read: {reason}. Where Python can read it, write it as .h5ad: \
        import anndata; anndata.read_zarr(\"{}\").write_h5ad(\"new.h5ad\")", path.display(), path.display())]
    Zarr {
        /// The folder, or archive.
        path: PathBuf,
        /// The element's path in it.
        element: String,
        /// What is wrong.
        reason: String,
    },
    /// A folder in the Zarr format that is no AnnData.
    #[error("{}: this Zarr folder is no AnnData, as it has no obs; name the AnnData in it, as FOLDER/tables/NAME; it holds: {}",
        path.display(), if found.is_empty() { "nothing".to_owned() } else { found.join(", ") })]
    NoAnnData {
        /// The folder, or archive.
        path: PathBuf,
        /// What it holds.
        found: Vec<String>,
    },
    /// A MuData file whose modality of genes is not known.
    #[error("{}: none of its modalities is called rna: {}; write the one of genes in Python: \
        import mudata; mudata.read(\"{}\")[\"NAME\"].write_h5ad(\"new.h5ad\")", path.display(), found.join(", "), path.display())]
    NoGenes {
        /// The file.
        path: PathBuf,
        /// Its modalities.
        found: Vec<String>,
    },
    /// An HDF5 file is of no format that is read.
    #[error("{}: this HDF5 file is neither .h5ad, .h5mu, .loom, nor 10x .h5, nor X and Y; it holds: {}{advice}", path.display(), found.join(", "))]
    UnknownHdf5 {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: Vec<String>,
        /// How it can be converted, where that is known.
        advice: &'static str,
    },
    /// 10x data of several genomes, of which one has to be chosen.
    #[error("{}: the file holds a matrix for each of the genomes {}; choose one: -genome {}", path.display(), genomes.join(", "), genomes[0])]
    SeveralGenomes {
        /// The file.
        path: PathBuf,
        /// The genomes, at least two.
        genomes: Vec<String>,
    },
    /// No feature of 10x data is left after selection.
    #[error("{file}: no feature is {wanted}; {}", kinds(found))]
    NoFeatures {
        /// The file.
        file: String,
        /// What was selected.
        wanted: String,
        /// The feature types, or genomes, there are; none where the file names no genomes.
        found: Vec<String>,
    },
    /// A folder has several matrices.
    #[error("{}: the folder holds {} matrices; name one of them: {}", path.display(), found.len(), found.join(", "))]
    SeveralMatrices {
        /// The folder.
        path: PathBuf,
        /// The `.mtx` files.
        found: Vec<String>,
    },
    /// The names of a matrix's cells or genes are not beside it.
    #[error("{}: its {what} have no names: there is no {} beside it", path.display(), tried.join(" or "))]
    NoNames {
        /// The matrix.
        path: PathBuf,
        /// `cells` or `genes`.
        what: &'static str,
        /// The files that were looked for.
        tried: Vec<String>,
    },
    /// A matrix has other lengths than the names beside it.
    #[error(
        "{file}: the matrix is {n_rows} x {n_columns}, but there are names of {n_genes} genes and {n_cells} cells beside it"
    )]
    NamesDiffer {
        /// The matrix.
        file: String,
        /// Its rows.
        n_rows: usize,
        /// Its columns.
        n_columns: usize,
        /// Names of genes.
        n_genes: usize,
        /// Names of cells.
        n_cells: usize,
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
    /// The lines of a text file are not as they should be.
    #[error("{file}: {reason}")]
    Text {
        /// The file.
        file: String,
        /// What is wrong, and on which line.
        reason: String,
    },
    /// A line of a text file is not as it should be.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// An entry of a text file is not a count.
    #[error(
        "{file}, line {line}: {column} has '{found}', which is not a count{seems}; \
         raw counts are needed (whole numbers, none negative)"
    )]
    NotCount {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// Which entry of the line.
        column: String,
        /// The entry.
        found: String,
        /// What the entries around it seem to be.
        seems: Seems,
    },
    /// An entry of a table is not a count, where all but one or two columns hold counts.
    #[error(
        "{file}, line {line}: {column} has '{found}', which is not a count; all columns but '{}' hold counts: take columns \
         that are neither cells nor genes out of the table", columns.join("' and '")
    )]
    NoCountsInColumns {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// Which entry of the line.
        column: String,
        /// The entry.
        found: String,
        /// The columns that do not hold counts.
        columns: Vec<String>,
    },
    /// Entries of a table are missing.
    #[error(
        "{file}: {n} entries are missing (empty, NA or NaN), the first on line {line}, {column}; raw counts are needed: \
         -nan_as_zero True reads them as 0"
    )]
    MissingEntries {
        /// The file.
        file: String,
        /// How many.
        n: usize,
        /// The line of the first, counted from 1.
        line: u64,
        /// Its column.
        column: String,
    },
    /// A table has its genes in rows.
    #[error(
        "{file}: genes are in rows ({rows}) and cells in columns ({columns}); add -transpose True. \
         If rows are cells all the same, add -transpose False"
    )]
    GenesInRows {
        /// The file.
        file: String,
        /// Names of rows.
        rows: String,
        /// Names of columns.
        columns: String,
    },
    /// A table that was said to have genes in rows has cells there.
    #[error(
        "{file}: -transpose True says that genes are in rows, but these seem to be cells ({rows}) and columns genes \
         ({columns}); leave -transpose out"
    )]
    CellsInRows {
        /// The file.
        file: String,
        /// Names of rows.
        rows: String,
        /// Names of columns.
        columns: String,
    },
    /// A file of another format has genes where cells have to be.
    #[error(
        "{}: what should be cells are genes ({cells}), and what should be genes are cells ({genes}): the matrix is the \
         wrong way round. Turn it in Python: anndata.read_h5ad(FILE).T.write_h5ad(\"turned.h5ad\"). \
         If it is right all the same, add -transpose False", path.display()
    )]
    Turned {
        /// The file.
        path: PathBuf,
        /// Names of what should be cells.
        cells: String,
        /// Names of what should be genes.
        genes: String,
    },
    /// A file that is to be joined has no gene of the name of one in the others.
    #[error(
        "{}: none of its genes ({genes}) is in {} ({first_genes}): files are joined by gene names, which have to be of \
         one kind (symbols or accessions) and of one species", path.display(), first.display()
    )]
    NoCommonGenes {
        /// The file.
        path: PathBuf,
        /// Names of its genes.
        genes: String,
        /// The first of the files.
        first: PathBuf,
        /// Names of its genes.
        first_genes: String,
    },
    /// No gene is in all files that are to be joined.
    #[error("{}: no gene is in all of these files; -genes union reads those that are in any", path.display())]
    NoGeneInAll {
        /// The files.
        path: PathBuf,
    },
    /// There are no cells, or no genes.
    #[error("{file}: the file is empty: {n_cells} cells x {n_genes} genes")]
    Empty {
        /// The input.
        file: String,
        /// Number of cells.
        n_cells: usize,
        /// Number of genes.
        n_genes: usize,
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
    /// Cells are of no batch.
    #[error(
        "{input}: -batch_key {column}: {missing} of {n_cells} cells have no value there; fill them in, or leave the cells out"
    )]
    NoBatch {
        /// The input.
        input: String,
        /// The column.
        column: String,
        /// Cells without a value.
        missing: usize,
        /// All cells that take part in the run.
        n_cells: usize,
    },
    /// No cell is of the group that the run is restricted to.
    #[error("{input}: -within {within}: no cell has this value; obs['{}'] holds: {values}", within.column)]
    NoCellWithin {
        /// The input.
        input: String,
        /// What was asked for.
        within: Within,
        /// The values that there are.
        values: String,
    },
    /// HDF5 or the counts in it are the trouble.
    #[error(transparent)]
    H5ad(#[from] H5adError),
}

/// The end of a message that lists the types or the genomes of features.
fn kinds(found: &[String]) -> String {
    match found {
        [] => "the file names no genomes: leave -genome out".to_owned(),
        found => format!("the file holds: {}", found.join(", ")),
    }
}

/// The end of a message that lists what a folder holds.
fn inside(found: &[String]) -> String {
    match found {
        [] => "; it holds nothing that is read".to_owned(),
        found => format!("; name one of what it holds: {}", found.join(", ")),
    }
}
