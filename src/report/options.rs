//! The options of a run that differ from the default, and the command that repeats it.

use std::{ffi::OsString, fmt::Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use super::text;
use crate::{
    cli::{Request, parse},
    config::RunConfig,
};

/// Options that say where things are; the command names the input itself.
const PLACES: [&str; 2] = ["name", "data_dir"];

/// Longest value that the page's table shows.
const LONGEST: usize = 400;

/// An option that differs from the default.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Changed {
    pub option: String,
    pub value: String,
    pub default: String,
}

/// The options that differ from the defaults of the run's preset, that preset included, as they are shown.
pub(super) fn changed(config: &RunConfig) -> Vec<Changed> {
    let mut changed = changed_in_full(config);
    for changed in &mut changed {
        changed.value = text::clipped(&changed.value, LONGEST);
    }
    changed
}

fn changed_in_full(config: &RunConfig) -> Vec<Changed> {
    let preset: &str = config.preset.into();
    let plain = defaults(&[]);
    let of_preset = defaults(&["-preset", preset]);
    let present = flat(config);
    let options = present
        .iter()
        .filter(|(name, _)| !PLACES.contains(&name.as_str()));
    options
        .filter_map(|(name, value)| {
            let default = if name == "preset" {
                plain.get(name)
            } else {
                of_preset.get(name)
            };
            let default = default.unwrap_or(&Value::Null);
            (value != default && !value.is_null()).then(|| Changed {
                option: name.clone(),
                value: typed(value),
                default: typed(default),
            })
        })
        .collect()
}

/// A line for a shell that repeats the run, from the folder that it was started in.
pub(super) fn command(config: &RunConfig) -> String {
    let input = config.inputs.to_string();
    let mut line = format!("attentionae-sc -name {}", quoted(&input));
    let own_name = parsed(&["-name", &input]).map(|config| config.name);
    if own_name.as_ref() != Some(&config.name) {
        let _ = write!(line, " -output_name {}", quoted(&config.name));
    }
    for changed in changed_in_full(config) {
        let _ = write!(line, " -{} {}", changed.option, quoted(&changed.value));
    }
    line
}

/// The options of a run for which only these are typed.
fn defaults(args: &[&str]) -> Map<String, Value> {
    let config = parsed(&[&["-name", "x"], args].concat());
    config.as_ref().map(flat).unwrap_or_default()
}

/// The run that a command line asks for.
fn parsed(args: &[&str]) -> Option<RunConfig> {
    let line = ["attentionae-sc"].iter().chain(args);
    match parse(line.map(OsString::from)) {
        Ok(Request::Run(config)) => Some(*config),
        _ => None,
    }
}

fn flat(config: &RunConfig) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(options)) => options,
        _ => Map::new(),
    }
}

/// A value as it is typed.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> RunConfig {
        match parse(line.split(' ').map(OsString::from)) {
            Ok(Request::Run(config)) => *config,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_plain_run_changes_nothing() {
        let config = config("a -name pbmc.h5ad");
        assert_eq!(changed(&config), []);
        assert_eq!(
            command(&config),
            "attentionae-sc -name Data/AnnData/pbmc.h5ad"
        );
    }

    #[test]
    fn the_command_repeats_the_run() {
        let config = config(
            "a -name pbmc.h5ad -preset published -resolution 0.3 -save_umap -layer it's -seed 7",
        );
        let line = command(&config);
        let expected = "attentionae-sc -name Data/AnnData/pbmc.h5ad -layer 'it'\\''s' -preset published -resolution 0.3 -save_umap True -seed 7";
        assert_eq!(line, expected);
        let seed = changed(&config)
            .into_iter()
            .find(|changed| changed.option == "seed");
        assert_eq!(
            seed.map(|seed| (seed.value, seed.default)),
            Some(("7".to_owned(), "1".to_owned()))
        );
    }

    #[test]
    fn the_command_asks_for_the_same_run() {
        let long = format!("donor_{}", "x".repeat(500));
        for line in [
            "a -name pbmc.h5ad -within celltype=T -output_name pbmc_T".to_owned(),
            "a -name a.csv,b.csv -output_name both -genes union -transpose False".to_owned(),
            "a -name a.tsv -transpose True -n_clusters 7 -save_embedding True".to_owned(),
            format!("a -name pbmc -batch_key {long} -threads 3 -quiet True"),
        ] {
            let first = config(&line);
            let again = config(&command(&first));
            let options = |config: &RunConfig| {
                let mut options = flat(config);
                options.remove("data_dir");
                options
            };
            assert_eq!(options(&again), options(&first), "{line}");
            assert_eq!(again.inputs.to_string(), first.inputs.to_string());
        }
    }

    #[test]
    fn how_a_tree_is_cut_is_an_option() {
        assert_eq!(
            command(&config("a -name x -n_clusters 7"))
                .as_str()
                .split_once(" -n_clusters ")
                .map(|(_, n)| n),
            Some("7")
        );
        assert!(command(&config("a -name x -granularity fine")).ends_with(" -granularity fine"));
    }
}
