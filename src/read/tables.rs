//! Tables that together are one data set.

use std::path::Path;

use super::{
    CELLTYPE, DataSet, Format, Obs, ReadError, ReadOptions,
    orientation::{Orientation, Rows},
    packing,
    table::{self, Table},
};
use crate::{
    counts::{CountRules, Csr},
    h5ad::{Column, SparseRows},
};

/// How Baron et al. call the column of cell types.
const ASSIGNED_CLUSTER: &str = "assigned_cluster";
/// The column of `obs` that holds the name of each cell's table, where there are several.
const SAMPLE: &str = "sample";
/// What the column of that name becomes that the tables have already.
const SAMPLE_OF_FILE: &str = "sample_of_file";
/// How many names a message gives as examples.
const EXAMPLES: usize = 3;

/// Reads tables (plain, gzip-compressed, or all those of a zip archive), whose cells together are the
/// data set.
///
/// A table is cells × genes, or genes × cells where the options say so; several need the same genes in
/// the same order. Columns and rows that are neither cells nor genes become columns of `obs` and `var`, as
/// `barcode` and `assigned_cluster` (which is called `celltype`) of the tables of Baron et al. (2016,
/// doi:10.1016/j.cels.2016.08.011, GEO series GSE84133); where there are several tables, `obs['sample']` has their names, and a
/// column of theirs that is called so becomes `sample_of_file`.
/// Memory: 8 bytes per non-zero count, 16 with genes in rows.
pub(crate) fn read_tables<P: AsRef<Path>>(
    paths: &[P],
    options: &ReadOptions,
) -> Result<DataSet, ReadError> {
    let mut joined = Joined::default();
    for path in paths {
        let left = packing::for_each_table(path.as_ref(), |file, reader| {
            let table = table::read(file, reader, options.rules)?;
            joined.say_what_is_beside(file, &table);
            joined.say_whose_names_are_numbers(file, &table, options.orientation);
            let upright = upright(file, table, options, &mut joined.notes)?;
            joined.push(file, upright)
        })?;
        if !left.is_empty() {
            let path = path.as_ref().display();
            joined.notes.push(format!(
                "{path}: read are the molecules per cell; not read: {}",
                left.join(", ")
            ));
        }
    }
    let path = paths.first().ok_or(ReadError::NoInput)?;
    joined.into_data_set(path.as_ref(), options.rules)
}

/// A table with cells in rows.
struct Upright {
    cells: Vec<String>,
    genes: Vec<String>,
    counts: SparseRows,
    /// What is known of cells, one text each.
    obs: Vec<(String, Vec<String>)>,
    /// What is known of genes.
    var: Vec<(String, Vec<String>)>,
}

