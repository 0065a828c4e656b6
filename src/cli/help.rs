//! The help text: options under their headings, one dash, 80 columns.

use std::fmt::Write as _;

use clap::{
    Arg, Command,
    builder::{StyledStr, styling::Style},
};

/// Columns of the whole text.
const WIDTH: usize = 80;
/// Column at which descriptions begin.
const INDENT: usize = 32;
/// The heading of options that name none.
const COMMON: &str = "Run";
const BOLD: Style = Style::new().bold();

/// Gives `command` and its sub-commands their help text.
pub(super) fn with_help(command: Command) -> Command {
    let command = command.mut_subcommands(with_help);
    let text = help_text(&command);
    command.override_help(StyledStr::from(text))
}

fn help_text(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut sections = Vec::new();
    sections.extend(command.get_about().map(ToString::to_string));
    sections.push(format!("{BOLD}Usage:{BOLD:#} {usage}"));
    for heading in headings(command) {
        let options = command.get_arguments();
        let options = options.filter(|option| heading_of(option) == heading);
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
fn headings(command: &Command) -> Vec<&str> {
    let mut headings = Vec::new();
    for heading in command.get_arguments().map(heading_of) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn heading_of(option: &Arg) -> &str {
    option.get_help_heading().unwrap_or(COMMON)
}

/// `-n_heads N`, `-h, --help` or `NAME...`
fn label(option: &Arg) -> String {
    let value = match option.get_value_names() {
        Some([name, ..]) if option.get_action().takes_values() => name.as_str(),
        _ => "",
    };
    match (option.get_short(), option.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
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
        let command = crate::cli::command();
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
