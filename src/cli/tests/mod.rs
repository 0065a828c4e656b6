//! Good values of every option arrive in the configuration; bad ones are refused by name.

mod batch_run;
mod conversions;
mod help;

use std::path::Path;

use serde_json::json;

use super::*;
use crate::{
    config::{DataSetSelection, Outputs, TypedInputs},
    graph::{Aggregation, Aim, GraphConfig, Method},
    h5ad::CountsIn,
    kernels::device::Cuda,
    model::{ModelConfig, Parts},
    output_table::TableFormat,
    partition::{Cut, Granularity, LeidenGraph, Resolution},
    plot::FigureFormat,
    preprocess::{Flavor, QualityControl},
    preset::Preset,
    read::{CellTypes, GeneJoin, InputFile, Inputs, NamedInputs, Orientation, ReadOptions},
    train::TrainConfig,
};

const TREE: Resolution = Resolution::Tree(Cut::Evidence(Granularity::Auto));

fn asked(line: &str) -> Result<Request, Refusal> {
    parse(
        std::iter::once("a")
            .chain(line.split_whitespace())
            .map(OsString::from),
    )
}

fn run(line: &str) -> RunConfig {
    match asked(line) {
        Ok(Request::Run(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    match asked(line) {
        Err(refusal) => refusal.to_string(),
        Ok(request) => panic!("{line}: {request:?}"),
    }
}

#[test]
fn the_published_defaults_are_those_of_the_script() {
    let expected = RunConfig {
        name: "zeisel".to_owned(),
        inputs: Inputs::new(vec![InputFile {
            name: "zeisel".to_owned(),
            path: "Data/AnnData/zeisel.h5ad".into(),
        }]),
        read: ReadOptions::default(),
        data_dir: "Data/AnnData".into(),
        output_dir: ".".into(),
        celltype: CellTypes::Auto,
        batch_key: Vec::new(),
        within: None,
        quality: QualityControl::default(),
        n_hvg: 2500,
        hvg_flavor: Flavor::Seurat,
        graph: GraphConfig::published(Method::Gauss, false, 15),
        leiden_graph: LeidenGraph::Dense,
        max_value: None,
        n_pcs: None,
        model: ModelConfig {
            n_z: 16,
            n_heads: 8,
            parts: Parts::PUBLISHED,
        },
        train: TrainConfig {
            lr: 1e-3,
            training_epoch: 200,
            clustering_epoch: 100,
            zinb_genes: None,
            batch_size: None,
        },
        preset: Preset::Published,
        resolution: Resolution::Fixed(1.0),
        max_num_cell: 4000,
        landmarks: 2000,
        n_markers: 100,
        overwrite: false,
        save: Outputs {
            pred_label: true,
            embedding: true,
            table_format: TableFormat::Csv,
            model_para: false,
            umap: false,
            figure_format: FigureFormat::Png,
            report: false,
            markers: false,
            tree: true,
            h5ad: false,
        },
        cuda: Cuda::Auto,
        seed: 1,
        threads: None,
        quiet: false,
    };
    assert_eq!(run("-name zeisel -preset published"), expected);
    assert_eq!(run("-name zeisel").hvg_flavor, Flavor::Combined);
}

#[test]
fn every_option_arrives_under_its_own_name() {
    let line = "-name x -data_dir d -layer counts -gex_only no -genome GRCh38 -transpose yes -round yes -nan_as_zero yes -genes Union -celltype types -batch_key donor,plate -within tissue=blood -min_counts 500 -min_genes 200 -min_cells 3 -max_mt 5.5 -n_hvg 500 -hvg_flavor Cell_Ranger -max_value 5 -preset recommended -resolution 0.3 -leiden_graph Embedding \
        -connectivity_methods umap -knn True -n_neighbors 30 -n_pcs 20 -aggregation sum -graph_target Distance -parts Contrast,zinb -n_heads 4 -n_z 10 -lr 1e-4 \
        -training_epoch 50 -clustering_epoch 0 -batch_size 128 -zinb_genes 40 -landmarks 500 -max_num_cell 2000 -output_dir o \
        -save_pred_label no -save_embedding 0 -table_format PARQUET -save_model_para yes -save_umap TRUE -figure_format SVG -save_markers 1 -save_report yes -save_tree no -n_markers 20 -save_h5ad yes -overwrite -cuda False \
        -seed 0 -threads 2 -quiet";
    let recorded = serde_json::to_value(run(line)).expect("JSON");
    let expected = json!({
        "name": "x", "data_dir": "d", "layer": "counts", "use_raw": false, "gex_only": false, "genome": "GRCh38",
        "transpose": true, "round": true, "nan_as_zero": true, "genes": "union", "celltype": "types", "batch_key": "donor,plate", "within": "tissue=blood",
        "min_counts": 500, "min_genes": 200, "min_cells": 3, "max_mt": 5.5, "n_hvg": 500, "hvg_flavor": "cell_ranger", "max_value": 5.0,
        "preset": "recommended", "resolution": 0.3, "granularity": null, "n_clusters": null, "leiden_graph": "embedding",
        "connectivity_methods": "umap", "knn": true, "n_neighbors": 30, "n_pcs": 20,
        "aggregation": "sum", "graph_target": "distance", "parts": "zinb,contrast", "n_heads": 4, "n_z": 10,
        "lr": 1e-4, "training_epoch": 50, "clustering_epoch": 0, "batch_size": 128, "zinb_genes": 40, "landmarks": 500,
        "max_num_cell": 2000, "output_dir": "o", "save_pred_label": false, "save_embedding": false, "table_format": "parquet",
        "save_model_para": true, "save_umap": true, "figure_format": "svg", "save_markers": true, "n_markers": 20, "save_tree": false, "save_report": true,
        "save_h5ad": true, "overwrite": true, "cuda": "False", "seed": 0, "threads": 2,
        "quiet": true,
    });
    assert_eq!(recorded, expected);
}

#[test]
fn a_preset_holds_where_an_option_is_not_typed() {
    let recommended = run("-name x");
    assert_eq!(recommended, run("-name x -preset recommended"));
    assert_eq!(recommended.resolution, TREE);
    assert_eq!(recommended.leiden_graph, LeidenGraph::Joint);
    assert_eq!(recommended.train.batch_size, Some(256));
    assert_eq!(recommended.train.clustering_epoch, 0);
    assert_eq!(recommended.model.parts, Parts::ALL);
    assert_eq!(
        run("-name x -preset published -resolution auto").resolution,
        TREE
    );
    assert_eq!(
        (recommended.n_pcs, recommended.max_value),
        (Some(50), Some(10.0))
    );
    assert_eq!(recommended.graph.aggregation, Aggregation::Mean);
    assert_eq!(recommended.graph.aim, Aim::Similarities);
    let typed = run("-name x -batch_size 64 -n_pcs 0 -resolution Auto -max_value 0");
    assert_eq!(typed.train.batch_size, Some(64));
    assert_eq!((typed.n_pcs, typed.max_value), (None, None));
    assert_eq!(typed.resolution, TREE);
}

#[test]
fn how_the_tree_is_cut_is_typed_once() {
    let fine = Resolution::Tree(Cut::Evidence(Granularity::Fine));
    assert_eq!(run("-name x -granularity Fine").resolution, fine);
    let seven = Resolution::Tree(Cut::Clusters(7));
    assert_eq!(run("-name x -n_clusters 7").resolution, seven);
    let published = run("-name x -preset published -resolution auto -n_clusters 7");
    assert_eq!(published.resolution, seven);
    // Self-training moves cells away from the tree's clusters, and a single resolution has no tree.
    assert!(!published.outputs().tree && published.save.tree);
    assert!(!run("-name x -resolution 0.3").outputs().tree);
    assert!(run("-name x -n_clusters 7").outputs().tree);
    let without = run("-name x -n_clusters 7 -save_tree False");
    assert!(!without.outputs().tree);
    let both = refusal("-name x -resolution 0.3 -n_clusters 7");
    assert!(both.contains("no tree for -n_clusters to cut"), "{both}");
    let twice = refusal("-name x -granularity fine -n_clusters 7");
    assert!(twice.contains("cannot be used with"), "{twice}");
}

#[test]
fn the_record_names_every_option_of_a_run() {
    let recorded = serde_json::to_value(run("-name x")).expect("JSON");
    let mut recorded: Vec<_> = recorded.as_object().expect("an object").keys().collect();
    let command = plain_command();
    let mut options: Vec<_> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .filter(|long| !["help", "help_all", "version", "output_name"].contains(long))
        .collect();
    recorded.sort();
    options.sort_unstable();
    assert_eq!(recorded, options);
}

#[test]
fn bad_values_are_refused_with_flag_value_and_range() {
    for (option, value, range) in [
        (
            "-celltype",
            "",
            "known, unknown or the name of an obs column",
        ),
        ("-n_hvg", "0", "from 1 to 1000000"),
        ("-n_hvg", "2500.5", "a whole number"),
        (
            "-hvg_flavor",
            "seurat_v3",
            "seurat, cell_ranger, pearson_residuals or combined",
        ),
        ("-max_value", "0.5", "0 (no clipping), or a number from 1"),
        ("-preset", "best", "published or recommended"),
        (
            "-leiden_graph",
            "z",
            "embedding, expression, joint or dense",
        ),
        (
            "-parts",
            "zinb,encoder",
            "zinb, graph, attention, residual, contrast",
        ),
        ("-parts", "attention", "which the network learns from"),
        ("-zinb_genes", "-1", "from 0 to 1000000"),
        ("-n_pcs", "1", "0 (expression), or a whole number from 2"),
        ("-aggregation", "max", "sum or mean"),
        ("-graph_target", "both", "distance or similarity"),
        ("-resolution", "0", "above 0 and at most 100, or auto"),
        ("-resolution", "-1", "above 0"),
        ("-resolution", "nan", "above 0"),
        ("-resolution", "inf", "at most 100"),
        ("-resolution", "high", "a number"),
        ("-granularity", "finest", "coarse, auto or fine"),
        ("-n_clusters", "0", "from 1 to 10000"),
        ("-clustering_epoch", "-1", "from 0 to 100000"),
        ("-clustering_epoch", "1e2", "from 0 to 100000"),
        ("-connectivity_methods", "rbf", "gauss or umap"),
        ("-knn", "maybe", "True or False"),
        ("-n_neighbors", "1", "from 2 to 10000"),
        ("-n_heads", "0", "from 1 to 64"),
        ("-n_z", "1", "from 2 to 256"),
        ("-lr", "0", "above 0 and at most 1"),
        ("-lr", "-inf", "above 0 and at most 1"),
        ("-lr", "NaN", "above 0 and at most 1"),
        ("-training_epoch", "0", "from 1 to 100000"),
        (
            "-batch_size",
            "31",
            "0 (all cells), or a whole number from 32",
        ),
        (
            "-batch_size",
            "-1",
            "0 (all cells), or a whole number from 32",
        ),
        ("-landmarks", "19", "from 20 to"),
        ("-max_num_cell", "19", "from 20 to"),
        ("-save_pred_label", "2", "True or False"),
        ("-save_embedding", "on", "True or False"),
        ("-save_model_para", "y", "True or False"),
        ("-save_umap", "None", "True or False"),
        ("-save_markers", "csv", "True or False"),
        ("-n_markers", "0", "from 1 to 1000000"),
        ("-save_h5ad", "h5", "True or False"),
        ("-overwrite", "2", "True or False"),
        ("-table_format", "tsv", "csv or parquet"),
        ("-figure_format", "jpg", "png, svg or pdf"),
        ("-cuda", "gpu", "auto, True or False"),
        ("-seed", "-1", "from 0 to 4294967295"),
        ("-seed", "4294967296", "from 0 to 4294967295"),
        ("-threads", "0", "from 1 to 1024"),
        ("-quiet", "loud", "True or False"),
    ] {
        let message = refusal(&format!("-name x {option}={value}"));
        assert!(message.contains(&format!("'{option} ")), "{message}");
        assert!(message.contains(&format!("'{value}'")), "{message}");
        assert!(message.contains(range), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_sample_is_larger_than_a_neighbourhood() {
    let message = refusal("-name x -preset published -max_num_cell 50 -n_neighbors 50");
    assert_eq!(
        message,
        "invalid value '50' for '-max_num_cell': must be above -n_neighbors, which is 50"
    );
    let line = "-name x -preset published -max_num_cell 51 -n_neighbors 50";
    assert_eq!(run(line).max_num_cell, 51);
}

#[test]
fn batches_and_landmarks_are_larger_than_a_neighbourhood() {
    for line in [
        "-name x -n_neighbors 256",
        "-name x -batch_size 64 -n_neighbors 64",
        "-name x -batch_size 64 -landmarks 30 -n_neighbors 40",
    ] {
        let message = refusal(line);
        assert!(message.contains("must be above -n_neighbors"), "{message}");
    }
    // Landmarks mean nothing without batches.
    let whole = run("-name x -preset published -n_neighbors 3000");
    assert_eq!(whole.landmarks, 2000);
    let batches = run("-name x -batch_size 5000 -n_neighbors 4500 -landmarks 6000");
    assert_eq!(batches.train.batch_size, Some(5000));
}

#[test]
fn neighbours_are_contrasted_in_batches_only() {
    let message = refusal("-name x -batch_size 0");
    assert!(message.contains("'-batch_size'") && message.contains("leave contrast out of -parts"));
    let whole = run("-name x -batch_size 0 -parts zinb,graph,attention,residual");
    assert_eq!(whole.train.batch_size, None);
}

#[test]
fn one_data_set_is_named_once() {
    assert!(refusal("-resolution 1").starts_with("-name is missing"));
    assert!(refusal("-name a -name b").contains("'-name <NAME>' cannot be used multiple times"));
    assert!(refusal("-name").contains("a value is required for '-name <NAME>'"));
    assert!(refusal("-name -lr 1").contains("a value is required for '-name <NAME>'"));
    assert!(refusal("-name .h5ad").contains("'-name': must name a data set"));
}

#[test]
fn a_typing_error_is_answered_with_the_name_meant() {
    assert_eq!(
        refusal("-nmae zeisel"),
        "unexpected argument '-nmae' found; did you mean '-name'?"
    );
    assert_eq!(
        refusal("-name x -resolutoin=1"),
        "unexpected argument '-resolutoin' found; did you mean '-resolution'?"
    );
    assert_eq!(
        refusal("preproces h5 x"),
        "'preproces' is neither an option nor a command; did you mean 'preprocess'?"
    );
    assert_eq!(
        refusal("-name x y"),
        "'y' is neither an option nor a command"
    );
}
