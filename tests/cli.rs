//! What the program prints and returns before any work starts.

use std::{
    io::Read,
    process::{Command as Process, Stdio},
};

use assert_cmd::Command;
use predicates::{
    prelude::PredicateBooleanExt,
    str::{contains, is_empty, starts_with},
};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
}

/// Asserts exit code 2, nothing on stdout, and a message of two lines at most that contains
/// `parts`.
fn refuses(args: &[&str], parts: &[&str]) {
    let refused = program().args(args).assert().code(2).stdout(is_empty());
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(stderr.lines().count() <= 2, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
}

#[test]
fn no_arguments_give_a_hint() {
    program()
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(starts_with("Usage: attentionae-sc -name NAME").and(contains("--help")));
}

#[test]
fn help_goes_to_stdout_and_fits_80_columns() {
    for args in [
        ["--help"].as_slice(),
        &["-h"],
        &["-help"],
        &["batch", "--help"],
        &["preprocess", "--help"],
        &["preprocess", "h5", "-help"],
        &["preprocess", "csv", "-h"],
    ] {
        let help = program().args(args).assert().code(0).stderr(is_empty());
        let text = String::from_utf8_lossy(&help.get_output().stdout).into_owned();
        assert!(text.contains("Usage: attentionae-sc"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn version_names_the_program() {
    let first = concat!("attentionae-sc ", env!("CARGO_PKG_VERSION"), "\n");
    for option in ["--version", "-version", "-V"] {
        let told = starts_with(first)
            .and(contains("\nlibtorch: 2.11"))
            .and(contains("\ninstruction set: "))
            .and(contains("\nCUDA: "));
        program().arg(option).assert().code(0).stdout(told);
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut help = Process::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(help.stdout.take());
    let mut stderr = String::new();
    let mut stream = help.stderr.take().expect("piped");
    stream.read_to_string(&mut stderr).expect("text");
    assert_eq!(stderr, "");
    assert_eq!(help.wait().expect("ended").code(), Some(0));
}

#[test]
fn a_run_needs_one_name() {
    refuses(&["-resolution", "0.3"], &["-name is missing"]);
    refuses(
        &["-name", "a", "-name", "b"],
        &["'-name <NAME>'", "multiple times"],
    );
    refuses(&["-name"], &["a value is required for '-name <NAME>'"]);
    refuses(&["-name", ""], &["'' for '-name'", "must name a data set"]);
}

#[test]
fn a_typing_error_is_answered_with_the_name_meant() {
    refuses(&["-nmae", "zeisel"], &["'-nmae'", "did you mean '-name'?"]);
    refuses(
        &["--n-head", "4"],
        &["'-n-head'", "did you mean '-n_heads'?"],
    );
    refuses(
        &["preproces", "h5"],
        &["'preproces'", "did you mean 'preprocess'?"],
    );
}

/// `src/cli/tests` has the bad values of every option.
#[test]
fn a_bad_value_is_refused_with_flag_value_and_range() {
    for (option, value, range) in [
        ("-resolution", "-0.5", "above 0"),
        ("-n_markers", "0", "from 1 to"),
        ("-save_h5ad", "h5", "True or False"),
    ] {
        let args = ["-name", "zeisel", option, value];
        refuses(&args, &[option, &format!("'{value}'"), range]);
    }
}

#[test]
fn conversions_say_what_they_lack() {
    refuses(
        &["preprocess"],
        &["required arguments were not provided: <FILE>..."],
    );
    refuses(&["preprocess", "h5"], &["<NAME>..."]);
    refuses(&["preprocess", "csv", "a.csv"], &["-name is missing"]);
    refuses(
        &["preprocess", "csv", "a.csv", "-name", "a/b"],
        &["'a/b'", "try b"],
    );
    refuses(
        &["preprocess", "h5", "x", "-resolution", "1"],
        &["'-resolution'"],
    );
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let name = std::ffi::OsString::from_vec(vec![b'x', 0xff]);
    program()
        .arg("-name")
        .arg(name)
        .assert()
        .code(2)
        .stderr(starts_with("error: invalid UTF-8"));
}
