//! What the cells of a cluster add up to.

/// Counts of a group of cells, gene by gene. Those of two groups add up. Thousands of groups are held at once, so that genes are
/// counted in `f32`: exactly up to 16.7 million.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    /// Cells.
    pub cells: f64,
    /// Counts over all genes of the file.
    pub total: f64,
    /// Counts of each gene; empty where there is no cell.
    pub counts: Vec<f32>,
    /// Cells that each gene is detected in; empty where there is no cell.
    pub detected: Vec<f32>,
}

impl Sums {
    /// Of cells without counts.
    pub(super) fn nothing(n_genes: usize) -> Self {
        Self {
            cells: 0.0,
            total: 0.0,
            counts: vec![0.0; n_genes],
            detected: vec![0.0; n_genes],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        self.cells += other.cells;
        self.total += other.total;
        for (sum, value) in self.counts.iter_mut().zip(&other.counts) {
            *sum += value;
        }
        for (sum, value) in self.detected.iter_mut().zip(&other.detected) {
            *sum += value;
        }
    }
}
