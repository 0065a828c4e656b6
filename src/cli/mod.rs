//! The command line: from arguments to a checked configuration.

mod annotate;
mod args;
mod argv;
mod batch_run;
mod conversions;
mod help;
mod named_inputs;
mod options;
mod refusal;
mod run;
mod shell;
mod values;
mod version;

use std::{any::TypeId, ffi::OsString};

use clap::{ArgMatches, CommandFactory, FromArgMatches, parser::ValueSource};

pub(crate) use self::named_inputs::find as find_inputs;
use self::{
    args::{Cli, Preprocess, Subcommands},
    conversions::{from_any, from_csv, from_h5, from_join},
    help::Extent,
    run::run_config,
    values::Switch,
};
pub use self::{refusal::Refusal, shell::ShellFile};
use crate::config::{AnnotateConfig, BatchRunConfig, ConvertConfig, RunConfig};

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
    let commands = plain_command();
    let args = argv::normalise(&commands, args);
    let Some(first) = args.get(1).map(|word| word.to_string_lossy().into_owned()) else {
        return Err(Refusal::hint());
    };
    request(args).map_err(|refusal| match commands.find_subcommand(&first) {
        Some(_) => refusal.of_command(&first),
        None => refusal,
    })
}

fn request(args: Vec<OsString>) -> Result<Request, Refusal> {
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

fn required(option: &str, value: Option<String>) -> Result<String, Refusal> {
    value.ok_or_else(|| Refusal::usage(format!("{option} is missing: which data set?")))
}

fn refused(option: &str, value: &str) -> impl FnOnce(String) -> Refusal {
    let what = format!("invalid value '{value}' for '{option}'");
    move |why| Refusal::usage(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
