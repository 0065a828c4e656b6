//! Inputs and folders that cannot be used.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::{Command, Output},
};

use nix::{
    fcntl::{Flock, FlockArg},
    sys::stat::Mode,
    unistd::mkfifo,
};

use crate::{
    program::{PROGRAM, Place, assert_fails},
    short::SHORT,
    skip::skip,
};

/// The user that owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn a_file_whose_end_is_missing() {
    let place = Place::new().with_data();
    let bytes = fs::read(place.path("small.h5ad")).expect("a file");
    fs::write(place.path("small.h5ad"), &bytes[..60_000]).expect("a file");
    assert_fails(
        &place.run("small.h5ad"),
        "error: ./small.h5ad: the file is cut short: it has 60000 of 129292 bytes. Copy or download it again",
    );
    assert_eq!(place.content(), ["small.h5ad"]);
}

#[test]
fn a_file_without_a_byte() {
    let place = Place::new();
    fs::write(place.path("x.h5ad"), "").expect("a file");
    assert_fails(
        &place.run("x.h5ad"),
        "error: ./x.h5ad: the file is empty (0 bytes): copy or download it again",
    );
    assert_eq!(place.content(), ["x.h5ad"]);
}

#[test]
fn a_text_that_is_called_h5ad() {
    let place = Place::new();
    fs::write(place.path("x.h5ad"), "cells and genes\n").expect("a file");
    assert_fails(
        &place.run("x.h5ad"),
        "error: ./x.h5ad: this is not an .h5ad file: it does not start as HDF5 does",
    );
    assert_eq!(place.content(), ["x.h5ad"]);
}

#[test]
fn a_folder_that_is_called_h5ad() {
    let place = Place::new().with_data();
    fs::create_dir(place.path("x.h5ad")).expect("a folder");
    assert_fails(
        &place.run("x.h5ad"),
        "error: ./x.h5ad: this folder holds no matrix that is read (.mtx); it holds nothing that is read",
    );
    assert_eq!(place.content(), ["small.h5ad", "x.h5ad/"]);
}

#[test]
fn a_folder_of_temporary_files_that_is_not_there() {
    let place = Place::new();
    let zarr = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/formats/zarr_v3.zarr.zip"
    );
    fs::copy(zarr, place.path("x.zarr.zip")).expect("a copy");
    let mut program = place.command(PROGRAM);
    program.env("TMPDIR", "/no/such");
    program.args(["-quiet", "-name", "./x.zarr.zip"]);
    let ended = program.args(SHORT).output().expect("a run");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(
        stderr.starts_with(
            "error: ./x.zarr.zip: this is unpacked into a temporary file, which cannot be written to /no/such: "
        ) && stderr.ends_with("; set TMPDIR to a folder that exists and has room\n"),
        "{stderr}"
    );
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn a_pipe_which_nobody_writes_into() {
    let place = Place::new();
    mkfifo(&place.path("x.h5ad"), Mode::S_IRWXU).expect("a pipe");
    assert_fails(
        &place.run("x.h5ad"),
        "error: ./x.h5ad: this is not a regular file; save the data to one first",
    );
}

#[test]
fn a_file_that_another_program_writes() {
    let place = Place::new().with_data();
    let file = fs::File::open(place.path("small.h5ad")).expect("a file");
    let lock = Flock::lock(file, FlockArg::LockExclusive).expect("a lock");
    let mut program = place.command(PROGRAM);
    program.env("HDF5_USE_FILE_LOCKING", "TRUE");
    program.args(["-quiet", "-name", "./small.h5ad"]);
    program.args(SHORT);
    assert_fails(
        &program.output().expect("a run"),
        "error: ./small.h5ad: another program has the file open for writing; wait until that is done, or, where \
         nobody writes (some network disks cannot lock), set HDF5_USE_FILE_LOCKING=FALSE",
    );
    drop(lock);
    assert_eq!(place.content(), ["small.h5ad"]);
}

/// A run by a user whom permissions bind; `None`, said aloud, where root cannot become one that can start the program.
fn as_nobody(place: &Place, args: &[&str]) -> Option<Output> {
    let bound = |mut command: Command| {
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    };
    let mut version = place.command(PROGRAM);
    version.arg("--version");
    if !bound(version).is_ok_and(|ended| ended.status.success()) {
        skip("this checkout is for root alone");
        return None;
    }
    let mut program = place.command(PROGRAM);
    program.arg("-quiet").args(args).args(SHORT);
    Some(bound(program).expect("a run"))
}

fn allow(place: &Place, name: &str, mode: u32) {
    let path = place.path(name);
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
}

#[test]
fn a_file_that_may_not_be_read() {
    let place = Place::new().with_data();
    allow(&place, "", 0o777);
    allow(&place, "small.h5ad", 0o000);
    let Some(ended) = as_nobody(&place, &["-name", "./small.h5ad"]) else {
        return;
    };
    assert_fails(
        &ended,
        "error: ./small.h5ad: the file cannot be read: Permission denied (os error 13)",
    );
    assert_eq!(place.content(), ["small.h5ad"]);
}

#[test]
fn an_output_folder_that_may_not_be_written_to() {
    let place = Place::new().with_data();
    fs::create_dir(place.path("out")).expect("a folder");
    allow(&place, "", 0o755);
    allow(&place, "small.h5ad", 0o644);
    allow(&place, "out", 0o555);
    let Some(ended) = as_nobody(&place, &["-name", "./small.h5ad", "-output_dir", "out"]) else {
        return;
    };
    assert_fails(
        &ended,
        "error: out: this folder cannot be written to (Permission denied (os error 13)); choose another",
    );
    assert_eq!(place.content(), ["out/", "small.h5ad"]);
}

#[test]
fn an_output_folder_that_is_a_file() {
    let place = Place::new().with_data();
    fs::write(place.path("out"), "kept").expect("a file");
    let mut program = place.command(PROGRAM);
    program.args(["-quiet", "-name", "./small.h5ad", "-output_dir", "out"]);
    assert_fails(
        &program.args(SHORT).output().expect("a run"),
        "error: out: this is a file, but outputs need a folder; choose another folder",
    );
    assert_eq!(
        fs::read_to_string(place.path("out")).expect("a file"),
        "kept"
    );
}
