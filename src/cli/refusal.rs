//! What is printed when a command line asks for help, or cannot be run.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::version;

/// Exit code of a command line that cannot be run.
const USAGE: u8 = 2;

/// A command line that leads to no run.
#[derive(Debug)]
pub struct Refusal(Kind);

#[derive(Debug)]
enum Kind {
    /// Help was asked for.
    Help(clap::Error),
    /// The version was asked for.
    Version,
    /// Nothing was asked for.
    Hint,
    /// The command line is wrong.
    Usage {
        /// What is wrong: one line without `error:`.
        message: String,
        /// The command that was typed; `None` of a run.
        command: Option<String>,
    },
}

impl Refusal {
    /// An empty command line.
    pub(super) fn hint() -> Self {
        Self(Kind::Hint)
    }

    /// A wrong command line: what is wrong, in one line.
    pub(super) fn usage(message: String) -> Self {
        Self(Kind::Usage {
            message,
            command: None,
        })
    }

    /// The same of a command's line, whose help says more.
    pub(super) fn of_command(mut self, typed: &str) -> Self {
        if let Kind::Usage { command, .. } = &mut self.0 {
            *command = Some(typed.to_owned());
        }
        self
    }

    /// Prints help to stdout, or what is wrong to stderr, and returns the exit code: 0 or 2.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        match &self.0 {
            // A reader that closes its end early, as `| head` does, has seen enough.
            Kind::Help(text) => {
                let _ = text.print();
                return ExitCode::SUCCESS;
            }
            Kind::Version => {
                let _ = io::stdout().write_all(version::text().as_bytes());
                return ExitCode::SUCCESS;
            }
            Kind::Hint => crate::progress::print_line(
                "Usage: attentionae-sc -name NAME [OPTION VALUE]...\n\
                 Try 'attentionae-sc -name zeisel -resolution 0.3', \
                 or 'attentionae-sc --help' for the options.",
            ),
            Kind::Usage { message, command } => {
                let words = ["attentionae-sc"].into_iter().chain(command.as_deref());
                let words: Vec<&str> = words.chain(["--help"]).collect();
                crate::progress::print_line(&format!(
                    "error: {message}\nTry '{}' for the options.",
                    words.join(" ")
                ));
            }
        }
        ExitCode::from(USAGE)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Help(text) => write!(formatter, "{text}"),
            Kind::Version => formatter.write_str("the version was asked for"),
            Kind::Hint => formatter.write_str("nothing was asked for"),
            Kind::Usage { message, .. } => formatter.write_str(message),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self(match error.kind() {
            ErrorKind::DisplayHelp => Kind::Help(error),
            ErrorKind::DisplayVersion => Kind::Version,
            _ => return Self::usage(one_line(&error)),
        })
    }
}

/// clap's message with its suggestion, options spelled with one dash.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = message.split_whitespace().collect();
    let message = words.join(" ");
    let message = match context(error, ContextKind::InvalidSubcommand) {
        Some(word) if error.kind() == ErrorKind::InvalidSubcommand => {
            format!("'{word}' is neither an option nor a command")
        }
        _ => message.trim_start_matches("error: ").to_owned(),
    };
    let meant = context(error, ContextKind::SuggestedArg)
        .or_else(|| context(error, ContextKind::SuggestedSubcommand));
    let suggestion = meant.map(|name| format!("; did you mean '{name}'?"));
    format!("{message}{}", suggestion.unwrap_or_default()).replace("'--", "'-")
}

/// The first text that clap gives with an error under this kind.
fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}
