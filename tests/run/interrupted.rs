//! A run that is interrupted.

use std::{
    io::{BufRead, BufReader},
    process::{Command as Process, Stdio},
};

use crate::{
    program::{PROGRAM, SMALL, TestResult, files, folder},
    signals::listening,
};

#[test]
fn an_interrupted_run_leaves_nothing() -> TestResult {
    let output = folder();
    let mut started = listening(&mut Process::new(PROGRAM))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args(["-name", SMALL, "-training_epoch", "100000", "-output_dir"])
        .arg(output.path())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(started.stderr.take().ok_or("no stderr")?).lines();
    let training =
        |line: &Result<String, _>| line.as_ref().is_ok_and(|line| line.contains("step 1/"));
    assert!(
        lines.any(|line| training(&line)),
        "the run ended before training"
    );
    let interrupt = ["-INT", &started.id().to_string()].map(String::from);
    Process::new("kill").args(interrupt).status()?;
    assert_eq!(started.wait()?.code(), Some(130));
    assert_eq!(files(output.path()), [""; 0]);
    Ok(())
}
