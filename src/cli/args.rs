//! The commands, their arguments and help texts.

#![expect(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "the options' comments are what a terminal shows, not Markdown"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{
    options::{CellsArgs, QuietArg, ReadArgs, RunOptions, TableArgs},
    shell::ShellFile,
    values::{Columns, Switch, celltype, columns, whole, word},
};
use crate::read::GeneJoin;
use crate::{config::LabelBy, output_table::TableFormat, plot::FigureFormat, read::CellTypes};

/// Finds cell types in single-cell RNA-seq data with an attention autoencoder
#[derive(Debug, Parser)]
#[command(
    name = "attentionae-sc",
    version,
    override_usage = "attentionae-sc -name NAME [OPTION VALUE]...\n       \
                      attentionae-sc batch NAME... [OPTION VALUE]...\n       \
                      attentionae-sc annotate NAME... -model FILE [OPTION VALUE]...\n       \
                      attentionae-sc preprocess FILE...",
    after_help = RUN_EXAMPLES,
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Subcommands>,
    #[command(flatten)]
    pub run: RunArgs,
}

const RUN_EXAMPLES: &str = "\
--help-all shows all options, 'batch --help' and the like those of a command.
Options take one dash or two, and _ or - between words. BOOL is True or False
(or yes, no, 1, 0); -quiet alone means -quiet True. Exit codes: 0 success,
1 failure, 2 wrong usage, 137 too little memory, 130 interrupted.

Example:
  attentionae-sc -name zeisel -resolution 0.3
      reads Data/AnnData/zeisel.h5ad; writes pred_label/zeisel.csv,
      embedding/zeisel.csv and results/zeisel.json
  attentionae-sc -name ~/mouse.h5ad -celltype cell_type -save_umap True
      scores against obs['cell_type'] and draws both labellings";

const BATCH_EXAMPLES: &str = "\
Every data set is run in a process of its own, with the options given. One that
fails does not stop the others, and makes the exit code 1. Ctrl-C stops all.

Example:
  attentionae-sc batch zeisel ~/mouse.h5ad -resolution 0.3 -output_dir out
  attentionae-sc batch --all -resume -jobs 2
      goes on with every data set of Data/AnnData, two at a time; writes
      results/batch.csv and results/batch.json besides each one's outputs";

const ANNOTATE_EXAMPLES: &str = "\
A run with -save_model_para True writes the model. New cells get the clusters of
its training data, or with -label_by celltype the cell types that these were
labelled with. A cell that is far from all of these is called unassigned.

Example:
  attentionae-sc -name first -celltype cell_type -save_model_para True
  attentionae-sc annotate second -model model_save/first.safetensors
      writes pred_label/second.csv, embedding/second.csv, results/second.json
  attentionae-sc annotate second third -model model_save/first.safetensors \\
      -label_by celltype -save_h5ad True -output_dir out";

const PREPROCESS_EXAMPLES: &str = "\
Example:
  attentionae-sc preprocess outs/filtered_feature_bc_matrix -name pbmc
      writes Data/AnnData/pbmc.h5ad
  attentionae-sc preprocess genes_by_cells.tsv.gz -transpose True
  attentionae-sc preprocess atlas.h5ad -layer counts -name atlas_counts";

const COMPLETIONS_EXAMPLES: &str = "\
Example:
  source <(attentionae-sc completions bash)
  attentionae-sc completions man > ~/.local/share/man/man1/attentionae-sc.1";

/// What the program can do besides a run.
#[derive(Debug, Subcommand)]
pub(super) enum Subcommands {
    /// Find the cell types of several data sets
    #[command(
        override_usage = "attentionae-sc batch NAME... [OPTION VALUE]...\n       \
                          attentionae-sc batch --all [OPTION VALUE]...",
        after_help = BATCH_EXAMPLES
    )]
    Batch(Box<BatchRunArgs>),
    /// Label new cells with a trained model
    #[command(
        override_usage = "attentionae-sc annotate NAME... -model FILE [OPTION VALUE]...",
        after_help = ANNOTATE_EXAMPLES
    )]
    Annotate(Box<AnnotateArgs>),
    /// Make .h5ad files from any input that can be read
    #[command(
        override_usage = "attentionae-sc preprocess FILE... [OPTION VALUE]...\n       \
                          attentionae-sc preprocess h5 NAME...\n       \
                          attentionae-sc preprocess csv FILE... -name NAME\n       \
                      attentionae-sc preprocess join FILE... [OPTION VALUE]...",
        after_help = PREPROCESS_EXAMPLES,
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        arg_required_else_help = false,
        disable_help_subcommand = true
    )]
    Preprocess {
        #[command(subcommand)]
        format: Option<Preprocess>,
        #[command(flatten)]
        any: Box<AnyArgs>,
    },
    /// Print completions of a shell, or the man page
    #[command(
        override_usage = "attentionae-sc completions bash|zsh|fish|man",
        after_help = COMPLETIONS_EXAMPLES
    )]
    Completions {
        /// What to print: bash, zsh, fish or man
        #[arg(
            value_name = "WHICH",
            required = true,
            help_heading = "Input",
            hide_possible_values = true
        )]
        which: ShellFile,
    },
}

