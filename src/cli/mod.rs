//! The command line: from arguments to a checked configuration.

mod annotate;
mod args;
mod argv;
mod batch_run;
mod help;
mod named_inputs;
mod options;
mod refusal;
mod shell;
mod values;
mod version;

use std::{any::TypeId, collections::HashSet, ffi::OsString};

use clap::{ArgMatches, CommandFactory, FromArgMatches, parser::ValueSource};

pub(crate) use self::named_inputs::find as find_inputs;
use self::{
    args::{
        AnyArgs, Cli, ConvertedArgs, CsvArgs, H5Args, JoinArgs, Preprocess, RunArgs, Subcommands,
    },
    help::Extent,
    options::{ClusteringArgs, GraphArgs, OutputArgs, RunOptions},
    values::Switch,
};
pub use self::{refusal::Refusal, shell::ShellFile};
use crate::{
    config::{AnnotateConfig, BatchRunConfig, ConvertConfig, Outputs, RawFiles, RunConfig},
    graph::GraphConfig,
    model::ModelConfig,
    partition::{Cut, Resolution},
    preset::Defaults,
    read::{InputFile, NamedInputs, ReadOptions},
    train::TrainConfig,
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Find the cell types of a data set.
    Run(Box<RunConfig>),
    /// Find the cell types of several data sets.
    Batch(Box<BatchRunConfig>),
    /// Label new cells with a trained model.
    Annotate(Box<AnnotateConfig>),
    /// Convert raw files, each element into a data set of its own.
    Convert {
        /// At least one conversion.
        conversions: Vec<ConvertConfig>,
        /// Nothing on stderr but errors.
        quiet: bool,
    },
    /// Print completions or the man page.
    Shell(ShellFile),
}

/// Reads a command line, the program's name first, and checks every value on it. The only look at
/// the disk is whether a data set's file is there under one name or another.
///
/// # Errors
/// [`Refusal`]: what to print instead of running, and the exit code.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, Refusal> {
    let args = argv::normalise(&plain_command(), args);
    if args.len() < 2 {
        return Err(Refusal::hint());
    }
    let matches = command(Extent::of(&args)).try_get_matches_from(args)?;
    options_follow_commands(&matches)?;
    let cli = Cli::from_arg_matches(&matches)?;
    match cli.command {
        None => run_config(cli.run).map(|config| Request::Run(Box::new(config))),
        Some(Subcommands::Batch(args)) => {
            batch_run::config(*args, &matches).map(|config| Request::Batch(Box::new(config)))
        }
        Some(Subcommands::Annotate(args)) => {
            annotate::config(*args).map(|config| Request::Annotate(Box::new(config)))
        }
        Some(Subcommands::Completions { which }) => Ok(Request::Shell(which)),
        Some(Subcommands::Preprocess { format, any }) => match format {
            None => from_any(*any),
            Some(Preprocess::H5(args)) => from_h5(args),
            Some(Preprocess::Csv(args)) => from_csv(args),
            Some(Preprocess::Join(args)) => from_join(args),
        },
    }
}

impl RunConfig {
    /// A run from the options of the command line, each name and each value by itself: what the program does with them.
    ///
    /// ```
    /// use attentionae_sc::config::RunConfig;
    ///
    /// let config = RunConfig::from_options(["-name", "cells.h5ad", "-seed", "7", "-output_dir", "out"])?;
    /// assert_eq!(config.name, "cells");
    /// assert!(RunConfig::from_options(["-name", "cells.h5ad", "-n_hvg", "many"]).is_err());
    /// # Ok::<(), attentionae_sc::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// An option that there is not, a value out of its range, or the options of another command.
    pub fn from_options<T: Into<OsString>>(
        options: impl IntoIterator<Item = T>,
    ) -> Result<Self, Refusal> {
        match parse(line("attentionae-sc", None, options))? {
            Request::Run(config) => Ok(*config),
            _ => Err(Refusal::usage(
                "these are not the options of a run".to_owned(),
            )),
        }
    }
}

