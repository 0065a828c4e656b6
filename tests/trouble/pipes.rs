//! Readers that leave early.

use std::process::Stdio;

use crate::{
    program::{PROGRAM, Place},
    short::SHORT,
};

#[test]
fn a_run_goes_on_when_nobody_reads_what_it_says() {
    let place = Place::new().with_data();
    let mut program = place.command(PROGRAM);
    program.args(["-name", "./small.h5ad"]).args(SHORT);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = program.spawn().expect("a run");
    drop((run.stdout.take(), run.stderr.take()));
    assert_eq!(run.wait().expect("an end").code(), Some(0));
    assert!(place.path("results/small.json").exists());
}

#[test]
fn an_error_without_a_reader_keeps_its_exit_code() {
    let place = Place::new();
    let mut program = place.command(PROGRAM);
    program.args(["-name", "./nobody.h5ad"]);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = program.spawn().expect("a run");
    drop((run.stdout.take(), run.stderr.take()));
    assert_eq!(run.wait().expect("an end").code(), Some(1));
}
