//! How clusters agree with true labels: a table of both, and the best F1 of every type.

use serde::Serialize;

use super::text;
use crate::{
    grouping::n_groups,
    metrics::{Scores, Truth},
};

/// Most types and clusters of the table.
const MOST_ROWS: usize = 60;
const MOST_COLUMNS: usize = 60;

/// Shades of the table's cells, from none.
const SHADES: f64 = 9.0;

/// Clusters against true labels.
#[derive(Debug, Serialize)]
pub(super) struct Agreement {
    ari: Option<String>,
    nmi: Option<String>,
    /// Mean F1 over types of twenty cells or more.
    mean_f1: Option<String>,
    n_types: usize,
    clusters: Vec<String>,
    types: Vec<TypeRow>,
}

/// A true label.
#[derive(Debug, Serialize)]
struct TypeRow {
    name: String,
    cells: String,
    /// The best F1 that a cluster reaches, and that cluster.
    f1: String,
    best: String,
    counts: Vec<Count>,
}

/// Cells of one type in one cluster.
#[derive(Debug, Serialize)]
struct Count {
    cells: String,
    /// Share of the type's cells.
    share: String,
    shade: usize,
}

/// Types smaller than this do not count for the mean F1.
const LEAST_CELLS: usize = 20;

impl Agreement {
    /// Of cells with the true types `truth` and these labels, a position in `names` each.
    pub(super) fn of(truth: &Truth, labels: &[usize], names: &[String], scores: Scores) -> Self {
        let table = table(&truth.codes, labels, truth.names.len());
        let n_columns = table.first().map_or(0, Vec::len).min(MOST_COLUMNS);
        let f1s: Vec<(f64, usize)> = best_f1(&table);
        let size = |row: &Vec<usize>| row.iter().sum::<usize>();
        let mut order: Vec<usize> = (0..table.len())
            .filter(|&code| size(&table[code]) > 0)
            .collect();
        order.sort_by_key(|&code| std::cmp::Reverse(size(&table[code])));
        let large: Vec<f64> = order
            .iter()
            .filter(|&&code| size(&table[code]) >= LEAST_CELLS)
            .map(|&code| f1s[code].0)
            .collect();
        let decimal = |score: Option<f64>| {
            score
                .filter(|s| s.is_finite())
                .map(|score| format!("{score:.2}"))
        };
        Self {
            ari: decimal(scores.ari),
            nmi: decimal(scores.nmi),
            mean_f1: decimal(Some(large.iter().sum::<f64>() / large.len() as f64)),
            n_types: order.len(),
            clusters: names
                .iter()
                .take(n_columns)
                .map(|name| text::name(name))
                .collect(),
            types: order
                .iter()
                .take(MOST_ROWS)
                .map(|&code| {
                    let (f1, best) = f1s[code];
                    row(&truth.names[code], &table[code], (f1, &names[best]))
                })
                .collect(),
        }
    }
}

fn row(name: &str, counts: &[usize], (f1, best): (f64, &str)) -> TypeRow {
    let cells: usize = counts.iter().sum();
    let count = |&n: &usize| {
        let share = n as f64 / cells as f64;
        Count {
            cells: text::whole(n),
            share: text::percent(share),
            shade: (share * SHADES).ceil() as usize,
        }
    };
    TypeRow {
        name: text::name(name),
        cells: text::whole(cells),
        f1: format!("{f1:.2}"),
        best: text::name(best),
        counts: counts.iter().take(MOST_COLUMNS).map(count).collect(),
    }
}

/// Cells by type and cluster; those without a label are left out.
pub(super) fn table(codes: &[Option<usize>], labels: &[usize], n_types: usize) -> Vec<Vec<usize>> {
    let n_clusters = n_groups(labels);
    let mut table = vec![vec![0; n_clusters]; n_types];
    for (code, &label) in codes.iter().zip(labels) {
        if let Some(code) = code {
            table[*code][label] += 1;
        }
    }
    table
}

/// Of every type, the highest F1 = 2 · both / (type + cluster) of any cluster, and that cluster.
fn best_f1(table: &[Vec<usize>]) -> Vec<(f64, usize)> {
    let n_clusters = table.first().map_or(0, Vec::len);
    let clusters: Vec<usize> = (0..n_clusters)
        .map(|c| table.iter().map(|row| row[c]).sum())
        .collect();
    let of_type = |row: &Vec<usize>| {
        let size: usize = row.iter().sum();
        let f1 =
            |cluster: usize| 2.0 * row[cluster] as f64 / (size + clusters[cluster]).max(1) as f64;
        (0..n_clusters).map(|c| (f1(c), c)).fold(
            (0.0, 0),
            |best, new| if new.0 > best.0 { new } else { best },
        )
    };
    table.iter().map(of_type).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let codes = [Some(0), Some(0), Some(0), Some(1), None];
        let table = table(&codes, &[0, 0, 1, 1, 1], 2);
        assert_eq!(table, [[2, 1], [0, 1]]);
        let f1 = best_f1(&table);
        assert!((f1[0].0 - 4.0 / 5.0).abs() < 1e-12 && f1[0].1 == 0);
        assert!((f1[1].0 - 2.0 / 3.0).abs() < 1e-12 && f1[1].1 == 1);
    }

    #[test]
    fn shades_are_none_for_no_cell_and_full_for_all() {
        let row = row("beta", &[0, 1, 99], (0.5, "2"));
        let shades: Vec<usize> = row.counts.iter().map(|count| count.shade).collect();
        assert_eq!(shades, [0, 1, 9]);
    }
}