/// The formats of raw data.
#[derive(Debug, Subcommand)]
pub(super) enum Preprocess {
    /// Convert .h5 files of X (cells x genes) and Y (labels)
    #[command(
        override_usage = "attentionae-sc preprocess h5 NAME... [OPTION VALUE]...",
        after_help = "Example:\n  attentionae-sc preprocess h5 mouse_bladder\n      \
                      reads Data/mouse_bladder/mouse_bladder.h5 (or its .zip),\n      \
                      writes Data/AnnData/mouse_bladder.h5ad"
    )]
    H5(H5Args),
    /// Convert tables of the same genes into one data set
    #[command(
        override_usage = "attentionae-sc preprocess csv FILE... -name NAME [OPTION VALUE]...",
        after_help = "Example:\n  \
                      attentionae-sc preprocess csv mouse1.csv.gz mouse2.csv.gz -name baron_mouse\n      \
                      writes the cells of both as Data/AnnData/baron_mouse.h5ad"
    )]
    Csv(CsvArgs),
    /// Join inputs of any format into one data set, genes matched by name
    #[command(
        override_usage = "attentionae-sc preprocess join FILE... [OPTION VALUE]...",
        after_help = "Example:\n  \
                      attentionae-sc preprocess join run1/outs run2/outs -name both\n      \
                      writes the cells of both, with obs['batch'], as Data/AnnData/both.h5ad"
    )]
    Join(JoinArgs),
}

/// The options of a run.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Data set below -data_dir, or the path of an input: .h5ad, .zarr, .h5mu, .loom, 10x .h5, .mtx or its
    /// folder, a sample's folder of Cell Ranger, .csv, .tsv, or .h5 of X and Y (any also as .gz); several,
    /// with commas between, are joined, and obs['batch'] has their names
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub name: Option<String>,
    /// What the outputs are called [default: the data set's name]
    #[arg(long = "output_name", value_name = "NAME", help_heading = "Input")]
    pub output_name: Option<String>,
    #[command(flatten)]
    pub options: RunOptions,
}

/// `batch`
#[derive(Debug, Args)]
pub(super) struct BatchRunArgs {
    /// Data sets below -data_dir, or paths of inputs, as -name takes them; NAME=PATH says what the
    /// outputs are called
    #[arg(value_name = "NAME", help_heading = "Input")]
    pub names: Vec<String>,
    /// Take every .h5ad file of -data_dir
    #[arg(long, help_heading = "Input", default_value = "False")]
    pub all: Switch,
    /// Skip data sets that an earlier batch run finished (as results/batch.json records), unless the file,
    /// the options or the version have changed
    #[arg(long, help_heading = "Batch run", default_value = "False")]
    pub resume: Switch,
    /// Most data sets to run at once, which share -threads; fewer where memory is short (1 to 1024)
    #[arg(
        long,
        value_name = "N",
        help_heading = "Batch run",
        default_value = "1",
        value_parser = whole(1..=1024)
    )]
    pub jobs: u64,
    #[command(flatten)]
    pub options: RunOptions,
}

/// `annotate`
#[derive(Debug, Args)]
#[command(rename_all = "snake_case")]
pub(super) struct AnnotateArgs {
    /// Data sets below -data_dir, or paths of inputs, as -name takes them; NAME=PATH says what the
    /// outputs are called
    #[arg(value_name = "NAME", help_heading = "Input")]
    pub names: Vec<String>,
    /// Model that a run wrote with -save_model_para True
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub model: Option<PathBuf>,
    /// A data set, in place of NAME
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub name: Option<String>,
    /// Folder where data sets are looked for by name
    #[arg(
        long,
        value_name = "DIR",
        default_value = "Data/AnnData",
        help_heading = "Input"
    )]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
    /// True labels, for scores: known (or True) = obs['celltype'], unknown (or False) = none, else an
    /// obs column; auto = obs['celltype'] where there is one
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "auto",
        value_parser = celltype,
        help_heading = "Input"
    )]
    pub celltype: CellTypes,
    /// Obs column of the batch of each cell, or several, joined by commas: cells of a batch of the model
    /// are corrected as its cells were [default: none]
    #[arg(long, value_name = "COLUMN", value_parser = columns, help_heading = "Input")]
    pub batch_key: Option<Columns>,
    #[command(flatten)]
    pub cells: CellsArgs,
    /// What labels are: cluster or celltype, those of the training data
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "cluster",
        value_parser = word::<LabelBy>,
        help_heading = "Labels"
    )]
    pub label_by: LabelBy,
    /// Table of names for clusters: a header, then cluster,name on each line
    #[arg(long = "names", value_name = "FILE", help_heading = "Labels")]
    pub cluster_names: Option<PathBuf>,
    #[command(flatten)]
    pub outputs: AnnotatedArgs,
}

