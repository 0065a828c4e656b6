//! Good values of every option arrive in the configuration; bad ones are refused by name.

use serde_json::json;

use super::*;
use crate::{
    config::{CellTypes, Cuda, DataSets, LeidenGraph, NamedDataSet, Resolution},
    graph::{Aggregation, Aim, Method},
    h5ad::CountsIn,
    model::Parts,
    partition::Granularity,
    plot::FigureFormat,
    preprocess::QualityControl,
    preset::Preset,
    read::Orientation,
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
        input: "Data/AnnData/zeisel.h5ad".into(),
        read: ReadOptions::default(),
        data_dir: "Data/AnnData".into(),
        output_dir: ".".into(),
        celltype: CellTypes::Auto,
        batch_key: Vec::new(),
        quality: QualityControl::default(),
        n_hvg: 2500,
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
            model_para: false,
            umap: false,
            figure_format: FigureFormat::Png,
            report: false,
            markers: false,
            tree: false,
            h5ad: false,
        },
        cuda: Cuda::Auto,
        seed: 1,
        threads: None,
        quiet: false,
    };
    assert_eq!(run("-name zeisel -preset published"), expected);
}

#[test]
fn every_option_arrives_under_its_own_name() {
    let line = "-name x -data_dir d -layer counts -gex_only no -genome GRCh38 -transpose yes -round yes -nan_as_zero yes -celltype types -batch_key donor,plate -min_counts 500 -min_genes 200 -min_cells 3 -max_mt 5.5 -n_hvg 500 -max_value 5 -preset recommended -resolution 0.3 -leiden_graph Embedding \
        -connectivity_methods umap -knn True -n_neighbors 30 -n_pcs 20 -aggregation sum -graph_target Distance -parts Contrast,zinb -n_heads 4 -n_z 10 -lr 1e-4 \
        -training_epoch 50 -clustering_epoch 0 -batch_size 128 -zinb_genes 40 -landmarks 500 -max_num_cell 2000 -output_dir o \
        -save_pred_label no -save_embedding 0 -save_model_para yes -save_umap TRUE -figure_format SVG -save_markers 1 -save_report yes -n_markers 20 -save_h5ad yes -overwrite -cuda False \
        -seed 0 -threads 2 -quiet";
    let recorded = serde_json::to_value(run(line)).expect("JSON");
    let expected = json!({
        "name": "x", "data_dir": "d", "layer": "counts", "use_raw": false, "gex_only": false, "genome": "GRCh38",
        "transpose": true, "round": true, "nan_as_zero": true, "celltype": "types", "batch_key": "donor,plate",
        "min_counts": 500, "min_genes": 200, "min_cells": 3, "max_mt": 5.5, "n_hvg": 500, "max_value": 5.0,
        "preset": "recommended", "resolution": 0.3, "granularity": null, "n_clusters": null, "leiden_graph": "embedding",
        "connectivity_methods": "umap", "knn": true, "n_neighbors": 30, "n_pcs": 20,
        "aggregation": "sum", "graph_target": "distance", "parts": "zinb,contrast", "n_heads": 4, "n_z": 10,
        "lr": 1e-4, "training_epoch": 50, "clustering_epoch": 0, "batch_size": 128, "zinb_genes": 40, "landmarks": 500,
        "max_num_cell": 2000, "output_dir": "o", "save_pred_label": false, "save_embedding": false,
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
    assert!(!published.save.tree);
    assert!(run("-name x -n_clusters 7").save.tree);
    assert!(!run("-name x -n_clusters 7 -save_tree False").save.tree);
    let both = refusal("-name x -resolution 0.3 -n_clusters 7");
    assert!(both.contains("no tree for -n_clusters to cut"), "{both}");
    let twice = refusal("-name x -granularity fine -n_clusters 7");
    assert!(twice.contains("cannot be used with"), "{twice}");
}

#[test]
fn the_record_names_every_option_of_a_run() {
    let recorded = serde_json::to_value(run("-name x")).expect("JSON");
    let mut recorded: Vec<_> = recorded.as_object().expect("an object").keys().collect();
    let command = command();
    let mut options: Vec<_> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .filter(|long| !["help", "version", "output_name"].contains(long))
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

#[test]
fn h5_data_sets_are_converted_one_by_one() {
    let Ok(Request::Convert { conversions, quiet }) =
        asked("preprocess h5 -quiet Baron raw/bladder.h5.zip --data-dir out -raw_dir nowhere")
    else {
        panic!("a conversion");
    };
    let conversion = |name: &str, input: &str, output: &str| ConvertConfig {
        name: name.to_owned(),
        input: RawFiles::H5 {
            typed: input.to_owned(),
            raw_dir: "nowhere".into(),
        },
        read: ReadOptions::default(),
        output: output.into(),
    };
    let expected = [
        conversion("Baron", "Baron", "out/Baron.h5ad"),
        conversion("bladder", "raw/bladder.h5.zip", "out/bladder.h5ad"),
    ];
    assert_eq!(conversions, expected);
    assert!(quiet);
}

#[test]
fn any_input_is_converted_under_its_own_name_or_a_given_one() {
    let Ok(Request::Convert { conversions, .. }) =
        asked("preprocess -layer counts raw/atlas.h5ad outs/matrix -gex_only False")
    else {
        panic!("conversions");
    };
    let read = ReadOptions {
        counts_in: CountsIn::Layer("counts".to_owned()),
        gex_only: false,
        ..ReadOptions::default()
    };
    let expected = [("atlas", "raw/atlas.h5ad"), ("matrix", "outs/matrix")];
    let expected = expected.map(|(name, input)| ConvertConfig {
        name: name.to_owned(),
        input: RawFiles::Any(input.into()),
        read: read.clone(),
        output: format!("Data/AnnData/{name}.h5ad").into(),
    });
    assert_eq!(conversions, expected);
    let Ok(Request::Convert { conversions, .. }) =
        asked("preprocess a.tsv.gz -transpose -name=b -data_dir out")
    else {
        panic!("a conversion");
    };
    assert_eq!(conversions[0].read.orientation, Orientation::GenesInRows);
    assert_eq!(conversions[0].output, Path::new("out/b.h5ad"));
}

#[test]
fn what_is_read_of_an_input_is_chosen() {
    let Ok(Request::Run(config)) = asked("-name x -use_raw True -genome GRCh38") else {
        panic!("a run");
    };
    assert_eq!(config.read.counts_in, CountsIn::Raw);
    assert_eq!(config.read.genome.as_deref(), Some("GRCh38"));
    let both = refusal("-name x -layer counts -use_raw True");
    assert!(
        both.contains("-layer") && both.contains("-use_raw"),
        "{both}"
    );
}

#[test]
fn csv_tables_become_one_data_set() {
    let Ok(Request::Convert { conversions, quiet }) =
        asked("preprocess csv a.csv b.zip --name=both")
    else {
        panic!("a conversion");
    };
    let expected = ConvertConfig {
        name: "both".to_owned(),
        input: RawFiles::Csv(vec!["a.csv".into(), "b.zip".into()]),
        read: ReadOptions::default(),
        output: "Data/AnnData/both.h5ad".into(),
    };
    assert_eq!(conversions, [expected]);
    assert!(!quiet);
}

#[test]
fn conversions_say_what_they_lack() {
    assert!(refusal("preprocess csv a.csv").starts_with("-name is missing"));
    assert!(refusal("preprocess csv a.csv -name=a/b").contains("not a path: try b"));
    assert!(refusal("preprocess csv -name x").contains("<FILE>..."));
    assert!(refusal("preprocess h5").contains("<NAME>..."));
    assert!(refusal("preprocess").contains("FILE"));
    assert!(refusal("preprocess a.csv b.csv -name x").contains("'preprocess csv' joins tables"));
    for line in ["preprocess a/m.csv b/m.h5", "preprocess h5 x raw/x.zip"] {
        assert!(
            refusal(line).starts_with("two inputs would become "),
            "{line}"
        );
    }
    assert!(refusal("preprocess h5 x -nmae y").contains("unexpected argument '-nmae'"));
    assert!(refusal("-lr 1 preprocess h5 x").starts_with("'-lr' stands before 'preprocess'"));
}

fn batch(line: &str) -> BatchConfig {
    match asked(line) {
        Ok(Request::Batch(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_batch_is_of_named_data_sets_or_of_all() {
    let named = |typed: &str, name: &str, path: &str| NamedDataSet {
        typed: typed.to_owned(),
        name: name.to_owned(),
        path: path.into(),
    };
    let two = batch("batch zeisel sets/x.h5ad -data_dir d");
    let expected = vec![
        named("zeisel", "zeisel", "d/zeisel.h5ad"),
        named("sets/x.h5ad", "x", "sets/x.h5ad"),
    ];
    assert_eq!(two.data_sets, DataSets::Named(expected));
    assert_eq!((two.resume, two.jobs), (false, 1));
    let all = batch("batch --all -resume -jobs 3");
    assert_eq!(all.data_sets, DataSets::All);
    assert_eq!((all.resume, all.jobs), (true, 3));
}

#[test]
fn a_batch_hands_on_what_was_typed_and_checks_it_itself() {
    let line = "-seed 7 -lr=1e-4 -knn -output_dir o -threads 4 -quiet";
    let batch = batch(&format!("batch x -resume {line}"));
    let expected = ["--knn=True", "--lr=1e-4", "--output_dir=o", "--seed=7"];
    assert_eq!(batch.typed, expected);
    let alone = run(&format!("-name x {line}"));
    let expected = RunConfig {
        name: String::new(),
        input: "".into(),
        ..alone
    };
    assert_eq!(batch.options, expected);
}

#[test]
fn a_batch_hands_on_every_option_of_a_run() {
    let command = command();
    let runs = command.get_arguments().filter_map(clap::Arg::get_long);
    let runs = runs.filter(|long| !["help", "version", "name", "output_name"].contains(long));
    let batch = command.find_subcommand("batch").expect("a command");
    let batch: Vec<_> = batch
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for option in runs {
        assert!(batch.contains(&option), "{option}");
    }
}

#[test]
fn a_batch_says_what_it_lacks() {
    assert!(refusal("batch").starts_with("which data sets?"));
    assert!(refusal("batch x --all").starts_with("-all takes every data set"));
    assert!(refusal("batch a/..").contains("'a/..' for 'NAME'"));
    assert!(refusal("batch x -jobs 0").contains("-jobs"));
    assert!(refusal("batch x -lr 0").contains("above 0"));
    assert!(refusal("batch x -landmarks 20 -n_neighbors 20").contains("above -n_neighbors"));
    assert!(refusal("-lr 1 batch x").starts_with("'-lr' stands before 'batch'"));
}

#[test]
fn help_tells_every_option_with_its_default() {
    let Err(help) = asked("-help") else {
        panic!("help");
    };
    let help = help.to_string();
    for option in command().get_arguments().filter_map(clap::Arg::get_long) {
        assert!(help.contains(&format!("-{option}")), "{option}");
    }
    for default in [
        "[default: 2500]",
        "[default: Data/AnnData]",
        "[default: every core]",
    ] {
        assert!(help.contains(default), "{default}");
    }
    let headings = [
        "Input:",
        "Clustering:",
        "Graph:",
        "Training:",
        "Outputs:",
        "Run:",
    ];
    let places: Vec<_> = headings.iter().map(|heading| help.find(heading)).collect();
    assert!(places.is_sorted() && !places.contains(&None), "{places:?}");
}

#[test]
fn annotate_takes_a_model_and_data_sets() {
    let request = |line: &str| parse(line.split_whitespace().map(Into::into));
    let typed = "a annotate x y=sets/z.h5ad -name w -model m.safetensors -label_by CellType -min_counts 5 -threads 2";
    let Ok(Request::Annotate(config)) = request(typed) else {
        panic!("new cells");
    };
    let sets = config.data_sets.iter();
    let names: Vec<&str> = sets.map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["x", "y", "w"]);
    assert_eq!(config.label_by, crate::config::LabelBy::CellType);
    assert_eq!((config.quality.min_counts, config.threads), (5, Some(2)));
    for (line, part) in [
        ("a annotate x", "-model is missing"),
        ("a annotate -model m", "which cells?"),
        ("a annotate x x -model m", "two inputs are called x"),
        (
            "a annotate x -model m -label_by type",
            "must be cluster or celltype",
        ),
        (
            "a annotate x -model m -names n -label_by celltype",
            "leave one out",
        ),
        ("a annotate x -model m -lr 1", "-lr"),
        ("a annotate x -model https://host/m", "download it first"),
    ] {
        let refusal = request(line).expect_err(line).to_string();
        assert!(refusal.contains(part), "{line}: {refusal}");
    }
}
