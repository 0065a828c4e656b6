//! The average silhouette width.

use ndarray::ArrayView2;
use rand::{SeedableRng, rngs::SmallRng, seq::index};
use rayon::prelude::*;

use super::{
    distance::{QUERIES, Tiles, queries},
    groups::Groups,
};

/// With more cells than this, the mean is over this many of them.
pub const MOST_WIDTHS: usize = 20_000;

/// With more cells than this, the mean distance to a cluster is that to at most so many of its cells, evenly spread.
const MANY_CELLS: usize = 50_000;
const MOST_OF_CLUSTER: usize = 2000;

/// Mean over cells of (b − a) / max(a, b): a is the mean distance to the other cells of the same cluster, b
/// to those of the nearest other cluster. From −1 to 1, the higher the better apart.
///
/// `z`: n × d embedding, euclidean distances; `labels`: n clusters, any values. A cell alone in its cluster
/// scores 0. `None` where undefined: fewer than two clusters, as many as cells, or values that are not finite.
///
/// Up to 20,000 cells exactly scikit-learn's `silhouette_score`. Of more cells, a random sample of so many
/// (the same in every call) is scored, and the mean has a standard error below 0.005. Of more than 50,000 cells, each is
/// compared with at most 2,000 cells of every cluster. O(min(n, 20,000) · min(n, 2,000 · clusters) · d) time, O(n d) memory,
/// rows in parallel, sums in a fixed order.
/// Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
///
/// # Panics
///
/// If there are fewer rows than labels.
#[must_use]
pub fn silhouette(z: ArrayView2<f32>, labels: &[usize]) -> Option<f64> {
    let most_of_cluster = if labels.len() > MANY_CELLS {
        MOST_OF_CLUSTER
    } else {
        labels.len()
    };
    mean_width(z, labels, MOST_WIDTHS, most_of_cluster)
}

/// [`silhouette`] over at most `most` cells, each compared with at most `most_of_cluster` cells of a cluster.
fn mean_width(
    z: ArrayView2<f32>,
    labels: &[usize],
    most: usize,
    most_of_cluster: usize,
) -> Option<f64> {
    if z.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut groups = Groups::new(labels)?;
    for cells in &mut groups.members {
        let step = cells.len().div_ceil(most_of_cluster);
        *cells = cells.iter().copied().step_by(step).collect();
    }
    let clusters: Vec<Tiles> = groups
        .members
        .iter()
        .map(|cells| Tiles::new(z, cells))
        .collect();
    let widths: Vec<f64> = scored(labels.len(), most)
        .par_chunks(QUERIES)
        .flat_map_iter(|cells| widths(z, cells, &groups, &clusters))
        .collect();
    let mean = widths.iter().sum::<f64>() / widths.len() as f64;
    mean.is_finite().then_some(mean)
}

/// The cells whose widths are averaged, ascending.
fn scored(n_cells: usize, most: usize) -> Vec<usize> {
    if n_cells <= most {
        return (0..n_cells).collect();
    }
    let mut cells = index::sample(&mut SmallRng::seed_from_u64(0), n_cells, most).into_vec();
    cells.sort_unstable();
    cells
}

/// The silhouettes of some cells.
fn widths(z: ArrayView2<f32>, cells: &[usize], groups: &Groups, clusters: &[Tiles]) -> Vec<f64> {
    let queries = queries(z, cells.iter().copied());
    let totals: Vec<Vec<f64>> = clusters
        .iter()
        .map(|cluster| cluster.total_distances(&queries))
        .collect();
    cells
        .iter()
        .enumerate()
        .map(|(query, &cell)| width(groups, cell, |cluster| totals[cluster][query]))
        .collect()
}