/// The table with its cells in rows, as the options say; an error where it has them elsewhere.
fn upright(
    file: &str,
    table: Table,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<Upright, ReadError> {
    let seems = if options.orientation == Orientation::CellsInRows {
        Rows::Cells
    } else {
        let (rows, columns) = totals(&table);
        Rows::of(&table.rows, &table.columns, &rows, &columns)
    };
    let has_genes_in_rows = options.orientation == Orientation::GenesInRows;
    match seems {
        Rows::Genes if !has_genes_in_rows => {
            return Err(ReadError::GenesInRows {
                file: file.to_owned(),
                rows: examples(&table.rows),
                columns: examples(&table.columns),
            });
        }
        Rows::Cells if has_genes_in_rows => {
            return Err(ReadError::CellsInRows {
                file: file.to_owned(),
                rows: examples(&table.rows),
                columns: examples(&table.columns),
            });
        }
        Rows::Either if !has_genes_in_rows && !table.rows.is_empty() => notes.push(format!(
            "{file}: rows ({}) are taken for cells and columns ({}) for genes; if it is the other way round: \
             -transpose True",
            examples(&table.rows),
            examples(&table.columns)
        )),
        _ => {}
    }
    if !has_genes_in_rows {
        return Ok(Upright {
            cells: table.rows,
            genes: table.columns,
            counts: table.counts,
            obs: table.beside,
            var: table.below,
        });
    }
    let counts = counts(file, table.counts, table.columns.len(), options.rules)?;
    let (offsets, columns, values) = counts.transpose_into().to_csr().into_raw_storage();
    Ok(Upright {
        cells: table.columns,
        genes: table.rows,
        counts: SparseRows {
            offsets,
            columns,
            values,
        },
        obs: table.below,
        var: table.beside,
    })
}

/// The sums of rows and of columns.
fn totals(table: &Table) -> (Vec<f64>, Vec<f64>) {
    let counts = &table.counts;
    let rows = counts.offsets.windows(2);
    let rows = rows.map(|ends| {
        counts.values[ends[0]..ends[1]]
            .iter()
            .copied()
            .map(f64::from)
            .sum()
    });
    let mut columns = vec![0.0; table.columns.len()];
    for (&column, &value) in counts.columns.iter().zip(&counts.values) {
        columns[column as usize] += f64::from(value);
    }
    (rows.collect(), columns)
}

/// `CD3D, GAPDH, ACTB …`
pub(super) fn examples(names: &[String]) -> String {
    let more = if names.len() > EXAMPLES { " …" } else { "" };
    let first: Vec<&str> = names.iter().take(EXAMPLES).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}

fn counts(
    file: &str,
    rows: SparseRows,
    n_columns: usize,
    rules: CountRules,
) -> Result<Csr, ReadError> {
    rows.into_counts(n_columns, rules)
        .map_err(|found| ReadError::Text {
            file: file.to_owned(),
            reason: format!("{} is not a count", found.0),
        })
}

/// The cells of all tables read so far.
#[derive(Default)]
struct Joined {
    files: Vec<String>,
    genes: Vec<String>,
    cells: Vec<String>,
    samples: Vec<Option<String>>,
    counts: Option<SparseRows>,
    /// What is known of the cells: a text for each, or none.
    obs: Vec<(String, Vec<Option<String>>)>,
    /// What the first table knows of its genes.
    var: Vec<(String, Vec<String>)>,
    notes: Vec<String>,
}

impl Joined {
    /// Notes what of a table is not read as counts.
    fn say_what_is_beside(&mut self, file: &str, table: &Table) {
        for (what, others) in [("columns", &table.beside), ("rows", &table.below)] {
            if !others.is_empty() {
                let names: Vec<String> = others.iter().map(|(name, _)| name.clone()).collect();
                let names = names.join(", ");
                self.notes.push(format!(
                    "{file}: not read as counts, being neither cells nor genes: {what} {names}"
                ));
            }
        }
        if let Some(missing) = &table.missing {
            self.notes.push(format!(
                "{file}: {} missing entries are read as 0, the first on line {}, {}",
                missing.n, missing.line, missing.column
            ));
        }
    }

    /// Notes that numbers of a first column without a telling title are read as names.
    fn say_whose_names_are_numbers(&mut self, file: &str, table: &Table, rows: Orientation) {
        let Some(title) = &table.numbers_as_names else {
            return;
        };
        let what = match rows {
            Orientation::GenesInRows => "gene",
            Orientation::Checked | Orientation::CellsInRows => "cell",
        };
        self.notes.push(format!(
            "{file}: the first column, '{title}', is taken for the names of the {what}s, because its numbers all differ; if \
             they are counts, put a column of names before it (pandas: index=True); if they are names, call it '{what}'"
        ));
    }

    fn push(&mut self, file: &str, table: Upright) -> Result<(), ReadError> {
        if self.files.is_empty() {
            self.var = table.var;
        }
        self.check_genes(file, table.genes)?;
        let sample = Path::new(file).file_stem().unwrap_or_default();
        let sample = sample.to_string_lossy().into_owned();
        self.samples
            .extend(table.cells.iter().map(|_| Some(sample.clone())));
        let n_before = self.cells.len();
        self.cells.extend(table.cells);
        for (name, texts) in table.obs {
            let texts = texts.into_iter().map(Some);
            if let Some((_, known)) = self.obs.iter_mut().find(|(known, _)| *known == name) {
                known.extend(texts);
            } else {
                let none = vec![None; n_before].into_iter();
                self.obs.push((name, none.chain(texts).collect()));
            }
        }
        for (_, texts) in &mut self.obs {
            texts.resize(self.cells.len(), None);
        }
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

    fn into_data_set(self, path: &Path, rules: CountRules) -> Result<DataSet, ReadError> {
        let file = path.display().to_string();
        let (n_cells, n_genes) = (self.cells.len(), self.genes.len());
        let Some(rows) = self.counts.filter(|_| n_cells > 0 && n_genes > 0) else {
            return Err(ReadError::Empty {
                file,
                n_cells,
                n_genes,
            });
        };
        let mut obs = self.obs;
        if !obs.iter().any(|(name, _)| name == CELLTYPE) {
            for (name, _) in &mut obs {
                if name == ASSIGNED_CLUSTER {
                    CELLTYPE.clone_into(name);
                }
            }
        }
        obs.sort_by_key(|(name, _)| name != CELLTYPE);
        let mut columns: Vec<(String, Column)> = obs
            .into_iter()
            .map(|(name, texts)| (name, column(texts)))
            .collect();
        if self.files.len() > 1 {
            for (name, _) in columns.iter_mut().filter(|(name, _)| name == SAMPLE) {
                SAMPLE_OF_FILE.clone_into(name);
            }
            columns.push((SAMPLE.to_owned(), Column::Categorical(self.samples)));
        }
        let var = self.var.into_iter();
        let var = var.map(|(name, texts)| (name, column(texts.into_iter().map(Some).collect())));
        Ok(DataSet {
            format: Format::Table,
            counts: Box::new(counts(&file, rows, n_genes, rules)?),
            cell_names: self.cells,
            gene_names: self.genes,
            obs: Obs::Memory {
                path: path.to_owned(),
                columns,
            },
            var: var.collect(),
            notes: self.notes,
        })
    }
}

/// Texts as numbers where all are, as labels where most occur twice or some are missing, else as they are.
fn column(texts: Vec<Option<String>>) -> Column {
    let is_there = |text: &Option<String>| {
        text.as_ref()
            .is_some_and(|text| !super::table_header::is_missing(text.as_bytes()))
    };
    let parsed = |text: &Option<String>| text.as_ref()?.parse::<f64>().ok();
    let numbers: Option<Vec<f64>> = texts.iter().map(parsed).collect();
    if let Some(numbers) = numbers {
        let whole: Option<Vec<i64>> = texts.iter().map(|t| t.as_ref()?.parse().ok()).collect();
        return whole.map_or(Column::Number(numbers), Column::Whole);
    }
    let distinct: std::collections::BTreeSet<&Option<String>> = texts.iter().collect();
    if texts.iter().all(is_there) && distinct.len() * 2 > texts.len() {
        return Column::Text(texts.into_iter().flatten().collect());
    }
    Column::Categorical(
        texts
            .into_iter()
            .map(|text| is_there(&text).then_some(text).flatten())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_become_names_are_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let notes = |title: &str, orientation| {
            let lines = (0..12).map(|row| format!("{},1,2\n", 7 + row));
            let text = format!("{title},Gad1,Mbp\n{}", lines.collect::<String>());
            std::fs::write(&path, text).expect("a file");
            let options = ReadOptions {
                orientation,
                ..ReadOptions::default()
            };
            let read = read_tables(&[&path], &options).expect("a table");
            read.notes.join("\n")
        };
        assert!(notes("Malat1", Orientation::CellsInRows).ends_with(
            "x.csv: the first column, 'Malat1', is taken for the names of the cells, because its numbers all differ; if they \
             are counts, put a column of names before it (pandas: index=True); if they are names, call it 'cell'"
        ));
        for title in ["", "cell", "Unnamed: 0"] {
            assert_eq!(notes(title, Orientation::CellsInRows), "", "{title}");
        }
    }
}
