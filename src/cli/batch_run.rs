//! The command line of `batch`: which data sets, and the options that their runs get.

use std::{ffi::OsString, path::Path};

use clap::{ArgMatches, Args, Command, parser::ValueSource};

use super::{
    Refusal, args::BatchRunArgs, named_inputs, options::RunOptions, refused, run::checked,
};
use crate::{
    config::{BatchRunConfig, DataSetSelection, TypedInputs},
    read::NamedInputs,
};

/// Options that a batch run sets for each run by itself.
const SET_BY_BATCH: [&str; 2] = ["threads", "quiet"];

/// Checks the options once for all runs. `matches` are those of the whole command line.
pub(super) fn config(args: BatchRunArgs, matches: &ArgMatches) -> Result<BatchRunConfig, Refusal> {
    let find = |typed| typed_inputs(typed, &args.options.input.data_dir);
    let data_sets = match (args.all.0, args.names.is_empty()) {
        (true, true) => DataSetSelection::All,
        (false, false) => DataSetSelection::Named(
            args.names
                .into_iter()
                .map(find)
                .collect::<Result<_, Refusal>>()?,
        ),
        (true, false) => {
            let why = "-all takes every data set of -data_dir: leave out the names, or -all";
            return Err(Refusal::usage(why.to_owned()));
        }
        (false, true) => {
            let why = "which data sets? give their names, or -all for every one of -data_dir";
            return Err(Refusal::usage(why.to_owned()));
        }
    };
    Ok(BatchRunConfig {
        data_sets,
        options: checked(args.options, NamedInputs::default())?,
        typed: matches
            .subcommand()
            .map_or_else(Vec::new, |(_, typed)| typed_options(typed)),
        resume: args.resume.0,
        jobs: args.jobs as usize,
    })
}

/// The data set that was typed, as a name, a path or `name=path`.
pub(super) fn typed_inputs(typed: String, data_dir: &Path) -> Result<TypedInputs, Refusal> {
    let (name, typed) = match named(&typed) {
        Some((name, path)) => (Some(name), path),
        None => (None, typed),
    };
    let found = named_inputs::find(&typed, data_dir);
    let found = found.map_err(refused("NAME", &typed))?;
    let name = match name {
        Some(name) => named_inputs::file_name(&name).map_err(refused("NAME", &name))?,
        None => found.name,
    };
    let shorter = "NAME=PATH gives a shorter one";
    named_inputs::check_length(&name, shorter).map_err(refused("NAME", &typed))?;
    let found = NamedInputs { name, ..found };
    Ok(TypedInputs { typed, found })
}

/// The name and the path of `name=path`, unless that is itself a path.
fn named(typed: &str) -> Option<(String, String)> {
    let (name, path) = typed.split_once('=')?;
    let is_name = !name.is_empty() && !name.contains(std::path::is_separator);
    let is_path = std::path::Path::new(typed).exists();
    (is_name && !path.is_empty() && !is_path).then(|| (name.to_owned(), path.to_owned()))
}

/// The options of a run that were typed, as `--lr=0.01`.
fn typed_options(matches: &ArgMatches) -> Vec<OsString> {
    let options = RunOptions::augment_args(Command::new("run"));
    let names = options.get_arguments().filter_map(clap::Arg::get_long);
    let names = names.filter(|name| !SET_BY_BATCH.contains(name));
    names
        .filter(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
        .filter_map(|name| {
            let value = matches.get_raw(name)?.next_back()?;
            let mut option = OsString::from(format!("--{name}="));
            option.push(value);
            Some(option)
        })
        .collect()
}