/// What `annotate` writes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Outputs", rename_all = "snake_case")]
pub(super) struct AnnotatedArgs {
    /// Folder below which outputs are written
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub output_dir: PathBuf,
    /// Write each cell's label: pred_label/NAME.csv
    #[arg(long, default_value = "True")]
    pub save_pred_label: Switch,
    /// Write each cell's embedding: embedding/NAME.csv
    #[arg(long, default_value = "True")]
    pub save_embedding: Switch,
    /// Format of tables: csv or parquet
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = word::<TableFormat>)]
    pub table_format: TableFormat,
    /// Draw the cells beside those of the model: umap_figure/NAME_*
    #[arg(long, default_value = "False")]
    pub save_umap: Switch,
    /// Format of these figures: png, svg or pdf
    #[arg(long, value_name = "FORMAT", default_value = "png", value_parser = word::<FigureFormat>)]
    pub figure_format: FigureFormat,
    /// Write a report that opens in any browser: report/NAME.html
    #[arg(long, default_value = "False")]
    pub save_report: Switch,
    /// Write a copy of the input, as .h5ad, with the results in it: h5ad/NAME.h5ad
    #[arg(long, default_value = "False")]
    pub save_h5ad: Switch,
    /// Replace the results of another input of the same name, and in the copy those of an earlier run
    #[arg(long, default_value = "False")]
    pub overwrite: Switch,
    /// Threads (1 to 1024) [default: every core]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole(1..=1024))]
    pub threads: Option<u64>,
    #[command(flatten)]
    pub quiet: QuietArg,
}

/// `preprocess`
#[derive(Debug, Args)]
#[command(rename_all = "snake_case")]
pub(super) struct AnyArgs {
    /// Inputs in any format that is read: .h5ad, .h5mu, .loom, 10x .h5, .mtx or its folder, .csv, .tsv, .h5
    /// of X and Y
    #[arg(value_name = "FILE", required = true, help_heading = "Input")]
    pub files: Vec<PathBuf>,
    /// Name of the data set, which names the output; else the input's
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub name: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub output: ConvertedArgs,
}

/// `preprocess h5`
#[derive(Debug, Args)]
#[command(rename_all = "snake_case")]
pub(super) struct H5Args {
    /// Data sets below -raw_dir, or paths of .h5 files or zips of them
    #[arg(value_name = "NAME", required = true, help_heading = "Input")]
    pub names: Vec<String>,
    /// Folder that holds NAME/NAME.h5 or NAME/NAME.zip
    #[arg(
        long,
        value_name = "DIR",
        default_value = "Data",
        help_heading = "Input"
    )]
    pub raw_dir: PathBuf,
    #[command(flatten)]
    pub output: ConvertedArgs,
}

/// `preprocess csv`
#[derive(Debug, Args)]
pub(super) struct CsvArgs {
    /// Tables: .csv or .tsv, plain, as .gz or in zips
    #[arg(value_name = "FILE", required = true, help_heading = "Input")]
    pub files: Vec<PathBuf>,
    /// Name of the data set, which names the output
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub name: Option<String>,
    #[command(flatten)]
    pub table: TableArgs,
    #[command(flatten)]
    pub output: ConvertedArgs,
}

/// `preprocess join`
#[derive(Debug, Args)]
#[command(rename_all = "snake_case")]
pub(super) struct JoinArgs {
    /// Inputs in any format that is read, at least two; their names become obs['batch']
    #[arg(value_name = "FILE", required = true, num_args = 2.., help_heading = "Input")]
    pub files: Vec<PathBuf>,
    /// Name of the data set, which names the output; else the inputs', with + between
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub name: Option<String>,
    /// Genes that all inputs have, intersection, or any, union
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "intersection",
        value_parser = word::<GeneJoin>,
        help_heading = "Input"
    )]
    pub genes: GeneJoin,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub output: ConvertedArgs,
}

/// Where converted data sets go.
#[derive(Debug, Args)]
#[command(rename_all = "snake_case")]
pub(super) struct ConvertedArgs {
    /// Folder into which NAME.h5ad is written
    #[arg(
        long,
        value_name = "DIR",
        default_value = "Data/AnnData",
        help_heading = "Outputs"
    )]
    pub data_dir: PathBuf,
    /// Replace a file there that was made of another input, or not by this program
    #[arg(long, default_value = "False", help_heading = "Outputs")]
    pub overwrite: Switch,
    #[command(flatten)]
    pub quiet: QuietArg,
}
