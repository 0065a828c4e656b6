//! What a shell completes, and the man page: clap's, with options spelled as users type them.

use clap::{Command, ValueEnum};
use clap_complete::{Shell, generate};

/// The program's name.
const PROGRAM: &str = "attentionae-sc";

/// What can be printed for the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellFile {
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// The man page.
    Man,
}

impl ShellFile {
    /// The file's text.
    #[must_use]
    pub fn text(self) -> String {
        let command = super::plain_command();
        let longs = long_names(&command);
        match self {
            Self::Bash => {
                // clap_complete 4.6 spells a hyphen of the program's name in two ways, which do not meet.
                let text = completions(Shell::Bash, command)
                    .replace("attentionae__subcmd__sc", "attentionae__sc");
                one_dash(&text, &longs, "--", "-")
            }
            Self::Zsh => one_dash(&completions(Shell::Zsh, command), &longs, "--", "-"),
            // fish calls a name after one dash an old-style option.
            Self::Fish => one_dash(&completions(Shell::Fish, command), &longs, "-l ", "-o "),
            Self::Man => one_dash(&man_page(&command), &longs, r"\-\-", r"\-"),
        }
    }
}

fn completions(shell: Shell, mut command: Command) -> String {
    let mut text = Vec::new();
    generate(shell, &mut command, PROGRAM, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// One page: the command's own sections, then those of all commands below it.
fn man_page(command: &Command) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command.clone()).render(&mut text);
    add_commands(&mut text, command, &[]);
    String::from_utf8_lossy(&text).into_owned()
}

/// The sections of each command below one that is reached by the words `above`, and of the commands below these.
fn add_commands(text: &mut Vec<u8>, command: &Command, above: &[&str]) {
    let below = command.get_subcommands();
    for command in below.filter(|command| !command.is_hide_set()) {
        let words = [above, &[command.get_name()]].concat();
        let title = words.join(" ").to_uppercase().replace('-', r"\-");
        text.extend(format!(".SH {title}\n").bytes());
        let page = clap_mangen::Man::new(command.clone());
        let _ = page.render_description_section(text);
        let _ = page.render_options_section(text);
        add_commands(text, command, &words);
    }
}

/// The options that users type with one dash: all that have no letter of their own.
fn long_names(command: &Command) -> Vec<String> {
    let own = command
        .get_arguments()
        .filter(|option| option.get_short().is_none());
    let own = own.filter_map(|option| option.get_long().map(str::to_owned));
    let mut names: Vec<_> = own
        .chain(command.get_subcommands().flat_map(long_names))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The text with `from` before a long name made `to`, where the name stands whole.
fn one_dash(text: &str, longs: &[String], from: &str, to: &str) -> String {
    let mut pieces = text.split(from);
    let mut spelled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'));
        let name = &piece[..end.unwrap_or(piece.len())];
        let is_long = longs
            .binary_search_by(|long| long.as_str().cmp(name))
            .is_ok();
        spelled.push_str(if is_long { to } else { from });
        spelled.push_str(piece);
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_gets_one_dash_where_it_stands_whole() {
        let longs = ["lr".to_owned(), "n_z".to_owned()];
        let spelled = one_dash("a -- --lr --lr_x --n_z=4 -h,--help", &longs, "--", "-");
        assert_eq!(spelled, "a -- -lr --lr_x -n_z=4 -h,--help");
    }

    #[test]
    fn every_file_shows_options_as_they_are_typed() {
        for (file, option, other) in [
            (ShellFile::Bash, " -resolution", "--resolution"),
            (ShellFile::Zsh, "'-resolution=", "--resolution"),
            (ShellFile::Fish, " -o resolution", "-l resolution"),
            (ShellFile::Man, r"\-resolution", r"\-\-resolution"),
        ] {
            let text = file.text();
            assert!(text.contains(option), "{file:?} lacks {option}");
            assert!(!text.contains(other), "{file:?} has {other}");
            assert!(
                text.contains("help") && text.contains("preprocess"),
                "{file:?}"
            );
        }
    }
}
