//! The exit code of a run that finds no memory.

use std::{os::unix::process::CommandExt, path::Path, process::Command, time::Duration};

use nix::sys::resource::{Resource, setrlimit};

mod common;

use common::process;

/// What the kernel's own killing of a process for memory looks like to a shell.
const OUT_OF_MEMORY: i32 = 137;
const LIMIT: Duration = Duration::from_secs(120);

/// A run of the data set in the repository whose writable memory is limited.
fn run_within_mb(mb: u64, options: &[&str]) -> process::Ended {
    let output = tempfile::tempdir().expect("a folder");
    let mut run = Command::new(env!("CARGO_BIN_EXE_attentionae-sc"));
    run.args([
        "-name",
        "Data/AnnData/zeisel.h5ad",
        "-threads",
        "2",
        "-training_epoch",
        "1",
    ]);
    run.arg("-output_dir").arg(output.path()).args(options);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        run.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_DATA, mb << 20, mb << 20)?));
    }
    let ended = process::run_within(&mut run, LIMIT);
    assert!(
        !Path::new(output.path())
            .join("pred_label/zeisel.csv")
            .exists(),
        "{ended:?}"
    );
    ended
}

#[test]
fn a_lack_of_memory_has_an_exit_code_of_its_own() {
    // In the decomposition, and in our own or libtorch's training.
    for mb in [280, 350, 400] {
        let ended = run_within_mb(mb, &[]);
        assert!(!ended.timed_out, "{mb} MB: {ended:?}");
        assert_eq!(
            ended.status.code(),
            Some(OUT_OF_MEMORY),
            "{mb} MB: {ended:?}"
        );
        assert!(
            ended.stderr.contains("error: the run finds no memory"),
            "{mb} MB: {ended:?}"
        );
        assert!(ended.stderr.contains("-max_num_cell"), "{mb} MB: {ended:?}");
    }
}
