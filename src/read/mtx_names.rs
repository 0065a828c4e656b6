//! The files beside a `.mtx` matrix that name its cells and genes.

use std::{
    io::{BufRead, ErrorKind},
    path::{Path, PathBuf},
};

use csv::ReaderBuilder;

use super::{
    ReadError, packing,
    tenx_features::{TenxFeatures, is_type},
};

/// How Cell Ranger's matrix is called after its prefix.
pub(super) const MATRIX: &str = "matrix.mtx";
/// How files of cells' names are called.
const CELLS: &[&str] = &["barcodes"];
/// How files of genes' names are called.
const GENES: &[&str] = &["features", "genes"];
/// How all of them end.
const ENDINGS: [&str; 4] = [".tsv", ".tsv.gz", ".txt", ".txt.gz"];

/// The names of a matrix's cells.
pub(super) fn cells(matrix: &Path) -> Result<Vec<String>, ReadError> {
    let rows = read_lines(&file_of(matrix, "cells", CELLS)?)?;
    let first = |row: Vec<String>| row.into_iter().next().unwrap_or_default();
    Ok(rows.into_iter().map(first).collect())
}

/// What a matrix counts.
pub(super) fn features(matrix: &Path) -> Result<TenxFeatures, ReadError> {
    let file = file_of(matrix, "genes", GENES)?;
    Ok(features_of(&read_lines(&file)?, is_csv(&file)))
}

/// The files of a matrix's names, those that there are.
pub(super) fn files_of(matrix: &Path) -> impl Iterator<Item = PathBuf> {
    let files = [CELLS, GENES].map(|words| find(matrix, words).ok());
    files.into_iter().flatten()
}

/// A name without the ending of compression.
pub(super) fn plain(name: &str) -> &str {
    name.strip_suffix(".gz").unwrap_or(name)
}

fn file_of(matrix: &Path, what: &'static str, words: &[&str]) -> Result<PathBuf, ReadError> {
    find(matrix, words).map_err(|tried| ReadError::NoNames {
        path: matrix.to_owned(),
        what,
        tried,
    })
}

/// The file beside the matrix that names its cells or genes; the plainest names that were looked for where none is.
fn find(matrix: &Path, words: &[&str]) -> Result<PathBuf, Vec<String>> {
    let name = matrix.file_name().unwrap_or_default().to_string_lossy();
    let name = plain(&name);
    let folder = matrix.parent().unwrap_or(Path::new(""));
    let first_of = |names: &[String]| {
        let mut paths = names.iter().map(|name| folder.join(name));
        paths.find(|path| path.is_file())
    };
    let mut tried = Vec::new();
    for prefix in prefixes(name) {
        let names = words
            .iter()
            .flat_map(|word| ENDINGS.map(|ending| format!("{prefix}{word}{ending}")));
        tried = names.collect();
        if let Some(found) = first_of(&tried) {
            return Ok(found);
        }
    }
    first_of(&other_names(name, words)).ok_or(tried)
}

/// What may stand before `barcodes` and the like, the best first: `GSM1_` beside `GSM1_matrix.mtx`; beside kallisto's
/// `cells_x_genes.mature.mtx` all of its name, `cells_x_genes.`, or nothing, as beside STARsolo's `spliced.mtx`.
fn prefixes(matrix: &str) -> Vec<String> {
    if let Some(prefix) = matrix.strip_suffix(MATRIX) {
        return vec![prefix.to_owned()];
    }
    let stem = matrix.strip_suffix(".mtx").unwrap_or(matrix);
    let shorter = stem.rsplit_once('.');
    let shorter = shorter.map(|(shorter, _)| format!("{shorter}."));
    let prefixes = [Some(format!("{stem}.")), shorter, Some(String::new())];
    prefixes.into_iter().flatten().collect()
}

/// How other programs call the names of a matrix's cells or genes: EBI's atlas `NAME.mtx_cols` and `NAME.mtx_rows`,
/// alevin-fry `quants_mat_rows.txt` and `quants_mat_cols.txt`, Parse `cell_metadata.csv` and `all_genes.csv`.
fn other_names(matrix: &str, words: &[&str]) -> Vec<String> {
    let stem = matrix.strip_suffix(".mtx").unwrap_or(matrix);
    let names = if words == CELLS {
        vec![
            format!("{matrix}_cols"),
            format!("{stem}_rows.txt"),
            "cell_metadata.csv".to_owned(),
        ]
    } else {
        vec![
            format!("{matrix}_rows"),
            format!("{stem}_cols.txt"),
            "all_genes.csv".to_owned(),
            "genes.csv".to_owned(),
        ]
    };
    let packed = names.iter().map(|name| format!("{name}.gz"));
    names.iter().cloned().chain(packed).collect()
}

fn is_csv(path: &Path) -> bool {
    let file = path.to_string_lossy();
    let ending = Path::new(plain(&file)).extension();
    ending.is_some_and(|ending| ending == "csv")
}

