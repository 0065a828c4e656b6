//! Completions, as the shells themselves give them, and the man page.

use std::process::Command;

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

/// What a shell prints that runs `script` on a file of its completions; `None`, with a word, where it is not installed.
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
        eprintln!("skipped: {name} is not installed");
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

#[test]
fn the_man_page_has_every_option_of_the_help() {
    let page = printed("man").replace(r"\-", "-");
    let help = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .arg("--help-all")
        .output();
    let help = String::from_utf8(help.expect("help").stdout).expect("text");
    let options: Vec<_> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  -"))
        .collect();
    assert!(options.len() > 40, "{help}");
    for option in options {
        let name = option
            .split(' ')
            .next()
            .unwrap_or_default()
            .trim_end_matches(',');
        assert!(page.contains(&format!("-{name}")), "{name}");
    }
}
