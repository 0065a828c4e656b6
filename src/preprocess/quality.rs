//! Quality control: cells and genes that the user wants left out.

use std::ops::Range;

use rayon::prelude::*;

use super::{PreprocessError, read_ahead::each_chunk};
use crate::counts::{CountSource, CountsError, Csr};

/// What cells and genes have to have; 0 and `None` ask for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QualityControl {
    /// Least total count of a cell.
    pub min_counts: u64,
    /// Least number of genes detected in a cell.
    pub min_genes: usize,
    /// Least number of cells, of those kept, that a gene is detected in.
    pub min_cells: usize,
    /// Most percent of a cell's counts that are of mitochondrial genes.
    pub max_mt: Option<f64>,
}

/// A source of counts without what failed: cells that failed have no counts, genes that failed none in any cell. Both
/// keep their positions.
#[derive(Debug)]
pub struct Passed<'a> {
    source: &'a dyn CountSource,
    /// `None` where all pass.
    cells: Option<Vec<bool>>,
    /// Cells outside of the group that the run is restricted to.
    n_outside: usize,
    genes: Option<Vec<bool>>,
    /// What was left out.
    failed: Failed,
}

/// How many cells and genes failed, by the first reason that holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failed {
    /// Cells with too few counts.
    pub of_counts: usize,
    /// Other cells with too few genes.
    pub of_genes: usize,
    /// Other cells with too many mitochondrial counts.
    pub of_mt: usize,
    /// Genes detected in too few cells.
    pub genes: usize,
}

/// How many cells take no part, whatever their counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Outside of the group that the run is restricted to.
    pub outside: usize,
    /// Of this group, those that failed quality control.
    pub failed: usize,
}

impl LeftOut {
    /// Both together.
    #[must_use]
    pub fn total(self) -> usize {
        self.outside + self.failed
    }
}

/// Applies quality control to counts; `symbols` are the genes' names, and `within` tells which cells the run is restricted
/// to. Without any limit nothing is read, else the source is read once, and twice with `min_cells`.
///
/// # Errors
/// Where the source cannot be read, no cell or no gene passes, or no gene is mitochondrial by its name.
pub fn control<'a>(
    source: &'a dyn CountSource,
    limits: &QualityControl,
    symbols: &[String],
    within: Option<Vec<bool>>,
) -> Result<Passed<'a>, PreprocessError> {
    let mut failed = Failed::default();
    let has_limit = limits.min_counts > 0 || limits.min_genes > 0 || limits.max_mt.is_some();
    let n_outside = within.iter().flatten().filter(|&&inside| !inside).count();
    let cells = if has_limit {
        let inside = within.unwrap_or_else(|| vec![true; source.n_cells()]);
        let cells = passing_cells(source, limits, symbols, inside, &mut failed)?;
        if !cells.contains(&true) {
            return Err(PreprocessError::NoCellPasses { failed });
        }
        Some(cells)
    } else {
        within
    };
    let mut passed = Passed {
        source,
        cells,
        n_outside,
        genes: None,
        failed,
    };
    if limits.min_cells > 0 {
        let genes = passing_genes(&passed, limits.min_cells)?;
        passed.failed.genes = genes.iter().filter(|&&passes| !passes).count();
        if !genes.contains(&true) {
            return Err(PreprocessError::NoGenePasses {
                min_cells: limits.min_cells,
            });
        }
        passed.genes = Some(genes);
    }
    Ok(passed)
}

/// Whether a gene is mitochondrial, by its symbol: `MT-CO1`, `mt-Co1`, `MT.CO1`, `GRCh38_MT-CO1`.
fn is_mitochondrial(symbol: &str) -> bool {
    let lower = symbol.to_lowercase();
    let name = lower.rsplit('_').next().unwrap_or_default();
    name.starts_with("mt-") || name.starts_with("mt.")
}

