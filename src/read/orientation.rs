//! Whether the rows of a matrix are cells or genes.

use super::names_seem::NamesSeem;

/// Sides shorter than this tell nothing by their totals.
const SIDE: usize = 50;
/// How many times wider the spread of one side's totals has to be.
const WIDER: f64 = 2.0;
/// The least spread of genes' totals: a standard deviation of their logarithms.
const SPREAD_OF_GENES: f64 = 1.2;

/// Which way round a table is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Cells in rows, where names and counts do not speak against it.
    #[default]
    Checked,
    /// Cells in rows, whatever they are called (`-transpose False`).
    CellsInRows,
    /// Genes in rows (`-transpose True`), where names do not speak against it.
    GenesInRows,
}

/// What a matrix seems to have in its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Cells,
    Genes,
    /// Names and counts fit both.
    Either,
}

impl Rows {
    /// What names tell.
    pub(super) fn by_names(rows: &[String], columns: &[String]) -> Self {
        let (rows, columns) = (NamesSeem::of(rows), NamesSeem::of(columns));
        Self::of_evidence(
            (columns.are_genes() && !rows.are_genes())
                || (rows.are_cells() && !columns.are_cells()),
            (rows.are_genes() && !columns.are_genes())
                || (columns.are_cells() && !rows.are_cells()),
        )
    }

    /// What names tell, and where these do not, what they may tell, and the spread of totals.
    pub(super) fn of(
        rows: &[String],
        columns: &[String],
        row_totals: &[f64],
        column_totals: &[f64],
    ) -> Self {
        match Self::by_names(rows, columns) {
            Self::Either => {}
            told => return told,
        }
        let may_be = [rows, columns].map(|names| NamesSeem::of(names).may_be_genes());
        match Self::of_evidence(!may_be[0] && may_be[1], may_be[0] && !may_be[1]) {
            Self::Either => {}
            told => return told,
        }
        // Genes differ in their totals by orders of magnitude, cells by a few times.
        let (rows, columns) = (spread(row_totals), spread(column_totals));
        let is_wider = |a: f64, b: f64| a > WIDER * b && a > SPREAD_OF_GENES;
        if row_totals.len().min(column_totals.len()) < SIDE {
            return Self::Either;
        }
        Self::of_evidence(is_wider(columns, rows), is_wider(rows, columns))
    }

    fn of_evidence(for_cells: bool, for_genes: bool) -> Self {
        match (for_cells, for_genes) {
            (true, false) => Self::Cells,
            (false, true) => Self::Genes,
            _ => Self::Either,
        }
    }
}

/// The standard deviation of the logarithms of totals that are not 0.
fn spread(totals: &[f64]) -> f64 {
    let logs = totals.iter().filter(|&&total| total > 0.0);
    let logs: Vec<f64> = logs.map(|total| total.ln()).collect();
    let n = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / n;
    (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_side_that_is_told_is_enough() {
        let genes = names(&["GAPDH", "ACTB", "CD3D"]);
        let cells = names(&["AAACCTGAGAAACCAT-1", "AAACCTGAGAAACCAA-1"]);
        let numbers = names(&["1", "2"]);
        assert_eq!(Rows::by_names(&cells, &genes), Rows::Cells);
        assert_eq!(Rows::by_names(&genes, &cells), Rows::Genes);
        assert_eq!(Rows::by_names(&numbers, &genes), Rows::Cells);
        assert_eq!(Rows::by_names(&numbers, &cells), Rows::Genes);
        assert_eq!(Rows::by_names(&numbers, &numbers), Rows::Either);
        assert_eq!(Rows::by_names(&genes, &genes), Rows::Either);
    }

    #[test]
    fn totals_decide_where_names_do_not() {
        let numbers: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        let genes: Vec<f64> = (0..60).map(|gene| 1.2_f64.powi(gene)).collect();
        let cells: Vec<f64> = (0..60).map(|cell| 900.0 + f64::from(cell)).collect();
        assert_eq!(Rows::of(&numbers, &numbers, &genes, &cells), Rows::Genes);
        assert_eq!(Rows::of(&numbers, &numbers, &cells, &genes), Rows::Cells);
        assert_eq!(Rows::of(&numbers, &numbers, &cells, &cells), Rows::Either);
    }
}
