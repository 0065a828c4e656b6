//! Completions, as the shells themselves give them, and the man page.

#[path = "common/skip.rs"]
mod skip;

use std::process::Command;

use skip::skip;

/// What `completions WHICH` prints.
fn printed(which: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    let output = program
        .args(["completions", which])
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a shell prints that runs `script` on a file of its completions; `None`, said aloud, where it is not installed.
fn shell(name: &str, options: &[&str], script: &str) -> Option<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), printed(name)).expect("a file");
    let mut command = Command::new(name);
    command
        .args(options)
        .arg("-c")
        .arg(script)
        .env("COMPLETIONS", file.path());
    let Ok(output) = command.output() else {
        skip(&format!("{name} is not installed"));
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn bash_completes_options_and_commands() {
    let script = |words: &str, position: usize, current: &str| {
        format!(
            "source $COMPLETIONS; COMP_WORDS=({words}); COMP_CWORD={position}; \
             _attentionae__sc attentionae-sc '{current}' ''; echo ${{COMPREPLY[@]}}"
        )
    };
    for (words, position, current, expected) in [
        ("attentionae-sc -reso", 1, "-reso", "-resolution"),
        ("attentionae-sc batch -jo", 2, "-jo", "-jobs"),
        ("attentionae-sc prepro", 1, "prepro", "preprocess"),
        (
            "attentionae-sc preprocess csv -transp",
            3,
            "-transp",
            "-transpose",
        ),
    ] {
        let found = shell("bash", &["--norc"], &script(words, position, current));
        assert!(
            found.is_none_or(|found| found.trim() == expected),
            "{words}"
        );
    }
}

#[test]
fn fish_completes_options_and_commands() {
    for (line, expected) in [
        ("-reso", "-resolution"),
        ("batch -jo", "-jobs"),
        ("prepro", "preprocess"),
    ] {
        let script = format!("source $COMPLETIONS; complete -C 'attentionae-sc {line}'");
        let found = shell("fish", &["--no-config"], &script);
        assert!(
            found.is_none_or(|found| found.starts_with(expected)),
            "{line}"
        );
    }
}

#[test]
fn zsh_reads_its_completions() {
    let script =
        "autoload -Uz compinit; compinit -D; source $COMPLETIONS; whence -w _attentionae-sc";
    let found = shell("zsh", &["-f"], script);
    assert!(found.is_none_or(|found| found.contains("function")));
}

/// The options that the help of a command names, as they are spelled without hyphens.
fn options(command: &str, help: &str) -> Vec<String> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    let help = program.args(command.split_whitespace()).arg(help).output();
    let help = String::from_utf8(help.expect("help").stdout).expect("text");
    let labels = help.lines().filter_map(|line| line.strip_prefix("  -"));
    let names = labels.filter_map(|label| label.trim_start_matches('-').split([' ', ',']).next());
    names
        .map(|name| format!("-{}", name.replace('-', "_")))
        .collect()
}

#[test]
fn the_man_page_has_every_option_of_the_help() {
    let page = printed("man").replace(r"\-", "-");
    for (title, command, help) in [
        ("NAME", "", "--help-all"),
        ("BATCH", "batch", "--help-all"),
        ("ANNOTATE", "annotate", "--help"),
        ("PREPROCESS", "preprocess", "--help"),
        ("PREPROCESS H5", "preprocess h5", "--help"),
        ("PREPROCESS CSV", "preprocess csv", "--help"),
        ("PREPROCESS JOIN", "preprocess join", "--help"),
    ] {
        let (_, section) = page.split_once(&format!(".SH {title}\n")).expect(title);
        let options = options(command, help);
        assert!(options.len() > 4, "{title}: {options:?}");
        for option in options {
            assert!(section.contains(&option), "{title}: {option}");
        }
    }
}
