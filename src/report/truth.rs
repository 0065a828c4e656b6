//! How clusters agree with true labels: a table of both, and the best F1 of every type.

use serde::Serialize;

use super::text;
use crate::metrics::{LEAST_CELLS, Scores, Truth, TypeCounts, decimals};

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

impl Agreement {
    /// Of cells with the true types `truth` and these labels, a position in `names` each.
    pub(super) fn of(truth: &Truth, labels: &[usize], names: &[String], scores: Scores) -> Self {
        let counts = TypeCounts::of(labels, names.len(), truth);
        let mut order: Vec<usize> = (0..truth.names.len())
            .filter(|&code| counts.size(code) > 0)
            .collect();
        order.sort_by_key(|&code| std::cmp::Reverse(counts.size(code)));
        let large: Vec<f64> = order
            .iter()
            .filter(|&&code| counts.size(code) >= LEAST_CELLS)
            .map(|&code| counts.best(code).0)
            .collect();
        let decimal = |score: Option<f64>| {
            score
                .filter(|s| s.is_finite())
                .map(|score| decimals(score, 2))
        };
        Self {
            ari: decimal(scores.ari),
            nmi: decimal(scores.nmi),
            mean_f1: decimal(Some(large.iter().sum::<f64>() / large.len() as f64)),
            n_types: order.len(),
            clusters: names
                .iter()
                .take(MOST_COLUMNS)
                .map(|name| text::name(name))
                .collect(),
            types: order
                .iter()
                .take(MOST_ROWS)
                .map(|&code| {
                    let (f1, best) = counts.best(code);
                    row(&truth.names[code], counts.of_type(code), (f1, &names[best]))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_none_for_no_cell_and_full_for_all() {
        let row = row("beta", &[0, 1, 99], (0.5, "2"));
        let shades: Vec<usize> = row.counts.iter().map(|count| count.shade).collect();
        assert_eq!(shades, [0, 1, 9]);
    }
}
