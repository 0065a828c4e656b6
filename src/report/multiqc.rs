//! What MultiQC shows of a run: columns of its general statistics, and a bar of the clusters' sizes.
//!
//! MultiQC reads files that end in `_mqc.json` as custom content, one plot a file; files of several data sets with the same
//! `id` become one plot (<https://docs.seqera.io/multiqc/custom_content>).

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{
    grouping::{n_groups, sizes},
    write::{Findings, WriteError, write_file},
};

/// Most clusters with a bar of their own; the smaller ones share one.
const MOST_BARS: usize = 100;

/// Writes the bar of clusters to `bars` and the general statistics to `statistics`.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_multiqc(
    bars: &Path,
    statistics: &Path,
    found: &Findings<'_>,
) -> Result<(), WriteError> {
    for (path, content) in [(bars, bars_of(found)), (statistics, statistics_of(found))] {
        write_file(path, |path| std::fs::write(path, format!("{content:#}\n")))?;
    }
    Ok(())
}

fn bars_of(found: &Findings<'_>) -> Value {
    let sizes = sizes(&found.labels);
    let mut bars = Map::new();
    for (cluster, &size) in sizes.iter().enumerate().take(MOST_BARS) {
        bars.insert(format!("Cluster {cluster}"), size.into());
    }
    let others: usize = sizes.iter().skip(MOST_BARS).sum();
    if others > 0 {
        bars.insert("Smaller clusters".to_owned(), others.into());
    }
    json!({
        "id": "attentionae_sc_clusters",
        "section_name": "Clusters of cells",
        "description": "Cells in each cluster that attentionae-sc found, the largest cluster first.",
        "plot_type": "bargraph",
        "pconfig": {"id": "attentionae_sc_clusters_plot", "title": "attentionae-sc: cells by cluster", "ylab": "Cells"},
        "data": {&found.config.name: bars},
    })
}

fn statistics_of(found: &Findings<'_>) -> Value {
    let mut values = Map::new();
    values.insert("cells".to_owned(), found.labels.len().into());
    values.insert("clusters".to_owned(), n_groups(&found.labels).into());
    let scores = found.scores;
    for (name, score) in [
        ("silhouette", scores.asw),
        ("ari", scores.ari),
        ("nmi", scores.nmi),
    ] {
        if let Some(score) = score.filter(|score| score.is_finite()) {
            values.insert(name.to_owned(), score.into());
        }
    }
    let score = |title: &str, description: &str| json!({"title": title, "description": description, "max": 1, "format": "{:,.2f}"});
    json!({
        "id": "attentionae_sc",
        "plot_type": "generalstats",
        "pconfig": [
            {"cells": {"title": "Cells", "description": "Cells that were clustered", "format": "{:,.0f}", "min": 0}},
            {"clusters": {"title": "Clusters", "description": "Clusters that were found", "format": "{:,.0f}", "min": 0}},
            {"silhouette": score("Silhouette", "Mean silhouette width of the embedding")},
            {"ari": score("ARI", "Adjusted Rand index against the true labels")},
            {"nmi": score("NMI", "Normalised mutual information with the true labels")},
        ],
        "data": {&found.config.name: values},
    })
}
