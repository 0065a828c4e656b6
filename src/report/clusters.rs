//! The table of clusters.

use serde::Serialize;

use super::{
    nearest::{Difference, Nearest, nearest_clusters},
    text,
};
use crate::{
    grouping::{n_groups, sizes},
    markers::Marker,
    metrics::{Truth, TypeCounts},
    partition::Found,
    write::Findings,
};

/// Most rows, and markers of each.
const MOST_ROWS: usize = 200;
const N_MARKERS: usize = 5;

/// Clusters, the largest first.
#[derive(Debug, Serialize)]
pub(super) struct ClusterTable {
    rows: Vec<ClusterRow>,
    /// Cells of every cluster, listed or not.
    #[serde(skip)]
    pub sizes: Vec<usize>,
    /// Clusters beyond the last row.
    n_more: usize,
    has_stability: bool,
    has_truth: bool,
    /// Markers were found within batches.
    in_batches: bool,
}

/// A cluster.
#[derive(Debug, Serialize)]
struct ClusterRow {
    label: usize,
    size: String,
    share: String,
    markers: Vec<GeneShares>,
    /// In how many halves of the cells the split that sets it apart is kept.
    stability: Option<String>,
    /// Mean confidence of its cells.
    confidence: Option<String>,
    nearest: Option<NearestRow>,
    /// The true label of most of its cells, with their share.
    mostly: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
struct NearestRow {
    label: usize,
    more: Vec<GeneShares>,
    less: Vec<GeneShares>,
}

/// A gene with the shares of cells that detect it, here and elsewhere.
#[derive(Debug, Serialize)]
struct GeneShares {
    name: String,
    here: String,
    there: String,
}

impl ClusterTable {
    pub(super) fn of(found: &Findings<'_>) -> Self {
        let nearest = nearest_clusters(found.z.view(), &found.labels, &found.prepared.counts);
        let sizes = sizes(&found.labels);
        let stability = found.types.as_ref().map(stabilities).unwrap_or_default();
        let confidence = found
            .types
            .as_ref()
            .map(|types| confidences(types, &sizes))
            .unwrap_or_default();
        let mostly = mostly(found.truth.as_ref(), &found.labels);
        let row = |(label, nearest): (usize, &Option<Nearest>)| ClusterRow {
            label,
            size: text::whole(sizes[label]),
            share: text::percent(sizes[label] as f64 / found.labels.len() as f64),
            markers: found
                .markers
                .iter()
                .flatten()
                .nth(label)
                .map_or_else(Vec::new, |markers| best(found, markers)),
            stability: stability
                .get(label)
                .and_then(|share| share.map(text::percent)),
            confidence: confidence.get(label).map(|mean| format!("{mean:.2}")),
            nearest: nearest.as_ref().map(|nearest| nearest_row(found, nearest)),
            mostly: mostly.get(label).cloned().flatten(),
        };
        Self {
            rows: nearest
                .iter()
                .enumerate()
                .take(MOST_ROWS)
                .map(row)
                .collect(),
            sizes: sizes.clone(),
            n_more: nearest.len().saturating_sub(MOST_ROWS),
            has_stability: found.types.is_some(),
            has_truth: found.truth.is_some(),
            in_batches: found.prepared.batches.is_some(),
        }
    }
}

fn best(found: &Findings<'_>, markers: &[Marker]) -> Vec<GeneShares> {
    let gene = |marker: &Marker| GeneShares {
        name: text::name(&found.input.data.gene_names[marker.gene]),
        here: text::percent(marker.share_in),
        there: text::percent(marker.share_out),
    };
    markers
        .iter()
        .filter(|marker| marker.score > 0.0)
        .take(N_MARKERS)
        .map(gene)
        .collect()
}

fn nearest_row(found: &Findings<'_>, nearest: &Nearest) -> NearestRow {
    let gene = |difference: &Difference| GeneShares {
        name: text::name(found.gene_name(difference.gene)),
        here: text::percent(difference.share),
        there: text::percent(difference.share_other),
    };
    NearestRow {
        label: nearest.cluster,
        more: nearest.more.iter().map(gene).collect(),
        less: nearest.less.iter().map(gene).collect(),
    }
}

/// The stability of the split just above every cluster; `None` where there is a single cluster.
fn stabilities(types: &Found) -> Vec<Option<f64>> {
    let root = types.tree.nodes.len() - 1;
    let n_clusters = types.clusters_below(root).len();
    let mut found = vec![None; n_clusters];
    for (node, parent) in types
        .tree
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(id, node)| Some((id, node.parent?)))
    {
        if let ([cluster], true) = (&types.clusters_below(node)[..], types.is_split(parent)) {
            found[*cluster] = types.tree.nodes[parent].stability;
        }
    }
    found
}

fn confidences(types: &Found, sizes: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; sizes.len()];
    for (&label, &confidence) in types.labels.iter().zip(&types.confidence) {
        sums[label] += f64::from(confidence);
    }
    sums.iter()
        .zip(sizes)
        .map(|(sum, &size)| sum / size as f64)
        .collect()
}

/// Of each cluster, the true label that most of its cells have.
pub(super) fn mostly(truth: Option<&Truth>, labels: &[usize]) -> Vec<Option<(String, String)>> {
    let Some(truth) = truth else {
        return Vec::new();
    };
    let n_clusters = n_groups(labels);
    let counts = TypeCounts::of(labels, n_clusters, truth);
    let of_cluster = |cluster: usize| {
        let n_labelled = counts.labelled(cluster);
        let codes = 0..truth.names.len();
        let code =
            codes.max_by_key(|&code| (counts.of_type(code)[cluster], std::cmp::Reverse(code)))?;
        let share = counts.of_type(code)[cluster] as f64 / n_labelled as f64;
        (n_labelled > 0).then(|| (text::name(&truth.names[code]), text::percent(share)))
    };
    (0..n_clusters).map(of_cluster).collect()
}
