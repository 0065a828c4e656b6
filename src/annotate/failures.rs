//! What is printed where some of several data sets could not be labelled.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

use crate::progress::print_line;

/// Prints the lines on data sets that were labelled to stdout, and all errors but the last to stderr; the last one ends the program.
pub(super) fn print_beside_failure(
    lines: &[String],
    failures: &[anyhow::Error],
) -> anyhow::Result<()> {
    for line in lines {
        match writeln!(io::stdout(), "{line}") {
            // A reader that has left, as `| head` does, is no failure.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                return Err(error).context("stdout: the result cannot be written");
            }
            _ => {}
        }
    }
    for failure in failures {
        print_line(&told(failure));
    }
    Ok(())
}

/// One line for what failed, and one for why, less what the first line already says.
fn told(failure: &anyhow::Error) -> String {
    let what = failure.to_string();
    let causes = failure.chain().skip(1).map(ToString::to_string);
    let causes: Vec<String> = causes.filter(|cause| !what.contains(cause)).collect();
    if causes.is_empty() {
        return format!("error: {what}");
    }
    format!("error: {what}\n  because {}", causes.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_unless_the_error_says_it() {
        let error = || anyhow::anyhow!("the disk is full");
        let plain = error().context("x.csv: the disk is full");
        assert_eq!(told(&plain), "error: x.csv: the disk is full");
        let with_cause = error().context("x.csv: cannot be written");
        let expected = "error: x.csv: cannot be written\n  because the disk is full";
        assert_eq!(told(&with_cause), expected);
    }
}
