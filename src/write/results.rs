//! A run's parameters, findings and costs as JSON.

use std::path::Path;

use serde::Serialize;

use super::{WriteError, tree::TreeSummary, write_json};
use crate::{
    config::RunConfig,
    memory::StageUse,
    metrics::{Apartness, Mixing, Scores},
};

/// Everything that `results/NAME.json` records. Numbers that are not defined become `null`.
#[derive(Debug, Serialize)]
pub struct Results<'a> {
    /// The version of this program.
    pub version: &'static str,
    /// The version of libtorch, where known.
    pub libtorch: Option<String>,
    /// The widest vector instructions of the processor.
    pub instruction_set: String,
    /// The device that trained, as `cpu` or `cuda:0`.
    pub device: String,
    /// Threads that worked.
    pub threads: usize,
    /// The seed of every random number.
    pub seed: u64,
    /// Every parameter but `-output_name` under its name on the command line; `name` is that of the outputs.
    pub parameters: &'a RunConfig,
    /// The file that was read: of a name that was typed its path, below the folder of data sets; several with commas between.
    pub data_set: String,
    /// Where that file lies, or those files.
    pub input: String,
    /// Cells labelled.
    pub n_cells: usize,
    /// Cells of the file left out: they are outside of `-within`, failed quality control, or no gene was detected in them.
    pub n_cells_dropped: usize,
    /// Cells trained on, as positions among the cells labelled; `null` where all of them were.
    pub training_cells: Option<&'a [usize]>,
    /// Genes in the file.
    pub n_genes: usize,
    /// Highly variable genes used.
    pub n_hvg: usize,
    /// Number of clusters.
    pub n_clusters: usize,
    /// The clusters, in the order of their labels.
    pub clusters: Vec<ClusterSize>,
    /// The tree that the clusters were cut from; `null` where they were not.
    pub tree: Option<TreeSummary>,
    /// How far apart the clusters lie, before training and after it.
    pub silhouette: Apartness,
    /// Cells with a true label, which ARI and NMI are of; `null` without labels.
    pub n_cells_scored: Option<usize>,
    /// How batches mix around a cell; `null` without `-batch_key`.
    pub mixing: Option<Mixing>,
    /// Share of the true nearest neighbours in the graph that was clustered, measured on 512 cells; 1 where all were found.
    pub neighbors_recall: f64,
    /// How well the clusters are separated, and how well they agree with the true labels.
    pub scores: Scores,
    /// Time and memory of every stage.
    pub stages: Vec<StageUse>,
    /// Wall-clock time of the whole run.
    pub seconds: f64,
    /// Most resident memory of the run, in MiB.
    pub peak_rss_mb: Option<f64>,
}

/// A cluster and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterSize {
    /// As in `pred_label/NAME.csv`.
    pub label: String,
    /// Number of cells.
    pub cells: usize,
}

/// Writes the results as JSON.
pub fn write_results(path: &Path, results: &Results) -> Result<(), WriteError> {
    write_json(path, results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Request, parse};
    use serde_json::{Value, json};

    #[test]
    fn the_file_holds_every_parameter_and_finding() {
        let Ok(Request::Run(config)) = parse(["a", "-name", "x", "-seed", "7"].map(Into::into))
        else {
            panic!("a run");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results/x.json");
        write_results(&path, &results(&config)).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.ends_with("}\n"));
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["parameters"]["seed"], 7);
        assert_eq!(read["parameters"]["connectivity_methods"], "gauss");
        assert_eq!(read["clusters"], json!([{"label": "0", "cells": 3}]));
        assert_eq!(
            read["scores"],
            json!({"asw": null, "db": 0.5, "ari": null, "nmi": null})
        );
        assert_eq!(
            read["stages"][0],
            json!({"name": "read", "seconds": 0.5, "peak_rss_mb": null})
        );
    }

    fn results(config: &RunConfig) -> Results<'_> {
        Results {
            version: "0.0.0",
            libtorch: None,
            instruction_set: "avx2".to_owned(),
            device: "cpu".to_owned(),
            threads: 2,
            seed: config.seed,
            parameters: config,
            data_set: "x.h5ad".to_owned(),
            input: "/x.h5ad".into(),
            n_cells: 3,
            n_cells_dropped: 1,
            training_cells: None,
            n_genes: 5,
            n_hvg: 4,
            n_clusters: 1,
            clusters: vec![ClusterSize {
                label: "0".to_owned(),
                cells: 3,
            }],
            tree: None,
            silhouette: Apartness {
                before_training: None,
                after_training: Some(0.5),
            },
            n_cells_scored: None,
            mixing: None,
            neighbors_recall: 1.0,
            scores: Scores {
                asw: Some(f64::NAN),
                db: Some(0.5),
                ..Scores::default()
            },
            stages: vec![StageUse {
                name: "read".to_owned(),
                seconds: 0.5,
                peak_rss_mb: None,
            }],
            seconds: 0.5,
            peak_rss_mb: None,
        }
    }
}