impl AnnotateConfig {
    /// Labels of new cells from the options of `annotate`, each name and each value by itself.
    ///
    /// ```
    /// use attentionae_sc::config::AnnotateConfig;
    ///
    /// let model = "out/model_save/zeisel.safetensors";
    /// let config = AnnotateConfig::from_options(["new.h5ad", "-model", model, "-output_dir", "labels"])?;
    /// assert_eq!(config.output_dir, std::path::Path::new("labels"));
    /// # Ok::<(), attentionae_sc::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// An option that there is not, a value out of its range, or a missing one.
    pub fn from_options<T: Into<OsString>>(
        options: impl IntoIterator<Item = T>,
    ) -> Result<Self, Refusal> {
        match parse(line("attentionae-sc", Some("annotate"), options))? {
            Request::Annotate(config) => Ok(*config),
            _ => Err(Refusal::usage(
                "these are not the options of annotate".to_owned(),
            )),
        }
    }
}

/// A command line of the program, its name first.
fn line<T: Into<OsString>>(
    program: &str,
    command: Option<&str>,
    options: impl IntoIterator<Item = T>,
) -> Vec<OsString> {
    let words = [Some(program), command].into_iter().flatten();
    let options = options.into_iter().map(Into::into);
    words.map(OsString::from).chain(options).collect()
}

/// The built command with its help text.
fn command(extent: Extent) -> clap::Command {
    help::with_help(plain_command(), extent)
}

/// The built command, without the help text of its own.
fn plain_command() -> clap::Command {
    let mut command = with_switches(Cli::command());
    command.build();
    command
}

/// Boolean options may stand without a value; see [`argv`] for what they then mean.
fn with_switches(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|option| {
        if option.get_value_parser().type_id() == TypeId::of::<Switch>() {
            option.value_name("BOOL").num_args(0..=1)
        } else {
            option
        }
    });
    command.mut_subcommands(with_switches)
}

/// Options of a run mean nothing to a sub-command, so they may not stand before it.
fn options_follow_commands(matches: &ArgMatches) -> Result<(), Refusal> {
    let typed =
        |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    match (matches.subcommand_name(), matches.ids().find(typed)) {
        (Some(command), Some(option)) => Err(Refusal::usage(format!(
            "'-{option}' stands before '{command}', where only options of a run can be"
        ))),
        _ => Ok(()),
    }
}

fn run_config(args: RunArgs) -> Result<RunConfig, Refusal> {
    let typed = required("-name", args.name)?;
    let data_set = named_inputs::find(&typed, &args.options.input.data_dir);
    let mut data_set = data_set.map_err(refused("-name", &typed))?;
    if let Some(name) = args.output_name {
        data_set.name = named_inputs::file_name(&name).map_err(refused("-output_name", &name))?;
    }
    checked(args.options, data_set)
}

