//! The dot plot: top markers by cluster, in how many cells of each cluster they are detected and how strongly.

use serde::Serialize;

use super::{
    expression::Expression,
    text::{self, rounded},
};
use crate::{markers::Marker, write::Findings};

/// Most genes that the page knows, and most columns and rows of the dot plot.
const MOST_GENES: usize = 60;
const MOST_COLUMNS: usize = 48;
const MOST_ROWS: usize = 60;

/// Markers of a cluster that are looked through for one that no cluster before it has.
const DEPTH: usize = 10;

/// Clusters × markers.
#[derive(Debug, Serialize)]
pub(super) struct DotPlot {
    genes: Vec<DotGene>,
    /// Share of cells that detect each gene, rows are clusters.
    shares: Vec<Vec<f64>>,
    /// Mean of ln(1 + counts per 10,000).
    means: Vec<Vec<f64>>,
}

#[derive(Debug, Serialize)]
struct DotGene {
    name: String,
    /// The first cluster that has it as a marker.
    cluster: usize,
}

/// A marker that the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// Column of the file.
    pub gene: usize,
    /// The first cluster that has it as a marker.
    pub cluster: usize,
}

/// The best markers of every cluster: the best of each, then the second of each, and so on, none twice. Only genes that the
/// cluster has more of.
pub(super) fn markers_on_show(found: &Findings<'_>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let markers = found.markers.iter().flatten().enumerate();
    let clusters: Vec<(usize, &Vec<Marker>)> = markers.take(MOST_ROWS).collect();
    for place in 0..DEPTH {
        for &(cluster, markers) in &clusters {
            let Some(marker) = markers.get(place).filter(|marker| marker.score > 0.0) else {
                continue;
            };
            let is_new = shown.iter().all(|shown| shown.gene != marker.gene);
            if is_new && shown.len() < MOST_GENES {
                shown.push(Shown {
                    gene: marker.gene,
                    cluster,
                });
            }
        }
    }
    shown
}

impl DotPlot {
    /// `expression` is that of the markers that are `shown`.
    pub(super) fn of(found: &Findings<'_>, shown: &[Shown], expression: &Expression) -> Self {
        let n_each = (MOST_COLUMNS / expression.shares.len().max(1)).clamp(1, 4);
        let mut taken = vec![0; expression.shares.len()];
        let mut columns: Vec<(usize, usize)> = Vec::new();
        for (place, &Shown { cluster, .. }) in shown.iter().enumerate() {
            taken[cluster] += 1;
            if taken[cluster] <= n_each && columns.len() < MOST_COLUMNS {
                columns.push((place, cluster));
            }
        }
        columns.sort_by_key(|&(_, cluster)| cluster);
        let table = |values: &[Vec<f64>]| {
            let row = |row: &Vec<f64>| {
                columns
                    .iter()
                    .map(|&(place, _)| rounded(row[place]))
                    .collect()
            };
            values.iter().take(MOST_ROWS).map(row).collect()
        };
        let name = |place: usize| text::name(&found.input.data.gene_names[shown[place].gene]);
        Self {
            shares: table(&expression.shares),
            means: table(&expression.means),
            genes: columns
                .iter()
                .map(|&(place, cluster)| DotGene {
                    name: name(place),
                    cluster,
                })
                .collect(),
        }
    }
}
