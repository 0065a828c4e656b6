//! The command that users type: finds libtorch, then becomes the program that computes.
//!
//! The program itself cannot say that libtorch is missing: the system's loader ends it before its first line. This one
//! links nothing but the C library, so it can; then it gives its process to the program, which lies beside it.

#[path = "../libtorch/mod.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod libtorch;

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use libtorch::{Found, Unusable, WANTED};

/// The program that computes.
const ENGINE: &str = "attentionae-sc-engine";
/// A folder with libtorch in it that the user names.
const VARIABLE: &str = "LIBTORCH";
/// Where the loader looks after the rpath.
const LOADER_PATH: &str = "LD_LIBRARY_PATH";
/// How libtorch's OpenMP workers wait for their next task. Read once, while libgomp is loaded.
///
/// By default an idle worker spins for some milliseconds and takes the processor from the program's own workers, whose
/// turn it is: measured on 2 cores, an epoch takes up to three times as long. A policy that the user has set stays.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

fn main() -> ExitCode {
    let error = match env::current_exe() {
        Ok(program) => start(program.parent().unwrap_or(Path::new("/"))),
        Err(error) => {
            format!("where this program lies cannot be told ({error}): is /proc mounted?")
        }
    };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Becomes the program in `folder`; returns only where that fails, with the reason.
fn start(folder: &Path) -> String {
    let variable = env::var_os(VARIABLE).map(PathBuf::from);
    let found = match libtorch::find(folder, variable.as_deref()) {
        Ok(found) => found,
        Err(unusable) => return advice(&unusable, folder, variable.as_deref()),
    };
    let engine = folder.join(ENGINE);
    let error = command(&engine, &found).exec();
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{}: the program itself is missing; copy its folder whole, not one file of it",
            engine.display()
        ),
        _ => format!("{}: it cannot be started ({error})", engine.display()),
    }
}

/// The program with the arguments of this one.
fn command(engine: &Path, found: &Found) -> Command {
    let mut command = Command::new(engine);
    let mut arguments = env::args_os();
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    if env::var_os(WAIT_POLICY).is_none() {
        command.env(WAIT_POLICY, "passive");
    }
    if !found.is_in_rpath {
        command.env(
            LOADER_PATH,
            before(found.folder.clone(), env::var_os(LOADER_PATH)),
        );
    }
    command
}

/// `first` ahead of the folders of a search path.
fn before(first: PathBuf, path: Option<OsString>) -> OsString {
    let mut joined = first.into_os_string();
    if let Some(rest) = path.filter(|rest| !rest.is_empty()) {
        joined.push(":");
        joined.push(rest);
    }
    joined
}

/// What is wrong, where, and the line that mends it.
fn advice(unusable: &Unusable, folder: &Path, variable: Option<&Path>) -> String {
    let install = install_line(folder);
    match unusable {
        Unusable::OtherVersion { folder, version } => format!(
            "{}: this is libtorch {version}, but attentionae-sc computes with libtorch {WANTED}\n\
             Install that version in its place:\n  {install}",
            folder.display()
        ),
        Unusable::Missing(folders) => {
            let folders: Vec<_> = folders
                .iter()
                .map(|folder| format!("  {}", folder.display()))
                .collect();
            let named = match variable {
                Some(named) => format!("and {VARIABLE} is {}", named.display()),
                None => format!("and {VARIABLE} is not set"),
            };
            format!(
                "libtorch {WANTED} is missing, which attentionae-sc computes with\n\
                 It is in none of these folders, {named}:\n{}\n\
                 Install it:\n  {install}\n\
                 or set {VARIABLE} to a folder whose lib holds {}.",
                folders.join("\n"),
                libtorch::places::LIBRARY
            )
        }
    }
}

/// The command that installs libtorch for a program that was installed in this way.
fn install_line(folder: &Path) -> String {
    let is_there = |path: &str| folder.join(path).exists();
    if is_there("../__init__.py") {
        format!("python -m pip install 'torch=={WANTED}.*'")
    } else if is_there("../../conda-meta") {
        format!("conda install -c conda-forge 'libtorch={WANTED}'")
    } else if is_there("../../Cargo.toml") {
        "make setup".to_owned()
    } else {
        let folder = folder.display();
        format!("python3 -m pip install --target '{folder}' 'torch=={WANTED}.*'")
    }
}
