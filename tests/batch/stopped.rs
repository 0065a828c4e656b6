//! What the end of one run, or of the batch, does to the others.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command as Process},
    thread,
    time::{Duration, Instant},
};

use crate::place::{Place, TestResult};

/// The processes that a process has started.
fn children(id: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let mut found: Vec<u32> = text
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect();
    for task in fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn signal(name: &str, id: u32) -> TestResult {
    let sent = Process::new("kill")
        .args([name, &id.to_string()])
        .status()?;
    assert!(sent.success());
    Ok(())
}

/// Reads on until a run trains, and leaves the rest to be read by another thread.
fn wait_for_training(
    batch: &mut Child,
    name: &str,
) -> Result<thread::JoinHandle<String>, &'static str> {
    let mut lines = BufReader::new(batch.stderr.take().ok_or("no stderr")?).lines();
    let trains = format!("{name}: Pretraining: step 1/");
    let training =
        |line: &Result<String, _>| line.as_ref().is_ok_and(|line| line.starts_with(&trains));
    if !lines.any(|line| training(&line)) {
        return Err("the batch ended before training");
    }
    Ok(thread::spawn(move || {
        lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")
    }))
}

/// Asserts that a batch which gets this signal ends with that code, after its runs.
fn assert_stops(name: &str, code: i32) -> TestResult {
    let place = Place::with(&["a", "b"]);
    let mut batch = place.start(&["a", "b", "-jobs", "2", "-training_epoch=100000"])?;
    let rest = wait_for_training(&mut batch, "b")?;
    let runs = children(batch.id());
    assert_eq!(runs.len(), 2);
    let asked = Instant::now();
    signal(name, batch.id())?;
    assert_eq!(batch.wait()?.code(), Some(code));
    assert!(asked.elapsed() < Duration::from_secs(9));
    for run in runs {
        assert!(
            !Path::new(&format!("/proc/{run}")).exists(),
            "{run} goes on"
        );
    }
    assert_eq!(place.outputs(), [""; 0]);
    let told = rest.join().map_err(|_| "a panic")?;
    assert!(!told.contains("error"), "{told}");
    Ok(())
}

#[test]
fn an_interrupted_batch_stops_every_run_and_leaves_nothing_half_written() -> TestResult {
    assert_stops("-INT", 130)
}

/// A run that is halted does not see that it is asked to end.
#[test]
fn a_second_interrupt_kills_a_run_that_does_not_end() -> TestResult {
    let place = Place::with(&["a"]);
    let mut batch = place.start(&["a", "-training_epoch=100000"])?;
    let rest = wait_for_training(&mut batch, "a")?;
    let runs = children(batch.id());
    let [run] = runs[..] else {
        return Err(format!("not one run: {runs:?}").into());
    };
    signal("-STOP", run)?;
    signal("-INT", batch.id())?;
    thread::sleep(Duration::from_millis(500));
    assert!(batch.try_wait()?.is_none(), "the batch waits for its run");
    let asked = Instant::now();
    signal("-INT", batch.id())?;
    assert_eq!(batch.wait()?.code(), Some(130));
    // Well before the ten seconds that a run has to end by itself.
    assert!(asked.elapsed() < Duration::from_secs(5));
    // Killed, it is a moment later no process any more.
    let gone = || !Path::new(&format!("/proc/{run}")).exists();
    assert!(
        (0..100).any(|_| gone() || {
            thread::sleep(Duration::from_millis(20));
            false
        }),
        "{run} goes on"
    );
    assert_eq!(place.outputs(), [""; 0]);
    rest.join().map_err(|_| "a panic")?;
    Ok(())
}

#[test]
fn a_batch_that_is_asked_to_end_stops_every_run_too() -> TestResult {
    assert_stops("-TERM", 143)
}

#[test]
fn a_run_that_crashes_hurts_no_other() -> TestResult {
    let place = Place::with(&["a", "b"]);
    let mut batch = place.start(&["a", "b", "-training_epoch=300"])?;
    let rest = wait_for_training(&mut batch, "a")?;
    signal("-ABRT", children(batch.id())[0])?;
    assert_eq!(batch.wait()?.code(), Some(1));
    let told = rest.join().map_err(|_| "a panic")?;
    assert!(
        told.contains("error: a: the run was ended by signal 6"),
        "{told}"
    );
    assert_eq!(place.statuses(), ["a failed", "b done"]);
    Ok(())
}
