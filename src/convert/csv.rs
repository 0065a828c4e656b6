//! Tables of counts as Baron et al. published theirs: one line per cell, labels first.

use std::{io::Read, path::Path};

use csv::{ByteRecord, ReaderBuilder};

use super::{CELLTYPE, ConvertError, Converted, input, write};
use crate::{
    h5ad::{NewColumn, NewH5ad, SparseRows, is_count},
    names::make_unique,
};

/// Columns before the genes: the cell's name, its barcode and its type.
const N_ANNOTATIONS: usize = 3;

/// Converts tables (`.csv`, also gzip-compressed, or all those in a zip archive) to one `.h5ad` file.
///
/// Input: a line per cell with its name (column without a name), `barcode`, `assigned_cluster`, then a raw
/// count per gene; several tables need the same genes in the same order. Output: see
/// [`crate::h5ad::write_h5ad`]; `obs` has `celltype`, `barcode`, and `sample` (the table) where there are
/// several; names that occur twice get a number. Memory: 8 bytes per non-zero count. Time is linear in the
/// input's length. Format: Baron et al. 2016, doi:10.1016/j.cels.2016.08.011, GEO series GSE84133.
pub fn csv_to_h5ad<P: AsRef<Path>>(inputs: &[P], output: &Path) -> Result<Converted, ConvertError> {
    let mut cells = Cells::new();
    for path in inputs {
        input::for_each_table(path.as_ref(), ".csv", |name, reader| {
            cells.read_table(name, reader)
        })?;
    }
    write(output, &cells.into_data()?)
}

/// The cells of all tables read so far.
struct Cells {
    tables: Vec<String>,
    genes: Vec<String>,
    names: Vec<String>,
    barcodes: Vec<String>,
    types: Vec<Option<String>>,
    samples: Vec<String>,
    counts: SparseRows,
}

impl Cells {
    fn new() -> Self {
        Self {
            tables: Vec::new(),
            genes: Vec::new(),
            names: Vec::new(),
            barcodes: Vec::new(),
            types: Vec::new(),
            samples: Vec::new(),
            counts: SparseRows::new(),
        }
    }

    fn read_table(&mut self, table: &str, reader: &mut dyn Read) -> Result<(), ConvertError> {
        let mut csv = ReaderBuilder::new().from_reader(reader);
        let broken = |e: csv::Error| ConvertError::Table {
            file: table.to_owned(),
            reason: e.to_string(),
        };
        let header = csv.byte_headers().map_err(broken)?.clone();
        let genes = parse_header(table, &header)?;
        self.check_genes(table, genes)?;
        let sample = Path::new(table).file_stem().unwrap_or_default();
        let sample = sample.to_string_lossy().into_owned();
        let mut record = ByteRecord::new();
        while csv.read_byte_record(&mut record).map_err(broken)? {
            self.push(table, &record)?;
            self.samples.push(sample.clone());
        }
        Ok(())
    }

    /// Takes the first table's genes, and fails where a later table has others.
    fn check_genes(&mut self, table: &str, genes: Vec<String>) -> Result<(), ConvertError> {
        if let Some(first_file) = self.tables.first() {
            let n = genes.len().max(self.genes.len());
            let name = |genes: &[String], gene: usize| genes.get(gene).cloned();
            let differs = |&gene: &usize| genes.get(gene) != self.genes.get(gene);
            if let Some(gene) = (0..n).find(differs) {
                let none = || "none".to_owned();
                return Err(ConvertError::GenesDiffer {
                    file: table.to_owned(),
                    first_file: first_file.clone(),
                    position: gene + 1,
                    expected: name(&self.genes, gene).unwrap_or_else(none),
                    found: name(&genes, gene).unwrap_or_else(none),
                });
            }
        } else {
            self.genes = genes;
        }
        self.tables.push(table.to_owned());
        Ok(())
    }

    /// Adds the cell of one line, which has as many fields as the first.
    fn push(&mut self, table: &str, record: &ByteRecord) -> Result<(), ConvertError> {
        let text = |column: usize| String::from_utf8_lossy(&record[column]).trim().to_owned();
        self.names.push(text(0));
        self.barcodes.push(text(1));
        self.types
            .push(Some(text(2)).filter(|label| !is_missing(label)));
        for (gene, field) in record.iter().skip(N_ANNOTATIONS).enumerate() {
            if field == b"0" {
                continue;
            }
            let count = parse_count(field).ok_or_else(|| ConvertError::NotCount {
                file: table.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                gene: self.genes[gene].clone(),
                found: String::from_utf8_lossy(field).into_owned(),
            })?;
            self.counts.push(gene, count);
        }
        self.counts.end_row();
        Ok(())
    }

    fn into_data(mut self) -> Result<NewH5ad, ConvertError> {
        let source = self.tables.first().ok_or(ConvertError::NoInput)?.clone();
        if self.names.is_empty() || self.genes.is_empty() {
            return Err(ConvertError::Empty {
                file: source,
                n_cells: self.names.len(),
                n_genes: self.genes.len(),
            });
        }
        make_unique(&mut self.names);
        make_unique(&mut self.genes);
        let tables = self.tables.iter().map(|table| file_name(table));
        let source = tables.collect::<Vec<_>>().join(", ");
        let mut obs = vec![
            (CELLTYPE.to_owned(), NewColumn::Categorical(self.types)),
            ("barcode".to_owned(), NewColumn::Text(self.barcodes)),
        ];
        if self.tables.len() > 1 {
            let samples = self.samples.into_iter().map(Some).collect();
            obs.push(("sample".to_owned(), NewColumn::Categorical(samples)));
        }
        let counts = self.counts.into_counts(self.genes.len());
        let counts = counts.map_err(|found| ConvertError::Table {
            file: source.clone(),
            reason: format!("{} is no count", found.0),
        })?;
        Ok(NewH5ad {
            counts,
            obs_names: self.names,
            var_names: self.genes,
            obs,
            uns: vec![("source".to_owned(), source)],
        })
    }
}

/// The genes that a table's first line names.
fn parse_header(table: &str, header: &ByteRecord) -> Result<Vec<String>, ConvertError> {
    let names = header
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned());
    let names: Vec<String> = names.collect();
    match &names[..] {
        [first, barcode, cluster, genes @ ..]
            if first.is_empty() && barcode == "barcode" && cluster == "assigned_cluster" =>
        {
            Ok(genes.to_vec())
        }
        _ => Err(ConvertError::Header {
            file: table.to_owned(),
            found: names[..names.len().min(N_ANNOTATIONS)].join(","),
        }),
    }
}

/// A count; a missing one is 0. `None` where it is no whole number, or negative.
fn parse_count(field: &[u8]) -> Option<f32> {
    let text = str::from_utf8(field).ok()?.trim();
    if is_missing(text) {
        return Some(0.0);
    }
    text.parse().ok().filter(|&count| is_count(count))
}

fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "NaN" | "nan")
}

fn file_name(table: &str) -> String {
    let name = Path::new(table).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_not_negative() {
        let cases = [("7", Some(7.)), (" 2.0 ", Some(2.)), ("1e3", Some(1000.))];
        for (field, count) in cases.into_iter().chain([("NA", Some(0.)), ("", Some(0.))]) {
            assert_eq!(parse_count(field.as_bytes()), count, "{field}");
        }
        for field in ["-1", "0.5", "inf", "x", "1,5"] {
            assert_eq!(parse_count(field.as_bytes()), None, "{field}");
        }
    }
}