/// The run of a data set, its options checked.
fn checked(options: RunOptions, named: NamedInputs) -> Result<RunConfig, Refusal> {
    let defaults = options.clustering.preset.defaults();
    let (model, train) = trained(&options, &defaults)?;
    let resolution = how_many(&options.clustering, defaults.resolution)?;
    let has_tree = matches!(resolution, Resolution::Tree(_)) && train.clustering_epoch == 0;
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
        save: outputs(&options.outputs, has_tree),
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

/// What is written. Only clusters that were cut from a tree and not trained further have one.
fn outputs(args: &OutputArgs, has_tree: bool) -> Outputs {
    Outputs {
        pred_label: args.save_pred_label.0,
        embedding: args.save_embedding.0,
        model_para: args.save_model_para.0,
        umap: args.save_umap.0,
        figure_format: args.figure_format,
        markers: args.save_markers.0,
        tree: has_tree && args.save_tree.0,
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

fn from_any(args: AnyArgs) -> Result<Request, Refusal> {
    if let (Some(name), [_, _, ..]) = (&args.name, &args.files[..]) {
        let why = "names one data set, but there are several FILEs; 'preprocess join' joins them";
        return Err(refused("-name", name)(why.to_owned()));
    }
    let read = ReadOptions::from(args.read);
    let mut conversions = Vec::new();
    for file in args.files {
        let typed = file.display().to_string();
        let file = named_inputs::expanded(&typed).map_err(refused("FILE", &typed))?;
        let name = match &args.name {
            Some(name) => named_inputs::file_name(name).map_err(refused("-name", name))?,
            None => named_inputs::name_of(&typed).map_err(refused("FILE", &typed))?,
        };
        let input = RawFiles::Any(file.into());
        conversions.push(conversion(name, input, read.clone(), &args.output));
    }
    different_outputs(&conversions)?;
    Ok(Request::Convert {
        conversions,
        quiet: args.output.quiet.quiet.0,
    })
}

fn from_h5(args: H5Args) -> Result<Request, Refusal> {
    let mut conversions = Vec::new();
    for typed in args.names {
        let name = named_inputs::name_of(&typed).map_err(refused("NAME", &typed))?;
        let input = RawFiles::H5 {
            typed,
            raw_dir: args.raw_dir.clone(),
        };
        let read = ReadOptions::default();
        conversions.push(conversion(name, input, read, &args.output));
    }
    different_outputs(&conversions)?;
    Ok(Request::Convert {
        conversions,
        quiet: args.output.quiet.quiet.0,
    })
}

fn from_csv(args: CsvArgs) -> Result<Request, Refusal> {
    let typed = required("-name", args.name)?;
    let name = named_inputs::file_name(&typed).map_err(refused("-name", &typed))?;
    let files = args.files.iter().map(|file| {
        let typed = file.display().to_string();
        named_inputs::expanded(&typed).map_err(refused("FILE", &typed))
    });
    let input = RawFiles::Csv(files.collect::<Result<_, _>>()?);
    let read = ReadOptions::from(args.table);
    Ok(Request::Convert {
        conversions: vec![conversion(name, input, read, &args.output)],
        quiet: args.output.quiet.quiet.0,
    })
}

fn from_join(args: JoinArgs) -> Result<Request, Refusal> {
    let files = args.files.iter().map(|file| {
        let typed = file.display().to_string();
        let named = |typed: &str| {
            Ok(InputFile {
                name: named_inputs::name_of(typed)?,
                path: named_inputs::expanded(typed)?,
            })
        };
        named(&typed).map_err(refused("FILE", &typed))
    });
    let joined = named_inputs::joined(files.collect::<Result<_, Refusal>>()?);
    let joined = joined.map_err(|why| Refusal::usage(format!("FILE... {why}")))?;
    let name = match &args.name {
        Some(name) => named_inputs::file_name(name).map_err(refused("-name", name))?,
        None => joined.name,
    };
    let read = ReadOptions {
        genes: args.genes,
        ..args.read.into()
    };
    let input = RawFiles::Any(joined.inputs);
    Ok(Request::Convert {
        conversions: vec![conversion(name, input, read, &args.output)],
        quiet: args.output.quiet.quiet.0,
    })
}

fn conversion(
    name: String,
    input: RawFiles,
    read: ReadOptions,
    output: &ConvertedArgs,
) -> ConvertConfig {
    ConvertConfig {
        input,
        read,
        output: output.data_dir.join(format!("{name}.h5ad")),
        overwrite: output.overwrite.0,
        name,
    }
}

/// Fails where a conversion would replace what another one has just written.
fn different_outputs(conversions: &[ConvertConfig]) -> Result<(), Refusal> {
    let mut names = HashSet::new();
    match conversions
        .iter()
        .find(|conversion| !names.insert(&conversion.name))
    {
        None => Ok(()),
        Some(ConvertConfig { name, .. }) => Err(Refusal::usage(format!(
            "two inputs would become {name}.h5ad: convert them one by one, each with a -name or -data_dir of its own"
        ))),
    }
}

fn required(option: &str, value: Option<String>) -> Result<String, Refusal> {
    value.ok_or_else(|| Refusal::usage(format!("{option} is missing: which data set?")))
}

fn refused(option: &str, value: &str) -> impl FnOnce(String) -> Refusal {
    let what = format!("invalid value '{value}' for '{option}'");
    move |why| Refusal::usage(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
