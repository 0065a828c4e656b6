//! Several inputs that are read as one data set: cells below each other, genes matched by name.

use std::{collections::HashSet, path::PathBuf};

use super::{
    DataSet, Format, InputFile, Inputs, Obs, ReadError, ReadOptions, joined_genes::JoinedGenes,
    open, stacked::Stacked, tables::examples, tenx_features::grouped,
};
use crate::{h5ad::Column, names::make_unique};

/// The column of `obs` that holds the name of each cell's file.
const BATCH: &str = "batch";
/// What the column of that name becomes that a file has already.
const OF_FILE: &str = "_of_file";
/// Most files whose numbers a note lists one by one.
const MOST_LISTED: usize = 6;

/// Opens every file, and joins them where they are several.
///
/// Genes are matched by name (those of one name in a file in their order, as [`make_unique`] numbers them), and are the
/// ones that all files have, or any, as the options say. `obs['batch']` has the name of each cell's file. Other columns of
/// `obs` are kept, their values missing for files without them. Where a cell name occurs in two files, every cell gets its
/// file's name as an ending. Counts are read from the files in runs of cells, as those of one file are.
///
/// # Errors
/// What opening a file ends in; [`ReadError::NoCommonGenes`].
pub(super) fn open_all(inputs: &Inputs, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let files = inputs.files();
    if let [file] = files {
        return open(&file.path, options);
    }
    let parts = files.iter().map(|file| open(&file.path, options));
    let parts: Vec<DataSet> = parts.collect::<Result<_, _>>()?;
    if parts.is_empty() {
        return Err(ReadError::NoInput);
    }
    join(files, parts, options, PathBuf::from(inputs.to_string()))
}

fn join(
    files: &[InputFile],
    parts: Vec<DataSet>,
    options: &ReadOptions,
    path: PathBuf,
) -> Result<DataSet, ReadError> {
    let names: Vec<Vec<String>> = parts.iter().map(unique_genes).collect();
    check_genes(files, &names)?;
    let genes = JoinedGenes::of(&names, options.genes);
    if genes.names.is_empty() {
        return Err(ReadError::NoGeneInAll { path });
    }
    let mut notes = vec![note(&parts, &genes, options)];
    for (file, part) in files.iter().zip(&parts) {
        let of_part = part.notes.iter();
        notes.extend(of_part.map(|note| format!("{}: {note}", file.name)));
    }
    let n_cells: Vec<usize> = parts.iter().map(|part| part.counts.n_cells()).collect();
    let tables = parts.iter().map(|part| part.obs.columns());
    let tables: Vec<Vec<(String, Column)>> = tables.collect::<Result<_, _>>()?;
    let mut columns = stacked_columns(&tables, &n_cells);
    add_batch(&mut columns, files, &n_cells);
    let var: Vec<Vec<(String, Column)>> = parts
        .iter()
        .zip(&genes.taken_from)
        .map(|(part, taken)| picked(&part.var, taken))
        .collect();
    let n_taken: Vec<usize> = genes.taken_from.iter().map(Vec::len).collect();
    let var = stacked_columns(&var, &n_taken);
    let cell_names = cell_names(files, &parts);
    let sources = parts.into_iter().map(|part| part.counts);
    Ok(DataSet {
        format: Format::Joined,
        counts: Box::new(Stacked::new(
            sources.zip(genes.positions),
            genes.names.len(),
        )),
        cell_names,
        gene_names: genes.names,
        obs: Obs::Memory { path, columns },
        var,
        notes,
    })
}

fn unique_genes(part: &DataSet) -> Vec<String> {
    let mut names = part.gene_names.clone();
    make_unique(&mut names);
    names
}

/// Fails where a file shares no gene with those before it: joined by name, its cells would have nothing in common with theirs.
fn check_genes(files: &[InputFile], names: &[Vec<String>]) -> Result<(), ReadError> {
    let mut known: HashSet<&str> = HashSet::new();
    for (file, genes) in files.iter().zip(names) {
        if !known.is_empty() && !genes.iter().any(|gene| known.contains(gene.as_str())) {
            return Err(ReadError::NoCommonGenes {
                path: file.path.clone(),
                genes: examples(genes),
                first: files[0].path.clone(),
                first_genes: examples(&names[0]),
            });
        }
        known.extend(genes.iter().map(String::as_str));
    }
    Ok(())
}

