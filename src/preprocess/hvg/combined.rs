//! Genes of two orders.

use super::places;

/// The genes that views of the cells are of, ascending: places among the prepared genes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesOfViews {
    /// Of the log-normalised values and of the z-scores.
    pub dispersed: Vec<usize>,
    /// Of the Pearson residuals.
    pub residual: Vec<usize>,
}

/// The genes of two orders together, as many of either: at most `n_top` in all, but at least the first of either. None if either order
/// is of no gene: where cells differ in depth alone, residuals say so, and what else seems to vary is rounding. `first` gives the first
/// so many genes of both, ascending.
pub(super) fn combined(
    n_top: usize,
    first: impl Fn(usize) -> [Vec<usize>; 2],
) -> (Vec<usize>, GenesOfViews) {
    let together = |n| {
        let mut genes = first(n).concat();
        genes.sort_unstable();
        genes.dedup();
        genes
    };
    let numbers: Vec<usize> = (1..=n_top).collect();
    let n_each = numbers.partition_point(|&n| together(n).len() <= n_top);
    let n_each = n_each.max(1);
    let [dispersed, residual] = first(n_each);
    let genes = if dispersed.is_empty() || residual.is_empty() {
        Vec::new()
    } else {
        together(n_each)
    };
    let [dispersed, residual] = [dispersed, residual].map(|chosen| places(&chosen, &genes));
    let of_views = GenesOfViews {
        dispersed,
        residual,
    };
    (genes, of_views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_genes_of_two_orders_are_combined_as_fit() {
        let orders = [[5, 1, 9, 3], [9, 2, 5, 8]];
        let first = |n: usize| {
            orders.map(|order| {
                let mut genes = order[..n.min(4)].to_vec();
                genes.sort_unstable();
                genes
            })
        };
        // The first three of either are four genes.
        let (genes, of_views) = combined(4, first);
        assert_eq!(genes, [1, 2, 5, 9]);
        assert_eq!(of_views.dispersed, [0, 2, 3]);
        assert_eq!(of_views.residual, [1, 2, 3]);
        assert_eq!(combined(5, first).0, [1, 2, 5, 9]);
        assert_eq!(combined(6, first).0, [1, 2, 3, 5, 8, 9]);
        assert_eq!(combined(99, first).0, [1, 2, 3, 5, 8, 9]);
        assert_eq!(combined(1, first).0, [5, 9]);
        assert!(combined(4, |_| [vec![1, 5], Vec::new()]).0.is_empty());
    }
}
