//! Disks that fill up, and files that may not grow.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    program::{PROGRAM, Place, SMALL, assert_fails},
    short::SHORT,
    skip::skip,
};

/// A disk of 64 KiB; unmounted with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, said aloud, where this user may not mount one.
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).expect("a folder");
        let args = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(&folder).output();
        if !mounted.is_ok_and(|ended| ended.status.success()) {
            skip("no small disk can be mounted here");
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

/// Arguments of a run that writes labels (3 kB) and an embedding.
fn run_args<'a>(output: &'a str, n_z: &'a str) -> Vec<&'a str> {
    let ours = [
        "-quiet",
        "-name",
        "./small.h5ad",
        "-output_dir",
        output,
        "-n_z",
        n_z,
    ];
    [&ours[..], &SHORT].concat()
}

/// Arguments that convert `a.csv`.
fn conversion(data_dir: &str) -> [&str; 8] {
    [
        "preprocess",
        "csv",
        "a.csv",
        "-name",
        "x",
        "-quiet",
        "-data_dir",
        data_dir,
    ]
}

/// A run whose files may not grow beyond one block of 512 or 1024 bytes, whichever the shell takes.
fn limited(place: &Place, args: &[&str]) -> Output {
    let mut shell = place.command("sh");
    shell.args(["-c", "ulimit -f 1; exec \"$@\"", "sh", PROGRAM]);
    shell.args(args).output().expect("a run")
}

fn table(path: &Path) {
    let row = |cell: usize| format!("c{cell},b{cell},alpha,{},{}\n", cell % 7, cell % 3 + 1);
    let rows: String = (0..40).map(row).collect();
    fs::write(path, format!(",barcode,assigned_cluster,Gcg,Ins1\n{rows}")).expect("a table");
}

#[test]
fn a_disk_that_is_full_before_the_labels() {
    let place = Place::new().with_data();
    let Some(disk) = SmallDisk::mount(place.path("disk")) else {
        return;
    };
    fs::write(disk.0.join("filler"), vec![1; 62 << 10]).expect("a file");
    let ended = place.command(PROGRAM).args(run_args("disk", "16")).output();
    assert_fails(
        &ended.expect("a run"),
        "error: disk/pred_label/small.csv: the file cannot be written\n  because No space left on device (os error 28)",
    );
    assert_eq!(
        place.content(),
        ["disk/", "disk/filler", "disk/pred_label/", "small.h5ad"]
    );
}

#[test]
fn a_disk_that_fills_up_keeps_what_was_complete() {
    let place = Place::new().with_data();
    let Some(_disk) = SmallDisk::mount(place.path("disk")) else {
        return;
    };
    let ended = place.command(PROGRAM).args(run_args("disk", "64")).output();
    assert_fails(
        &ended.expect("a run"),
        "error: disk/embedding/small.csv: the file cannot be written\n  because No space left on device (os error 28)",
    );
    let labels = fs::read_to_string(place.path("disk/pred_label/small.csv")).expect("labels");
    assert_eq!(labels.lines().count(), 240);
    assert_eq!(
        place.content(),
        [
            "disk/",
            "disk/embedding/",
            "disk/pred_label/",
            "disk/pred_label/small.csv",
            "small.h5ad"
        ]
    );
}

#[test]
fn a_disk_that_fills_up_while_converting() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(place.path("disk")) else {
        return;
    };
    fs::write(disk.0.join("filler"), vec![1; 58 << 10]).expect("a file");
    table(&place.path("a.csv"));
    let args = conversion("disk");
    let ended = place.command(PROGRAM).args(args).output().expect("a run");
    assert_cannot_write(&ended, "disk/x.h5ad", "No space left on device");
    assert_eq!(place.content(), ["a.csv", "disk/", "disk/filler"]);
}

/// The golden data set, larger than the small disk, in an archive.
fn archive(path: &Path) {
    let mut archive = ZipWriter::new(File::create(path).expect("a file"));
    archive
        .start_file("small.h5ad", SimpleFileOptions::default())
        .expect("an entry");
    archive
        .write_all(&fs::read(SMALL).expect("a file"))
        .expect("a written entry");
    archive.finish().expect("an archive");
}

#[test]
fn a_disk_that_fills_up_while_unpacking() {
    let place = Place::new();
    let Some(_disk) = SmallDisk::mount(place.path("disk")) else {
        return;
    };
    archive(&place.path("small.zip"));
    let mut program = place.command(PROGRAM);
    program.env("TMPDIR", "disk");
    program.args(["-quiet", "-name", "./small.zip"]);
    assert_fails(
        &program.args(SHORT).output().expect("a run"),
        "error: ./small.zip: this is unpacked into a temporary file, which cannot be written to disk: No space left on \
         device (os error 28); set TMPDIR to a folder that exists and has room",
    );
    assert_eq!(place.content(), ["disk/", "small.zip"]);
}

#[test]
fn a_disk_that_is_full_before_the_copy_with_results() {
    let place = Place::new().with_data();
    archive(&place.path("small.zip"));
    let Some(_disk) = SmallDisk::mount(place.path("disk")) else {
        return;
    };
    for (input, why) in [
        ("./small.h5ad", "./small.h5ad cannot be copied: "),
        ("./small.zip", ""),
    ] {
        let mut program = place.command(PROGRAM);
        program.args([
            "-quiet",
            "-name",
            input,
            "-output_dir",
            "disk",
            "-save_h5ad",
        ]);
        program.args([
            "-save_embedding=False",
            "-save_pred_label=False",
            "-save_tree=False",
        ]);
        let ended = program.args(SHORT).output().expect("a run");
        assert_fails(
            &ended,
            &format!(
                "error: disk/h5ad/small.h5ad: the file cannot be written\n  because {why}No space left on device (os error 28)"
            ),
        );
    }
    assert_eq!(
        place.content(),
        ["disk/", "disk/h5ad/", "small.h5ad", "small.zip"]
    );
}

#[test]
fn a_file_that_may_not_grow() {
    let place = Place::new().with_data();
    assert_fails(
        &limited(&place, &run_args("out", "16")),
        "error: out/pred_label/small.csv: the file cannot be written\n  because File too large (os error 27)",
    );
    assert_eq!(place.content(), ["out/", "out/pred_label/", "small.h5ad"]);
}

#[test]
fn a_converted_file_that_may_not_grow() {
    let place = Place::new();
    table(&place.path("a.csv"));
    let args = conversion("out");
    let ended = limited(&place, &args);
    assert_cannot_write(&ended, "out/x.h5ad", "File too large");
    assert_eq!(place.content(), ["a.csv", "out/"]);
}

/// HDF5 adds the time, a descriptor and addresses to its reason: those are not compared.
fn assert_cannot_write(ended: &Output, path: &str, reason: &str) {
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    let start = format!("error: {path}: the file cannot be written: ");
    assert!(
        stderr.starts_with(&start) && stderr.contains(reason),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(ended.status.code(), Some(1), "{stderr}");
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_result_that_stdout_does_not_take() {
    let place = Place::new().with_data();
    symlink("/dev/full", place.path("full")).expect("a link");
    let mut shell = place.command("sh");
    shell.args(["-c", "exec \"$@\" > full", "sh", PROGRAM]);
    assert_fails(
        &shell.args(run_args("out", "2")).output().expect("a run"),
        "error: stdout: the result cannot be written\n  because No space left on device (os error 28)",
    );
    assert!(place.path("out/results/small.json").exists());
}
