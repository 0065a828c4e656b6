//! Where a matrix holds NaN.

use std::fmt;

use super::SparseRows;

/// How many NaN there are, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NanPlaces {
    /// Number of NaN.
    pub n: usize,
    /// Cells that have one.
    pub n_cells: usize,
    /// Genes that have one.
    pub n_genes: usize,
    /// Cell and gene of the first one: names where they are known, else positions.
    pub first: (String, String),
}

/// `8000 NaN, in 40 cells and 200 genes, the first in cell 'c0', gene 'CD3D'`
impl fmt::Display for NanPlaces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cell, gene) = &self.first;
        write!(
            formatter,
            "{} NaN, in {} cells and {} genes, the first in cell '{cell}', gene '{gene}'",
            self.n, self.n_cells, self.n_genes
        )
    }
}

/// Counts NaN a run of cells at a time.
pub(crate) struct NanCounter {
    n: usize,
    n_cells: usize,
    in_genes: Vec<bool>,
    first: Option<(usize, usize)>,
    next_cell: usize,
}

impl NanCounter {
    /// Nothing counted yet, in a matrix of as many genes.
    pub(crate) fn new(n_genes: usize) -> Self {
        Self {
            n: 0,
            n_cells: 0,
            in_genes: vec![false; n_genes],
            first: None,
            next_cell: 0,
        }
    }

    /// Counts the cells that follow.
    pub(crate) fn add(&mut self, rows: &SparseRows) {
        for ends in rows.offsets.windows(2) {
            let stored = ends[0]..ends[1];
            let mut has_any = false;
            for position in stored.filter(|&position| rows.values[position].is_nan()) {
                let gene = rows.columns[position] as usize;
                self.n += 1;
                self.in_genes[gene] = true;
                self.first.get_or_insert((self.next_cell, gene));
                has_any = true;
            }
            self.n_cells += usize::from(has_any);
            self.next_cell += 1;
        }
    }

    /// What was counted, under the names of cells and genes; `None` where there is no NaN.
    pub(crate) fn places(&self, cells: &[String], genes: &[String]) -> Option<NanPlaces> {
        let name = |names: &[String], position: usize| {
            let name = names.get(position).cloned();
            name.unwrap_or_else(|| position.to_string())
        };
        self.first.map(|(cell, gene)| NanPlaces {
            n: self.n,
            n_cells: self.n_cells,
            n_genes: self.in_genes.iter().filter(|&&has_any| has_any).count(),
            first: (name(cells, cell), name(genes, gene)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_genes_with_nan_are_counted_over_runs() {
        let mut counter = NanCounter::new(3);
        for row in [
            [1.0, 0.0, 2.0],
            [f32::NAN, 0.0, f32::NAN],
            [0.0, 0.0, f32::NAN],
        ] {
            let mut rows = SparseRows::new();
            rows.push_dense(&row);
            counter.add(&rows);
        }
        let names = ["a", "b", "c"].map(str::to_owned);
        let places = counter.places(&names, &[]).expect("three");
        let expected = "3 NaN, in 2 cells and 2 genes, the first in cell 'b', gene '0'";
        assert_eq!(places.to_string(), expected);
        assert_eq!(NanCounter::new(3).places(&names, &names), None);
    }
}
