//! Options as the published script spells them, respelled for clap.
//!
//! `-n_heads 4`, `--n-heads 4` and `-n_heads=4` all become `--n_heads=4`. Names must be exact, and
//! nothing after `--` is touched.

use std::{
    ffi::{OsStr, OsString},
    iter::Peekable,
};

use clap::{Arg, Command};

use super::values::Switch;

/// Respells the options in `args`, whose first element is the program's name, for the built
/// `command` and its sub-commands.
pub(super) fn normalise(
    command: &Command,
    args: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let mut args = args.into_iter().peekable();
    let mut respelled: Vec<_> = args.next().into_iter().collect();
    let mut command = command;
    while let Some(arg) = args.next() {
        if arg == "--" {
            respelled.push(arg);
            break;
        }
        if let Some(option) = Spelled::known(&arg, command) {
            respelled.push(option.with_value(command, &mut args));
        } else if let Some(mistyped) = mistyped(&arg, command) {
            respelled.push(mistyped);
        } else {
            let word = arg.to_str();
            command = word
                .and_then(|word| command.find_subcommand(word))
                .unwrap_or(command);
            respelled.push(arg);
        }
    }
    respelled.extend(args);
    respelled
}

/// A known long option as typed.
struct Spelled<'a> {
    option: &'a Arg,
    long: &'a str,
    /// What follows `=`.
    value: Option<&'a str>,
}

impl<'a> Spelled<'a> {
    fn known(arg: &'a OsStr, command: &'a Command) -> Option<Self> {
        let (typed, value) = long_name(arg)?;
        let name = typed.replace('-', "_");
        command.get_arguments().find_map(|option| {
            let long = option.get_long().filter(|long| *long == name)?;
            Some(Self {
                option,
                long,
                value,
            })
        })
    }

    /// `--name=value`, where a value belongs to the option, taken from `args` unless it came with
    /// `=`.
    fn with_value(
        &self,
        command: &Command,
        args: &mut Peekable<impl Iterator<Item = OsString>>,
    ) -> OsString {
        let mut respelled = OsString::from(format!("--{}", self.long));
        let value = match self.value {
            Some(value) => Some(value.into()),
            None if self.option.get_action().takes_values() => self
                .next_value(command, args.peek())
                .map(|value| match value {
                    NextValue::Implied => "True".into(),
                    NextValue::Typed => args.next().unwrap_or_default(),
                }),
            None => None,
        };
        if let Some(value) = value {
            respelled.push("=");
            respelled.push(value);
        }
        respelled
    }

    /// Whether the argument that follows is this option's value.
    fn next_value(&self, command: &Command, next: Option<&OsString>) -> Option<NextValue> {
        let next = next.filter(|next| *next != "--" && !is_option(next, command));
        if !is_switch(self.option) {
            return next.map(|_| NextValue::Typed);
        }
        let is_boolean = |word: &OsString| {
            word.to_str()
                .is_some_and(|word| word.parse::<Switch>().is_ok())
        };
        match next {
            Some(word) if is_boolean(word) || command.get_positionals().next().is_none() => {
                Some(NextValue::Typed)
            }
            _ => Some(NextValue::Implied),
        }
    }
}

/// Where an option's value comes from.
enum NextValue {
    /// The next argument.
    Typed,
    /// A switch without a value is on.
    Implied,
}

/// Whether an option may stand without a value.
fn is_switch(option: &Arg) -> bool {
    option
        .get_num_args()
        .is_some_and(|values| values.min_values() == 0)
}

/// Whether `arg` is an option of `command`, however spelled. Anything else may be a value, be it
/// `-1`.
fn is_option(arg: &OsStr, command: &Command) -> bool {
    Spelled::known(arg, command).is_some() || is_short_option(arg, command)
}

/// Whether `arg` is `-h` or the like.
fn is_short_option(arg: &OsStr, command: &Command) -> bool {
    let Some(shorts) = arg.to_str().and_then(|arg| arg.strip_prefix('-')) else {
        return false;
    };
    let known = |short| {
        command
            .get_arguments()
            .any(|arg| arg.get_short() == Some(short))
    };
    !shorts.is_empty() && shorts.chars().all(known)
}