/// Those of the cells that `passes` so far which keep within the limits, too.
fn passing_cells(
    source: &dyn CountSource,
    limits: &QualityControl,
    symbols: &[String],
    mut passes: Vec<bool>,
    failed: &mut Failed,
) -> Result<Vec<bool>, PreprocessError> {
    let is_mt: Vec<bool> = symbols.iter().map(|name| is_mitochondrial(name)).collect();
    if limits.max_mt.is_some() && !is_mt.contains(&true) {
        return Err(PreprocessError::NoMitochondrialGenes {
            first: symbols.first().cloned().unwrap_or_default(),
        });
    }
    each_chunk(source, |rows, chunk| {
        let cells: Vec<Cell> = (0..chunk.rows())
            .into_par_iter()
            .map(|row| Cell::of(&chunk, row, &is_mt))
            .collect();
        for (passes, cell) in passes[rows].iter_mut().zip(cells) {
            if !*passes {
                continue;
            }
            let reason = if cell.counts < limits.min_counts as f64 {
                Some(&mut failed.of_counts)
            } else if cell.genes < limits.min_genes {
                Some(&mut failed.of_genes)
            } else if limits.max_mt.is_some_and(|most| cell.percent_mt() > most) {
                Some(&mut failed.of_mt)
            } else {
                None
            };
            *passes = reason.is_none();
            if let Some(n) = reason {
                *n += 1;
            }
        }
    })?;
    Ok(passes)
}

/// Which genes are detected in as many of the source's cells.
fn passing_genes(source: &Passed<'_>, min_cells: usize) -> Result<Vec<bool>, CountsError> {
    let mut detected_in = vec![0_usize; source.n_genes()];
    each_chunk(source, |_, chunk| {
        for &gene in chunk.indices() {
            detected_in[gene as usize] += 1;
        }
    })?;
    Ok(detected_in.iter().map(|&n| n >= min_cells).collect())
}

/// What quality control looks at.
struct Cell {
    counts: f64,
    genes: usize,
    mt: f64,
}

impl Cell {
    fn of(chunk: &Csr, row: usize, is_mt: &[bool]) -> Self {
        let mut cell = Self {
            counts: 0.0,
            genes: 0,
            mt: 0.0,
        };
        for (gene, &count) in chunk.outer_view(row).iter().flat_map(|cell| cell.iter()) {
            cell.counts += f64::from(count);
            cell.genes += 1;
            if is_mt.get(gene) == Some(&true) {
                cell.mt += f64::from(count);
            }
        }
        cell
    }

    fn percent_mt(&self) -> f64 {
        if self.counts > 0.0 {
            100.0 * self.mt / self.counts
        } else {
            0.0
        }
    }
}

impl Passed<'_> {
    /// Whether a cell passed.
    #[must_use]
    pub fn holds(&self, cell: usize) -> bool {
        self.cells.as_ref().is_none_or(|cells| cells[cell])
    }

    /// Whether a gene passed.
    #[must_use]
    pub fn holds_gene(&self, gene: usize) -> bool {
        self.genes.as_ref().is_none_or(|genes| genes[gene])
    }

    /// The cells that are left out: they failed, or the run is not of them.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        LeftOut {
            outside: self.n_outside,
            failed: self.failed.of_counts + self.failed.of_genes + self.failed.of_mt,
        }
    }

    /// A line on what failed; `None` where nothing did.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        (self.failed != Failed::default())
            .then(|| format!("quality control leaves out {}", self.failed))
    }
}

/// `60 cells of too few counts, 3 genes in too few cells`
impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.of_counts, "cells of too few counts (-min_counts)"),
            (self.of_genes, "cells of too few genes (-min_genes)"),
            (
                self.of_mt,
                "cells of too many mitochondrial counts (-max_mt)",
            ),
            (self.genes, "genes in too few cells (-min_cells)"),
        ];
        let parts = parts.iter().filter(|(n, _)| *n > 0);
        let parts: Vec<String> = parts.map(|(n, what)| format!("{n} {what}")).collect();
        formatter.write_str(&parts.join(", "))
    }
}