/// `2 files: 3,000 + 4,000 cells, 18,000 genes in all of them (of 20,000 and 21,000)`
fn note(parts: &[DataSet], genes: &JoinedGenes, options: &ReadOptions) -> String {
    let listed = |numbers: Vec<usize>, between: &str, last: &str, summary: String| {
        let texts: Vec<String> = numbers.into_iter().map(grouped).collect();
        match &texts[..] {
            [first @ .., end] if texts.len() <= MOST_LISTED => {
                format!("{}{last}{end}", first.join(between))
            }
            _ => summary,
        }
    };
    let n_cells: Vec<usize> = parts.iter().map(|part| part.counts.n_cells()).collect();
    let n_genes: Vec<usize> = parts.iter().map(|part| part.counts.n_genes()).collect();
    let total = grouped(n_cells.iter().sum());
    let least = grouped(n_genes.iter().min().copied().unwrap_or_default());
    let most = grouped(n_genes.iter().max().copied().unwrap_or_default());
    format!(
        "{} files: {} cells, {} genes {} (of {}); obs['{BATCH}'] has the name of each cell's file",
        parts.len(),
        listed(n_cells, " + ", " + ", total),
        grouped(genes.names.len()),
        options.genes.in_words(parts.len()),
        listed(n_genes, ", ", " and ", format!("{least} to {most}")),
    )
}

/// The columns of several tables below each other, in the order in which they first occur; a table of no rows has no say.
fn stacked_columns(tables: &[Vec<(String, Column)>], n_rows: &[usize]) -> Vec<(String, Column)> {
    let with_rows = tables.iter().zip(n_rows).filter(|(_, rows)| **rows > 0);
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in with_rows.flat_map(|(table, _)| table) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of_table = |table: &'_ Vec<(String, Column)>, wanted: &str| {
        let found = table.iter().find(|(name, _)| name == wanted);
        found.map(|(_, column)| column.clone())
    };
    names
        .into_iter()
        .map(|name| {
            let parts = tables.iter().zip(n_rows);
            let parts = parts.map(|(table, &rows)| (of_table(table, name), rows));
            (name.clone(), Column::stacked(parts.collect()))
        })
        .collect()
}

fn picked(table: &[(String, Column)], rows: &[u32]) -> Vec<(String, Column)> {
    let picked = |(name, column): &(String, Column)| (name.clone(), column.picked(rows));
    table.iter().map(picked).collect()
}

/// Adds the column of files' names; one of that name moves out of the way.
fn add_batch(columns: &mut Vec<(String, Column)>, files: &[InputFile], n_cells: &[usize]) {
    let mut moved = BATCH.to_owned();
    while columns.iter().any(|(name, _)| *name == moved) {
        moved.push_str(OF_FILE);
    }
    for (name, _) in columns.iter_mut().filter(|(name, _)| name == BATCH) {
        name.clone_from(&moved);
    }
    let labels = files.iter().zip(n_cells);
    let labels = labels.flat_map(|(file, &n)| std::iter::repeat_n(Some(file.name.clone()), n));
    columns.push((BATCH.to_owned(), Column::Categorical(labels.collect())));
}

/// The names of all cells, with their files' names as endings where a name occurs in two files, as
/// `anndata.concat(index_unique="-")` has them.
fn cell_names(files: &[InputFile], parts: &[DataSet]) -> Vec<String> {
    let mut earlier: HashSet<&str> = HashSet::new();
    let mut is_twice = false;
    for part in parts {
        is_twice |= part
            .cell_names
            .iter()
            .any(|name| earlier.contains(name.as_str()));
        earlier.extend(part.cell_names.iter().map(String::as_str));
    }
    let named = |(file, name): (&InputFile, &String)| {
        if is_twice {
            format!("{name}-{}", file.name)
        } else {
            name.clone()
        }
    };
    let pairs = files.iter().zip(parts);
    pairs
        .flat_map(|(file, part)| part.cell_names.iter().map(move |name| (file, name)))
        .map(named)
        .collect()
}
