//! The binary matrix of alevin (salmon 0.14 and later), `quants_mat.gz`, in the format EDS.
//!
//! For every cell it has a bit for each gene, the first gene's the highest of the first byte, filled up to whole bytes; then
//! the values of the genes whose bits are set, as little-endian `f32`. `quants_mat_rows.txt` names the cells,
//! `quants_mat_cols.txt` the genes. Srivastava et al. 2019, doi:10.1186/s13059-019-1670-y.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{DataSet, Format, Obs, ReadError, ReadOptions, packing};
use crate::{
    counts::{CountRules, Csr},
    h5ad::{Seems, SparseRows},
};

const MATRIX: &str = "quants_mat.gz";
const CELLS: &str = "quants_mat_rows.txt";
const GENES: &str = "quants_mat_cols.txt";

/// Cells that tell what the values are.
const TOLD: usize = 64;

/// The matrix at a path: the file, or the folder that holds it.
pub(super) fn matrix_at(path: &Path) -> Option<PathBuf> {
    let is_matrix = path.file_name().is_some_and(|name| name == MATRIX);
    let matrix = if is_matrix {
        path.to_owned()
    } else {
        path.join(MATRIX)
    };
    matrix.is_file().then_some(matrix)
}

/// The matrix and the files of its names.
pub(super) fn files_of(matrix: &Path) -> Vec<PathBuf> {
    vec![
        matrix.to_owned(),
        matrix.with_file_name(CELLS),
        matrix.with_file_name(GENES),
    ]
}

/// Opens the matrix at a path. Memory: 8 bytes per value.
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<DataSet, ReadError> {
    let matrix = matrix_at(path).unwrap_or_else(|| path.to_owned());
    let cell_names = names(&matrix, "cells", CELLS)?;
    let gene_names = names(&matrix, "genes", GENES)?;
    if cell_names.is_empty() || gene_names.is_empty() {
        return Err(ReadError::Empty {
            file: matrix.display().to_string(),
            n_cells: cell_names.len(),
            n_genes: gene_names.len(),
        });
    }
    let opened = File::open(&matrix).map_err(|e| packing::unreadable(&matrix, e))?;
    let mut reader = BufReader::new(packing::gunzip(opened));
    let rows = read(&mut reader, cell_names.len(), gene_names.len());
    let rows = rows.map_err(|reason| ReadError::Text {
        file: matrix.display().to_string(),
        reason: format!(
            "{reason}; salmon before 0.14 wrote this file in another encoding: count anew, or write it as .mtx in R \
             with tximport"
        ),
    })?;
    Ok(DataSet {
        format: Format::Alevin,
        counts: Box::new(counts(&matrix, rows, gene_names.len(), options.rules)?),
        cell_names,
        gene_names,
        obs: Obs::Memory {
            path: path.to_owned(),
            columns: Vec::new(),
        },
        var: Vec::new(),
        notes: Vec::new(),
    })
}

/// The lines of a file beside the matrix.
fn names(matrix: &Path, what: &'static str, name: &str) -> Result<Vec<String>, ReadError> {
    let path = matrix.with_file_name(name);
    if !path.is_file() {
        return Err(ReadError::NoNames {
            path: matrix.to_owned(),
            what,
            tried: vec![name.to_owned()],
        });
    }
    let lines = packing::open_text(&path)?.lines();
    let names = lines.map(|line| line.map(|name| name.trim().to_owned()));
    let names: io::Result<Vec<String>> = names.collect();
    names.map_err(|e| packing::unreadable(&path, e))
}

fn read(reader: &mut impl BufRead, n_cells: usize, n_genes: usize) -> Result<SparseRows, String> {
    let cut = |cell: usize| move |e: io::Error| format!("cell {} of {n_cells}: {e}", cell + 1);
    let mut rows = SparseRows::new();
    let mut flags = vec![0_u8; n_genes.div_ceil(8)];
    for cell in 0..n_cells {
        reader.read_exact(&mut flags).map_err(cut(cell))?;
        let is_set = |gene: &usize| flags[gene / 8] & (0x80 >> (gene % 8)) != 0;
        if (n_genes..8 * flags.len()).any(|gene| is_set(&gene)) {
            return Err(format!(
                "cell {} has values of more than {n_genes} genes",
                cell + 1
            ));
        }
        for gene in (0..n_genes).filter(is_set) {
            let mut value = [0; 4];
            reader.read_exact(&mut value).map_err(cut(cell))?;
            rows.push(gene, f32::from_le_bytes(value));
        }
        rows.end_row();
    }
    match reader.fill_buf() {
        Ok([]) => Ok(rows),
        Ok(_) => Err(format!(
            "it holds more than the {n_cells} cells that are named beside it"
        )),
        Err(e) => Err(e.to_string()),
    }
}

/// The values as counts; alevin estimates them, so that most are fractions.
fn counts(
    matrix: &Path,
    rows: SparseRows,
    n_genes: usize,
    rules: CountRules,
) -> Result<Csr, ReadError> {
    let told: Vec<Vec<f32>> = rows
        .offsets
        .windows(2)
        .take(TOLD)
        .map(|ends| rows.values[ends[0]..ends[1]].to_vec())
        .collect();
    rows.into_counts(n_genes, rules)
        .map_err(|found| ReadError::Text {
            file: matrix.display().to_string(),
            reason: format!(
                "{} is not a count{}; raw counts are needed (whole numbers, none negative)",
                found.0,
                Seems::of(&told.concat(), &told).with(found.0)
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two cells of nine genes: 1 of gene 0 and 2.5 of gene 8; nothing.
    const EDS: [u8; 12] = [0x80, 0x80, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0x40, 0, 0];

    #[test]
    fn bits_say_whose_values_follow() {
        let rows = read(&mut &EDS[..], 2, 9).expect("two cells");
        assert_eq!(rows.offsets, [0, 2, 2]);
        assert_eq!(rows.columns, [0, 8]);
        assert_eq!(rows.values, [1.0, 2.5]);
    }

    #[test]
    fn what_does_not_fit_the_names_is_refused() {
        let said = |bytes: &[u8], n_cells, n_genes| {
            let mut bytes = bytes;
            read(&mut bytes, n_cells, n_genes).expect_err("a misfit")
        };
        assert!(said(&EDS, 3, 9).starts_with("cell 3 of 3: "));
        assert!(said(&EDS, 1, 9).contains("more than the 1 cells"));
        assert!(said(&EDS[..7], 2, 9).starts_with("cell 1 of 2: "));
        assert!(said(&[0x01], 1, 7).contains("more than 7 genes"));
    }
}
