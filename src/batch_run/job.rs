//! One data set's run in a process of its own.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
};

use super::{children, planned_runs::PlannedRun};

/// Something that a run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A stage begins, or a training phase gets on.
    Progress(&'a str),
    /// A remark for the user.
    Note(&'a str),
}

/// Runs a data set with the options that were typed. The error says, in the run's own words where it had
/// any, why it failed.
pub(super) fn run(
    set: &PlannedRun,
    typed: &[OsString],
    threads: usize,
    mut hear: impl FnMut(Said<'_>),
) -> Result<(), String> {
    let mut failure = Vec::new();
    let status = command(set, typed, threads).and_then(|mut command| {
        let process = children::start(&mut command)?;
        let id = process.id();
        for_each_line(BufReader::new(process.stderr), |line| {
            if line.starts_with("error: ") || !failure.is_empty() {
                failure.push(line.to_owned());
            } else {
                hear(said(line));
            }
        })?;
        children::wait(id)
    });
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if failure.is_empty() => Err(ended(status)),
        Ok(_) => Err(reason(&failure)),
        Err(error) => Err(format!("the run cannot be started or watched: {error}")),
    }
}

fn command(set: &PlannedRun, typed: &[OsString], threads: usize) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command
        .args(typed)
        .arg(format!("--name={}", set.typed))
        .arg(format!("--output_name={}", set.run.name))
        .arg(format!("--threads={threads}"))
        .arg("--quiet=False");
    Ok(command)
}

/// Lines without their ends, whatever their encoding.
fn for_each_line(mut text: impl BufRead, mut visit: impl FnMut(&str)) -> io::Result<()> {
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 {
        visit(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

fn said(line: &str) -> Said<'_> {
    match line.strip_prefix("note: ") {
        Some(note) => Said::Note(note),
        None => Said::Progress(line.trim_start()),
    }
}

/// `error: it is so` and `  because of that` as one line.
fn reason(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| line.trim_start());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.trim_start_matches("error: ").to_owned()
}

/// How a run ended that did not say why.
fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the run ended with exit code {code} and did not say why"),
        (None, Some(signal)) => format!("the run was ended by signal {signal}"),
        (None, None) => "the run ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_progress_or_notes() {
        let line = "  Pretraining: step 1/500";
        assert_eq!(said(line), Said::Progress("Pretraining: step 1/500"));
        assert_eq!(said("Scoring"), Said::Progress("Scoring"));
        assert_eq!(said("note: so it is"), Said::Note("so it is"));
    }

    #[test]
    fn a_reason_is_one_line() {
        let lines = ["error: x.h5ad: it is damaged", "  because of this"].map(String::from);
        assert_eq!(reason(&lines), "x.h5ad: it is damaged because of this");
    }

    #[test]
    fn text_that_is_no_utf8_is_read_all_the_same() {
        let mut lines = Vec::new();
        let text: &[u8] = b"a\xff\r\nb";
        for_each_line(text, |line| lines.push(line.to_owned())).expect("memory");
        assert_eq!(lines, ["a\u{fffd}", "b"]);
    }

    #[test]
    fn an_end_without_words_is_described() {
        assert!(ended(ExitStatus::from_raw(11)).ends_with("by signal 11"));
        assert!(ended(ExitStatus::from_raw(101 << 8)).contains("exit code 101"));
    }
}