/// The fields of lines: split at commas, and less the titles, in a `.csv` file; else split at tabs.
fn read_lines(path: &Path) -> Result<Vec<Vec<String>>, ReadError> {
    let is_csv = is_csv(path);
    let separator = if is_csv { b',' } else { b'\t' };
    let lines = packing::open_text(path)?.lines();
    let lines = lines.enumerate().skip(usize::from(is_csv));
    let rows = lines.map(|(position, line)| match line {
        Ok(line) => Ok(fields(&line, separator)),
        Err(e) if e.kind() == ErrorKind::InvalidData => Err(ReadError::Line {
            file: path.display().to_string(),
            line: position as u64 + 1,
            reason: e.to_string(),
        }),
        Err(source) => Err(packing::unreadable(path, source)),
    });
    rows.collect()
}

/// The fields of a line, less the quotes that R's `write.table` puts around texts.
fn fields(line: &str, separator: u8) -> Vec<String> {
    let trimmed = |field: &str| field.trim().to_owned();
    if !line.contains('"') {
        return line.split(char::from(separator)).map(trimmed).collect();
    }
    let mut csv = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .from_reader(line.as_bytes());
    let record = csv.records().next().and_then(Result::ok);
    record.unwrap_or_default().iter().map(trimmed).collect()
}

/// A line of `features.tsv` is identifier, name, type; of `genes.tsv` identifier, name; of Parse's `all_genes.csv`
/// identifier, name, genome; or one name alone.
fn features_of(rows: &[Vec<String>], is_csv: bool) -> TenxFeatures {
    let has = |n_fields: usize| rows.iter().all(|row| row.len() >= n_fields);
    let (has_names, has_third) = (has(2), has(3));
    let column = |field: usize| -> Vec<String> {
        let fields = rows.iter().map(|row| row.get(field).cloned());
        fields.map(Option::unwrap_or_default).collect()
    };
    let third = if has_third { column(2) } else { Vec::new() };
    let (types, genomes) = if is_csv && !third.iter().any(|kind| is_type(kind)) {
        (Vec::new(), third)
    } else {
        (third, Vec::new())
    };
    TenxFeatures {
        names: column(usize::from(has_names)),
        ids: if has_names { column(0) } else { Vec::new() },
        types,
        genomes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Vec<String>> {
        lines.iter().map(|line| fields(line, b' ')).collect()
    }

    #[test]
    fn features_have_one_two_or_three_fields() {
        let three = features_of(&rows(&["E1 Gad1 Gene", "A1 CD3 Antibody"]), false);
        assert_eq!(
            (three.names, three.ids),
            (names("Gad1 CD3"), names("E1 A1"))
        );
        assert_eq!(three.types, ["Gene", "Antibody"]);
        let two = features_of(&rows(&["E1 Gad1", "E2 Mbp"]), false);
        assert_eq!((two.names.len(), two.types.len()), (2, 0));
        let one = features_of(&rows(&["Gad1", "Mbp"]), false);
        assert_eq!((one.names, one.ids.len()), (names("Gad1 Mbp"), 0));
    }

    fn names(line: &str) -> Vec<String> {
        fields(line, b' ')
    }

    #[test]
    fn only_a_csv_file_names_genomes() {
        let third = |kinds: [&str; 2], is_csv: bool| {
            let lines = kinds.map(|kind| vec!["E1".to_owned(), "Gad1".to_owned(), kind.to_owned()]);
            let features = features_of(&lines, is_csv);
            (features.types, features.genomes)
        };
        let kinds = |kinds: [&str; 2]| kinds.map(str::to_owned).to_vec();
        let (genomes, biotypes) = (["hg38", "mm39"], ["lncRNA", "protein_coding"]);
        assert_eq!(third(genomes, true), (Vec::new(), kinds(genomes)));
        assert_eq!(third(biotypes, false), (kinds(biotypes), Vec::new()));
        let types = ["Gene Expression", "Custom"];
        assert_eq!(third(types, true), (kinds(types), Vec::new()));
    }

    #[test]
    fn quotes_are_no_part_of_names() {
        for (line, separator, expected) in [
            (
                "\"E1\"\t\"TP53\"\t\"Gene Expression\"",
                b'\t',
                "E1|TP53|Gene Expression",
            ),
            (
                "E1\tTP53 \tGene Expression",
                b'\t',
                "E1|TP53|Gene Expression",
            ),
            ("\"E1\",\"a, b\",hg38", b',', "E1|a, b|hg38"),
            ("E1\t5\"-probe", b'\t', "E1|5\"-probe"),
            ("\"\"", b'\t', ""),
            ("", b'\t', ""),
        ] {
            assert_eq!(fields(line, separator).join("|"), expected, "{line}");
        }
    }

    #[test]
    fn names_lie_under_all_of_the_matrix_name_a_part_of_it_or_none() {
        assert_eq!(prefixes("GSM1_matrix.mtx"), ["GSM1_"]);
        assert_eq!(prefixes("matrix.mtx"), [""]);
        assert_eq!(prefixes("spliced.mtx"), ["spliced.", ""]);
        let kallisto = ["cells_x_genes.mature.", "cells_x_genes.", ""];
        assert_eq!(prefixes("cells_x_genes.mature.mtx"), kallisto);
    }
}
