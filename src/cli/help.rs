//! The help text: options under their headings, one dash, 80 columns.

use std::{ffi::OsString, fmt::Write as _};

use clap::{
    Arg, ArgAction, Command,
    builder::{StyledStr, styling::Style},
};

/// Columns of the whole text.
const WIDTH: usize = 80;
/// Column at which descriptions begin.
const INDENT: usize = 32;
/// The heading of options that name none.
const COMMON: &str = "Run";
const BOLD: Style = Style::new().bold();

/// The option that asks for every option.
const HELP_ALL: &str = "help_all";

/// What `--help` shows of a command that has `--help-all`: the options that most runs need.
const FIRST: [&str; 18] = [
    "names",
    "all",
    "resume",
    "jobs",
    "name",
    "layer",
    "celltype",
    "batch_key",
    "resolution",
    "granularity",
    "output_dir",
    "save_umap",
    "save_markers",
    "save_report",
    "save_h5ad",
    "seed",
    "threads",
    "help",
];

/// How many of the options a help text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those that most runs need.
    First,
    /// All of them.
    All,
}

impl Extent {
    /// What respelled arguments ask for.
    pub(super) fn of(args: &[OsString]) -> Self {
        let mut options = args.iter().take_while(|arg| *arg != "--");
        if options.any(|arg| arg == "--help_all") {
            Self::All
        } else {
            Self::First
        }
    }

    fn shows(self, command: &Command, option: &Arg) -> bool {
        self == Self::All
            || !has_help_all(command)
            || option.get_id() == HELP_ALL
            || FIRST.iter().any(|first| option.get_id() == first)
    }
}

fn has_help_all(command: &Command) -> bool {
    command
        .get_arguments()
        .any(|option| option.get_id() == HELP_ALL)
}

/// Gives `command` and its sub-commands their help text.
pub(super) fn with_help(command: Command, extent: Extent) -> Command {
    let command = command.mut_subcommands(|command| with_help(command, extent));
    let text = help_text(&command, extent);
    command.override_help(StyledStr::from(text))
}

fn help_text(command: &Command, extent: Extent) -> String {
    let shown = || {
        let options = command.get_arguments();
        options.filter(|option| extent.shows(command, option))
    };
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut sections = Vec::new();
    sections.extend(command.get_about().map(ToString::to_string));
    sections.push(format!("{BOLD}Usage:{BOLD:#} {usage}"));
    for heading in headings(shown()) {
        let options = shown().filter(|option| heading_of(option) == heading);
        let entries = options.map(|option| entry(&label(option), &description(option)));
        sections.push(section(heading, entries));
    }
    if command.has_subcommands() {
        let entries = command.get_subcommands().map(|command| {
            let about = command.get_about().map(ToString::to_string);
            entry(command.get_name(), &about.unwrap_or_default())
        });
        sections.push(section("Commands", entries));
    }
    sections.extend(command.get_after_help().map(ToString::to_string));
    sections.join("\n\n") + "\n"
}

/// A heading with its entries below.
fn section(heading: &str, entries: impl Iterator<Item = String>) -> String {
    let entries: String = entries.collect();
    format!("{BOLD}{heading}:{BOLD:#}\n{}", entries.trim_end())
}

/// The headings in the order of their first option.
fn headings<'a>(options: impl Iterator<Item = &'a Arg>) -> Vec<&'a str> {
    let mut headings = Vec::new();
    for heading in options.map(heading_of) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn heading_of(option: &Arg) -> &str {
    option.get_help_heading().unwrap_or(COMMON)
}

/// `-n_heads N`, `-h, --help`, `--help-all` or `NAME...`
fn label(option: &Arg) -> String {
    let value = match option.get_value_names() {
        Some([name, ..]) if option.get_action().takes_values() => name.as_str(),
        _ => "",
    };
    match (option.get_short(), option.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) if matches!(option.get_action(), ArgAction::Help) => {
            format!("--{}", long.replace('_', "-"))
        }
        (None, Some(long)) => format!("-{long} {value}"),
        _ => format!("{value}..."),
    }
}

fn description(option: &Arg) -> String {
    let mut text = option
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    if let [default] = option.get_default_values() {
        let _ = write!(text, " [default: {}]", default.to_string_lossy());
    }
    text
}

/// A label with its description beside it, or below it where the label is long.
fn entry(label: &str, description: &str) -> String {
    let mut lines = wrap(description).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut text = format!("  {BOLD}{label}{BOLD:#}");
    let room = INDENT.saturating_sub(2 + label.len());
    let _ = match room {
        0 => writeln!(text, "\n{:INDENT$}{first}", ""),
        room => writeln!(text, "{:room$}{first}", ""),
    };
    for line in lines {
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    text
}

/// Lines of whole words. A bracketed default stays in one piece.
fn wrap(text: &str) -> Vec<String> {
    let text = text.replace("[default: ", "[default:\u{a0}");
    let mut lines: Vec<String> = Vec::new();
    for word in text.split([' ', '\n']) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - INDENT => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| line.replace('\u{a0}', " "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_wraps_between_words() {
        let entry = entry(
            "-lr X",
            &format!("{} [default: 1]", "word ".repeat(9).trim_end()),
        );
        let plain = StyledStr::from(entry).to_string();
        let expected = format!(
            "  -lr X{:25}{}\n{:32}[default: 1]\n",
            "",
            "word ".repeat(9).trim_end(),
            ""
        );
        assert_eq!(plain, expected);
    }

    #[test]
    fn every_command_keeps_to_80_columns() {
        for extent in [Extent::First, Extent::All] {
            let command = crate::cli::command(extent);
            let mut commands = vec![&command];
            while let Some(command) = commands.pop() {
                commands.extend(command.get_subcommands());
                let text = command.clone().render_help().to_string();
                for line in text.lines() {
                    assert!(line.chars().count() <= WIDTH, "{line}");
                }
            }
        }
    }

    #[test]
    fn the_first_screen_names_options_that_there_are() {
        let command = crate::cli::command(Extent::First);
        let batch = command.find_subcommand("batch").expect("a command");
        for first in FIRST {
            let is_there = |command: &Command| {
                let mut options = command.get_arguments();
                options.any(|option| option.get_id() == first)
            };
            assert!(is_there(&command) || is_there(batch), "{first}");
        }
    }
}