/// `-nmae` as `--nmae`, so that clap looks for a similar long name and not for a short option `-n`.
fn mistyped(arg: &OsStr, command: &Command) -> Option<OsString> {
    let (typed, _) = long_name(arg)?;
    let is_name = typed.len() > 1 && typed.starts_with(|first: char| first.is_alphabetic());
    if !is_name || is_short_option(arg, command) {
        return None;
    }
    let undashed = arg.to_str()?.trim_start_matches('-');
    Some(format!("--{undashed}").into())
}

/// The name after one dash or two, and what follows `=`.
fn long_name(arg: &OsStr) -> Option<(&str, Option<&str>)> {
    let undashed = arg.to_str()?.strip_prefix('-')?;
    let undashed = undashed.strip_prefix('-').unwrap_or(undashed);
    Some(match undashed.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (undashed, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respelled(line: &str) -> String {
        let command = crate::cli::plain_command();
        let args = line.split(' ').map(OsString::from);
        let words: Vec<_> = normalise(&command, args)
            .into_iter()
            .map(|word| word.into_string().expect("text"))
            .collect();
        words.join(" ")
    }

    #[test]
    fn dashes_and_separators_are_free() {
        for typed in ["-n_heads", "--n_heads", "-n-heads", "--n-heads"] {
            assert_eq!(respelled(&format!("a {typed} 4")), "a --n_heads=4");
            assert_eq!(respelled(&format!("a {typed}=4")), "a --n_heads=4");
        }
    }

    #[test]
    fn only_exact_names_are_known() {
        assert_eq!(respelled("a -n_head 4"), "a --n_head 4");
        assert_eq!(respelled("a -N_heads 4"), "a --N_heads 4");
        assert_eq!(respelled("a ---n_heads 4"), "a ---n_heads 4");
    }

    #[test]
    fn a_value_may_begin_with_a_dash() {
        assert_eq!(respelled("a -resolution -1"), "a --resolution=-1");
        assert_eq!(respelled("a -lr -inf -name x"), "a --lr=-inf --name=x");
        assert_eq!(respelled("a -lr=-1e-3"), "a --lr=-1e-3");
    }

    #[test]
    fn an_option_is_no_value() {
        assert_eq!(respelled("a -name -n-z 8"), "a --name --n_z=8");
        assert_eq!(respelled("a -name -h"), "a --name -h");
        assert_eq!(respelled("a -name"), "a --name");
    }

    #[test]
    fn a_switch_needs_no_value() {
        assert_eq!(respelled("a -quiet"), "a --quiet=True");
        assert_eq!(respelled("a -knn -name x"), "a --knn=True --name=x");
        assert_eq!(respelled("a -knn false"), "a --knn=false");
        assert_eq!(respelled("a -knn maybe"), "a --knn=maybe");
    }

    #[test]
    fn a_switch_before_a_positional_leaves_it_alone() {
        assert_eq!(
            respelled("a preprocess h5 -quiet Baron"),
            "a preprocess h5 --quiet=True Baron"
        );
        assert_eq!(
            respelled("a preprocess h5 -quiet no Baron"),
            "a preprocess h5 --quiet=no Baron"
        );
    }

    #[test]
    fn sub_commands_know_their_own_options() {
        assert_eq!(
            respelled("a preprocess csv x.csv -name=Baron -data-dir d"),
            "a preprocess csv x.csv --name=Baron --data_dir=d"
        );
        assert_eq!(
            respelled("a preprocess h5 x -resolution 1"),
            "a preprocess h5 x --resolution 1"
        );
    }

    #[test]
    fn nothing_after_two_dashes_is_touched() {
        assert_eq!(
            respelled("a -name -- -resolution 1"),
            "a --name -- -resolution 1"
        );
    }

    #[test]
    fn short_options_numbers_and_help_stay() {
        assert_eq!(respelled("a -h -V -1 - -x"), "a -h -V -1 - -x");
        assert_eq!(respelled("a -help --version"), "a --help --version");
    }
}
