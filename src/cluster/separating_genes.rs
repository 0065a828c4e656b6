//! How many genes tell clusters apart.

use ndarray::{Array2, ArrayView2, Zip};

/// Added to the variance of a gene's log-normalised values, so that a gene which hardly varies within clusters does not
/// count for more than its difference between them.
const LEAST_VARIANCE: f64 = 0.05;

/// The effective number of genes in which a cell's cluster differs from the nearest other one: the geometric mean over
/// the cells, from 1 to the number of genes; 1 for fewer than two clusters.
///
/// `expression`: log-normalised, n × g; `labels`: their clusters, 0.. without a gap. The nearest cluster is the one whose
/// mean expression correlates best. A gene differs by δ, the difference of its means over the root of its mean
/// variance in the two clusters, and the effective number of genes is (Σ δ²)² / Σ δ⁴, the inverse participation
/// ratio: m where m genes differ equally and the others not at all.
///
/// Two cell types are told apart by a few marker genes. The halves of one type, by sequencing depth, donor or stress,
/// differ a little in very many genes.
///
/// Cost: O(n · g + clusters² · g).
///
/// # Panics
///
/// If there are fewer rows than labels.
pub(super) fn separating_genes(expression: ArrayView2<f32>, labels: &[usize]) -> f64 {
    let clusters = Moments::of(expression, labels);
    let n_clusters = clusters.sizes.len();
    if n_clusters < 2 {
        return 1.0;
    }
    let standard = standardized(&clusters.means);
    let closeness = standard.dot(&standard.t());
    let nearest = |cluster: usize| {
        let others = (0..n_clusters).filter(|&other| other != cluster);
        others.max_by(|&a, &b| closeness[(cluster, a)].total_cmp(&closeness[(cluster, b)]))
    };
    let of_cells: f64 = (0..n_clusters)
        .filter_map(|cluster| {
            let genes = clusters.effective_genes(cluster, nearest(cluster)?);
            Some(clusters.sizes[cluster] * genes.ln())
        })
        .sum();
    (of_cells / labels.len() as f64).exp()
}

/// Mean and variance of every gene in every cluster.
struct Moments {
    sizes: Vec<f64>,
    /// Clusters × g.
    means: Array2<f64>,
    /// Clusters × g.
    variances: Array2<f64>,
}

impl Moments {
    fn of(expression: ArrayView2<f32>, labels: &[usize]) -> Self {
        let n_clusters = labels.iter().max().map_or(0, |&last| last + 1);
        let mut sizes = vec![0.0; n_clusters];
        let mut means = Array2::<f64>::zeros((n_clusters, expression.ncols()));
        let mut variances = means.clone();
        for (cell, &label) in expression.outer_iter().zip(labels) {
            sizes[label] += 1.0;
            Zip::from(means.row_mut(label))
                .and(variances.row_mut(label))
                .and(cell)
                .for_each(|sum, squares, &value| {
                    let value = f64::from(value);
                    *sum += value;
                    *squares += value * value;
                });
        }
        for (cluster, &size) in sizes.iter().enumerate() {
            Zip::from(means.row_mut(cluster))
                .and(variances.row_mut(cluster))
                .for_each(|mean, variance| {
                    *mean /= size;
                    *variance = (*variance / size - *mean * *mean).max(0.0);
                });
        }
        Self {
            sizes,
            means,
            variances,
        }
    }

    /// (Σ δ²)² / Σ δ⁴ between two clusters; 1 where they do not differ.
    fn effective_genes(&self, one: usize, other: usize) -> f64 {
        let (mut squares, mut fourths) = (0.0, 0.0);
        Zip::from(self.means.row(one))
            .and(self.means.row(other))
            .and(self.variances.row(one))
            .and(self.variances.row(other))
            .for_each(|a, b, variance_a, variance_b| {
                let square =
                    (a - b).powi(2) / (f64::midpoint(*variance_a, *variance_b) + LEAST_VARIANCE);
                squares += square;
                fourths += square * square;
            });
        if fourths > 0.0 {
            squares * squares / fourths
        } else {
            1.0
        }
    }
}

/// Rows with mean 0 and length 1, whose products are correlations; rows that do not vary become 0.
fn standardized(rows: &Array2<f64>) -> Array2<f64> {
    let mut rows = rows.clone();
    for mut row in rows.outer_iter_mut() {
        let mean = row.mean().unwrap_or_default();
        row -= mean;
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn genes_by_hand() {
        // Clusters 0 and 1 differ in gene 0 by 2, in gene 1 by 1; both are far from cluster 2.
        let x = array![
            [2.0_f32, 1.0, 0.0, 9.0],
            [0.0, 0.0, 0.0, 9.0],
            [0.0, 9.0, 9.0, 0.0],
            [2.0, 1.0, 0.0, 9.0],
        ];
        // δ² is 4/0.05 and 1/0.05: (4 + 1)² / (16 + 1). Cluster 2 is nearest to 1: four genes by (0, 81, 81, 81).
        let near: f64 = 25.0 / 17.0;
        let far = 3.0_f64;
        let found = separating_genes(x.view(), &[0, 1, 2, 0]);
        let expected = ((3.0 * near.ln() + far.ln()) / 4.0).exp();
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn a_gene_that_varies_counts_less() {
        let x = array![[4.0_f32, 1.0], [0.0, 1.0], [0.0, 0.0], [4.0, 0.0]];
        // Gene 0 has mean 2 in both clusters; gene 1 alone differs.
        assert!((separating_genes(x.view(), &[0, 0, 1, 1]) - 1.0).abs() < 1e-9);
        let x = array![[5.0_f32, 1.0], [1.0, 1.0], [0.0, 0.0], [4.0, 0.0]];
        // δ² is 1/4.05 and 1/0.05.
        let (a, b) = (1.0_f64 / 4.05, 1.0_f64 / 0.05);
        let expected = (a + b).powi(2) / (a * a + b * b);
        let found = separating_genes(x.view(), &[0, 0, 1, 1]);
        assert!((found - expected).abs() < 1e-9);
    }

    #[test]
    fn too_little_to_compare() {
        let x = Array2::<f32>::zeros((3, 2));
        for labels in [&[0, 0, 0], &[0, 1, 2]] {
            assert!((separating_genes(x.view(), labels) - 1.0).abs() < 1e-12);
        }
        assert!((separating_genes(Array2::zeros((0, 2)).view(), &[]) - 1.0).abs() < 1e-12);
    }
}
