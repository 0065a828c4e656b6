//! What is summed of every gene over the cells, to tell how much it varies.

/// Mean that a gene without expression counts as.
const TINY_MEAN: f64 = 1e-12;

/// Sums over the cells of what a gene's counts become.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct GeneMoments {
    /// Cells that the gene is detected in.
    pub detected_in: usize,
    /// Sum of counts per 10,000 in a cell.
    pub normalized: f64,
    /// Sum of the counts; 0 but for `pearson_residuals`.
    pub counts: f64,
    /// Sum of the values whose dispersion is taken: ln(1 + counts per 10,000 in a cell) for `cell_ranger`, for the other flavors
    /// counts per 10,000.
    pub sum: f64,
    /// Sum of the squares of those values, each rounded to `f32` as scanpy does.
    pub sum_of_squares: f64,
}

impl GeneMoments {
    /// Mean, above 0, and variance (ddof 1) of the values over so many cells.
    pub fn mean_and_variance(&self, n_cells: usize) -> (f64, f64) {
        let n = n_cells as f64;
        let mean = self.sum / n;
        let variance = (self.sum_of_squares / n - mean * mean) * (n / (n - 1.0));
        (if mean == 0.0 { TINY_MEAN } else { mean }, variance)
    }
}

/// Adds values, each of one of `columns`, to the moments of the genes.
pub(super) fn add_moments(genes: &mut [GeneMoments], columns: &[u32], values: &[f32]) {
    for (&gene, &value) in columns.iter().zip(values) {
        let moments = &mut genes[gene as usize];
        moments.detected_in += 1;
        moments.sum += f64::from(value);
        moments.sum_of_squares += f64::from(value * value);
    }
}

/// Adds counts, each of one of `columns`, to those of the genes.
pub(super) fn add_counts(genes: &mut [GeneMoments], columns: &[u32], counts: &[f32]) {
    for (&gene, &count) in columns.iter().zip(counts) {
        genes[gene as usize].counts += f64::from(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_by_hand() {
        // Values 0, 0, 0, 8: mean 2, variance (3·4 + 36)/3 = 16.
        let moments = GeneMoments {
            detected_in: 1,
            sum: 8.0,
            sum_of_squares: 64.0,
            ..GeneMoments::default()
        };
        assert_eq!(moments.mean_and_variance(4), (2.0, 16.0));
    }
}
