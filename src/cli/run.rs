//! The command line of a run: its options, checked against each other.

use super::{
    Refusal,
    args::RunArgs,
    named_inputs,
    options::{ClusteringArgs, GraphArgs, OutputArgs, RunOptions},
    refused, required,
};
use crate::{
    config::{Outputs, RunConfig},
    graph::GraphConfig,
    model::ModelConfig,
    partition::{Cut, Resolution},
    preset::Defaults,
    read::{NamedInputs, ReadOptions},
    train::TrainConfig,
};

/// A run of the data set that `-name` names.
pub(super) fn run_config(args: RunArgs) -> Result<RunConfig, Refusal> {
    let typed = required("-name", args.name)?;
    let data_set = named_inputs::find(&typed, &args.options.input.data_dir);
    let mut data_set = data_set.map_err(refused("-name", &typed))?;
    let (option, typed, shorter) = match args.output_name {
        Some(name) => {
            data_set.name =
                named_inputs::file_name(&name).map_err(refused("-output_name", &name))?;
            ("-output_name", name, "give a shorter one")
        }
        None => ("-name", typed, "-output_name NAME gives a shorter one"),
    };
    named_inputs::check_length(&data_set.name, shorter).map_err(refused(option, &typed))?;
    checked(args.options, data_set)
}

/// The run of a data set, its options checked.
pub(super) fn checked(options: RunOptions, named: NamedInputs) -> Result<RunConfig, Refusal> {
    let defaults = options.clustering.preset.defaults();
    let (model, train) = trained(&options, &defaults)?;
    let resolution = how_many(&options.clustering, defaults.resolution)?;
    let n_pcs = options.graph.n_pcs.unwrap_or(defaults.n_pcs);
    let max_value = options.input.max_value.unwrap_or(defaults.max_value);
    Ok(RunConfig {
        quality: options.input.cells.and_genes_in(options.input.min_cells),
        graph: graph(&options.graph, &defaults),
        leiden_graph: options
            .clustering
            .leiden_graph
            .unwrap_or(defaults.leiden_graph),
        max_value: (max_value > 0.0).then_some(max_value),
        n_pcs: (n_pcs > 0).then_some(n_pcs as usize),
        landmarks: landmarks(&options, train.batch_size)?,
        max_num_cell: max_num_cell(&options, &defaults)?,
        save: outputs(&options.outputs),
        model,
        train,
        preset: options.clustering.preset,
        resolution,
        name: named.name,
        inputs: named.inputs,
        read: ReadOptions {
            genes: options.input.genes,
            ..options.input.read.into()
        },
        data_dir: options.input.data_dir,
        output_dir: options.outputs.output_dir,
        celltype: options.input.celltype,
        batch_key: options.input.batch_key.map(|key| key.0).unwrap_or_default(),
        within: options.input.within,
        n_hvg: options.input.n_hvg as usize,
        hvg_flavor: options.input.hvg_flavor.unwrap_or(defaults.hvg_flavor),
        overwrite: options.outputs.overwrite.0,
        n_markers: options.outputs.n_markers as usize,
        cuda: options.machine.cuda,
        seed: options.machine.seed,
        threads: options.machine.threads.map(|threads| threads as usize),
        quiet: options.machine.quiet.quiet.0,
    })
}

/// The cell graph that the network learns from.
fn graph(args: &GraphArgs, defaults: &Defaults) -> GraphConfig {
    GraphConfig {
        method: args.connectivity_methods,
        knn: args.knn.0,
        n_neighbors: args.n_neighbors as usize,
        aim: args.graph_target.unwrap_or(defaults.graph_target),
        aggregation: args.aggregation.unwrap_or(defaults.aggregation),
    }
}

/// What is asked for.
fn outputs(args: &OutputArgs) -> Outputs {
    Outputs {
        pred_label: args.save_pred_label.0,
        embedding: args.save_embedding.0,
        table_format: args.table_format,
        model_para: args.save_model_para.0,
        umap: args.save_umap.0,
        figure_format: args.figure_format,
        markers: args.save_markers.0,
        tree: args.save_tree.0,
        report: args.save_report.0,
        h5ad: args.save_h5ad.0,
    }
}

/// The cells that every cell is embedded against, with mini-batches.
fn landmarks(options: &RunOptions, batch_size: Option<usize>) -> Result<usize, Refusal> {
    let typed = options.training.landmarks;
    match batch_size {
        Some(_) => at_least_a_neighborhood("-landmarks", typed, options.graph.n_neighbors),
        None => Ok(typed as usize),
    }
}

/// The cells to train on.
fn max_num_cell(options: &RunOptions, defaults: &Defaults) -> Result<usize, Refusal> {
    let typed = options.training.max_num_cell;
    at_least_a_neighborhood(
        "-max_num_cell",
        typed.unwrap_or(defaults.max_num_cell),
        options.graph.n_neighbors,
    )
}

/// How many clusters there are to be. What says how the tree is cut asks for the tree, whatever the preset's resolution.
fn how_many(args: &ClusteringArgs, default: Resolution) -> Result<Resolution, Refusal> {
    let (option, cut) = match (args.n_clusters, args.granularity) {
        (None, None) => return Ok(args.resolution.unwrap_or(default)),
        (Some(n_clusters), _) => ("-n_clusters", Cut::Clusters(n_clusters as usize)),
        (None, Some(granularity)) => ("-granularity", Cut::Evidence(granularity)),
    };
    match args.resolution {
        Some(Resolution::Fixed(resolution)) => {
            let why = format!("there is no tree for {option} to cut; leave one of them out");
            Err(refused("-resolution", &resolution.to_string())(why))
        }
        _ => Ok(Resolution::Tree(cut)),
    }
}

/// The network and its schedule.
fn trained(
    options: &RunOptions,
    defaults: &Defaults,
) -> Result<(ModelConfig, TrainConfig), Refusal> {
    let args = &options.training;
    let parts = args.parts.unwrap_or(defaults.parts);
    let batch_size = match args.batch_size.unwrap_or(defaults.batch_size) {
        0 if parts.contrast => {
            return Err(refused("-batch_size", "0")(
                "neighbours are contrasted in mini-batches; leave contrast out of -parts"
                    .to_owned(),
            ));
        }
        0 => None,
        size => Some(at_least_a_neighborhood(
            "-batch_size",
            size,
            options.graph.n_neighbors,
        )?),
    };
    let zinb_genes = args.zinb_genes.unwrap_or(defaults.zinb_genes) as usize;
    let model = ModelConfig {
        n_z: args.n_z.unwrap_or(defaults.n_z) as usize,
        n_heads: args.n_heads as usize,
        parts,
    };
    let train = TrainConfig {
        lr: args.lr,
        training_epoch: args.training_epoch as usize,
        clustering_epoch: options
            .clustering
            .clustering_epoch
            .unwrap_or(defaults.clustering_epoch) as usize,
        zinb_genes: (zinb_genes > 0).then_some(zinb_genes),
        batch_size,
    };
    Ok((model, train))
}

/// Cells that are to hold a whole neighbourhood.
fn at_least_a_neighborhood(option: &str, n_cells: u64, n_neighbors: u64) -> Result<usize, Refusal> {
    if n_cells > n_neighbors {
        return Ok(n_cells as usize);
    }
    let why = format!("must be above -n_neighbors, which is {n_neighbors}");
    Err(refused(option, &n_cells.to_string())(why))
}