impl CountSource for Passed<'_> {
    fn n_cells(&self) -> usize {
        self.source.n_cells()
    }

    fn n_genes(&self) -> usize {
        self.source.n_genes()
    }

    fn rows(&self, cells: Range<usize>) -> Result<Csr, CountsError> {
        let first = cells.start;
        let all = self.source.rows(cells)?;
        if self.cells.is_none() && self.genes.is_none() {
            return Ok(all);
        }
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (row, cell) in all.outer_iterator().enumerate() {
            let passes = |passed: &Option<Vec<bool>>, position: usize| {
                passed.as_ref().is_none_or(|passed| passed[position])
            };
            if passes(&self.cells, first + row) {
                for (gene, &count) in cell.iter().filter(|&(gene, _)| passes(&self.genes, gene)) {
                    columns.push(gene as u32);
                    values.push(count);
                }
            }
            offsets.push(values.len());
        }
        Ok(Csr::new(all.shape(), offsets, columns, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three cells × three genes, the last one mitochondrial: 4+0+0, 1+1+0, 2+2+4.
    fn counts() -> (Csr, Vec<String>) {
        let counts = Csr::new(
            (3, 3),
            vec![0, 1, 3, 6],
            vec![0, 0, 1, 0, 1, 2],
            vec![4., 1., 1., 2., 2., 4.],
        );
        (
            counts,
            ["CD3D", "GAPDH", "MT-CO1"].map(str::to_owned).to_vec(),
        )
    }

    fn failed(limits: QualityControl) -> (Failed, Vec<f32>) {
        let (counts, symbols) = counts();
        let passed = control(&counts, &limits, &symbols, None).expect("some pass");
        let totals = passed.rows(0..3).expect("rows");
        let totals = totals.outer_iterator().map(|cell| cell.data().iter().sum());
        (passed.failed, totals.collect())
    }

    #[test]
    fn each_limit_leaves_out_what_is_beyond_it() {
        let none = QualityControl::default();
        assert_eq!(failed(none), (Failed::default(), vec![4., 2., 8.]));
        let (found, totals) = failed(QualityControl {
            min_counts: 4,
            ..none
        });
        assert_eq!((found.of_counts, totals), (1, vec![4., 0., 8.]));
        let (found, totals) = failed(QualityControl {
            min_genes: 2,
            ..none
        });
        assert_eq!((found.of_genes, totals), (1, vec![0., 2., 8.]));
        let (found, totals) = failed(QualityControl {
            max_mt: Some(40.0),
            ..none
        });
        assert_eq!((found.of_mt, totals), (1, vec![4., 2., 0.]));
        // Of the two cells that have four counts, one detects the second gene.
        let (found, totals) = failed(QualityControl {
            min_counts: 4,
            min_cells: 2,
            ..none
        });
        assert_eq!((found.genes, totals), (2, vec![4., 0., 2.]));
    }

    #[test]
    fn limits_that_nothing_meets_are_errors() {
        let (counts, mut symbols) = counts();
        let none = QualityControl::default();
        let says = |limits: QualityControl, symbols: &[String]| {
            let refused = control(&counts, &limits, symbols, None);
            refused.expect_err("a limit that nothing meets").to_string()
        };
        let said = says(
            QualityControl {
                min_counts: 99,
                ..none
            },
            &symbols,
        );
        assert!(
            said.contains("3 cells of too few counts (-min_counts)"),
            "{said}"
        );
        let said = says(
            QualityControl {
                min_cells: 9,
                ..none
            },
            &symbols,
        );
        assert!(said.contains("-min_cells 9"), "{said}");
        symbols[2] = "CO1".to_owned();
        let said = says(
            QualityControl {
                max_mt: Some(5.0),
                ..none
            },
            &symbols,
        );
        assert!(said.contains("no gene is called MT-"), "{said}");
    }

    #[test]
    fn mitochondrial_genes_are_told_by_their_names() {
        for name in ["MT-CO1", "mt-Co1", "MT.CO1", "GRCh38_MT-CO1"] {
            assert!(is_mitochondrial(name), "{name}");
        }
        for name in ["MTOR", "MT1A", "MTRNR2L1", "CD3D"] {
            assert!(!is_mitochondrial(name), "{name}");
        }
    }
}
