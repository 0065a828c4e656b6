//! What is summed of every gene over the cells, to tell how much it varies.

/// Sums over the cells of what a gene's counts become.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct GeneMoments {
    /// Cells that the gene is detected in.
    pub detected_in: usize,
    /// Sum of counts per 10,000 in a cell.
    pub normalized: f64,
    /// Sum of the values that the flavor scores genes by: these for `seurat`, ln(1 + these) for `cell_ranger`.
    pub sum: f64,
    /// Sum of the squares of those values, each rounded to `f32` as scanpy does.
    pub sum_of_squares: f64,
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