/// The silhouette of a cell from its summed distances to the members of each cluster, which it need not be among.
fn width(groups: &Groups, cell: usize, total: impl Fn(usize) -> f64) -> f64 {
    let size = |cluster: usize| groups.members[cluster].len() as f64;
    let own = groups.of_cell[cell];
    let is_member = groups.members[own].binary_search(&cell).is_ok();
    let n_others = groups.members[own].len() - usize::from(is_member);
    if n_others == 0 {
        return 0.0;
    }
    let within = total(own) / n_others as f64;
    let between = (0..groups.members.len())
        .filter(|&cluster| cluster != own)
        .map(|cluster| total(cluster) / size(cluster))
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(between);
    if larger == 0.0 {
        return 0.0;
    }
    (between - within) / larger
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// The definition, one pair at a time, in double precision.
    fn oracle(z: &Array2<f32>, labels: &[usize]) -> f64 {
        let distance = |i: usize, j: usize| -> f64 {
            let squares = z.row(i).into_iter().zip(z.row(j)).map(|(&a, &b)| {
                let difference = f64::from(a) - f64::from(b);
                difference * difference
            });
            squares.sum::<f64>().sqrt()
        };
        let mean_to = |i: usize, cluster: usize| {
            let others = (0..labels.len()).filter(|&j| j != i && labels[j] == cluster);
            let (sum, n) = others.fold((0.0, 0), |(sum, n), j| (sum + distance(i, j), n + 1));
            (n > 0).then(|| sum / f64::from(n))
        };
        let clusters = *labels.iter().max().expect("cells") + 1;
        let width = |i: usize| {
            let Some(a) = mean_to(i, labels[i]) else {
                return 0.0;
            };
            let b = (0..clusters)
                .filter(|&c| c != labels[i])
                .filter_map(|c| mean_to(i, c))
                .fold(f64::INFINITY, f64::min);
            (b - a) / a.max(b)
        };
        (0..labels.len()).map(width).sum::<f64>() / labels.len() as f64
    }

    #[test]
    fn equals_the_value_worked_by_hand() {
        // on a line, 0 1 | 4 and one alone at 10: (b - a) / max is (4-1)/4, (3-1)/3, 0, 0
        let z = array![[0.0], [1.0], [4.0], [10.0]];
        let expected = (0.75 + 2.0 / 3.0) / 4.0;
        let found = silhouette(z.view(), &[0, 0, 1, 2]).expect("defined");
        assert!((found - expected).abs() < 1e-12, "{found}");
    }

    #[test]
    fn a_sample_of_the_cells_speaks_for_all() {
        let z = Array2::from_shape_fn((3000, 2), |(i, k)| {
            ((i * (7 + 4 * k)) % 101) as f32 * 0.1 + (i % 3) as f32 * 8.0
        });
        let labels: Vec<usize> = (0..3000).map(|i| i % 3).collect();
        let all = silhouette(z.view(), &labels).expect("defined");
        for most_of_cluster in [3000, 200] {
            let some = || mean_width(z.view(), &labels, 500, most_of_cluster);
            let found = some().expect("defined");
            assert!((all - found).abs() < 0.03, "{all} {found}");
            assert_eq!(some(), Some(found));
        }
    }

    #[test]
    fn undefined_for_one_cluster_and_for_singletons() {
        let z = array![[0.0], [1.0], [4.0]];
        assert_eq!(silhouette(z.view(), &[0, 0, 0]), None);
        assert_eq!(silhouette(z.view(), &[0, 1, 2]), None);
        assert_eq!(silhouette(Array2::zeros((0, 2)).view(), &[]), None);
        let broken = array![[0.0], [f32::NAN], [4.0]];
        assert_eq!(silhouette(broken.view(), &[0, 0, 1]), None);
    }

    #[test]
    fn cells_in_one_place_score_zero() {
        let z = Array2::ones((4, 2));
        assert_eq!(silhouette(z.view(), &[0, 0, 1, 1]), Some(0.0));
    }

    proptest::proptest! {
        #[test]
        fn equals_the_definition(
            values in proptest::collection::vec(-3.0_f32..3.0, 60 * 3),
            labels in proptest::collection::vec(0_usize..4, 60),
        ) {
            // far from the origin, where an expansion of squares would lose its digits
            let z = Array2::from_shape_vec((60, 3), values).expect("60 x 3") + 1000.0;
            if let Some(found) = silhouette(z.view(), &labels) {
                let expected = oracle(&z, &labels);
                proptest::prop_assert!((found - expected).abs() < 1e-6);
            }
        }
    }
}
