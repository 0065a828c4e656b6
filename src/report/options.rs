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

/// Longest value.
const LONGEST: usize = 400;

/// An option that differs from the default.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Changed {
    pub option: String,
    pub value: String,
    pub default: String,
}

/// The options that differ from the defaults of the run's preset, that preset included.
pub(super) fn changed(config: &RunConfig) -> Vec<Changed> {
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
                value: text::clipped(&typed(value), LONGEST),
                default: typed(default),
            })
        })
        .collect()
}

/// A line for a shell that repeats the run, from the folder that it was started in.
pub(super) fn command(config: &RunConfig) -> String {
    let input = config.inputs.to_string();
    let mut line = format!(
        "attentionae-sc -name {}",
        quoted(&text::clipped(&input, LONGEST))
    );
    for changed in changed(config) {
        let _ = write!(line, " -{} {}", changed.option, quoted(&changed.value));
    }
    line
}

/// The options of a run for which only these are typed.
fn defaults(args: &[&str]) -> Map<String, Value> {
    let line = ["attentionae-sc", "-name", "x"].iter().chain(args);
    match parse(line.map(OsString::from)) {
        Ok(Request::Run(config)) => flat(&config),
        _ => Map::new(),
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
