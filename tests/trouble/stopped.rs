//! Signals that stop a run.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    program::{PROGRAM, Place},
    signals::listening,
    terminal::terminal,
};

const ZEISEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Data/AnnData/zeisel.h5ad");
/// A short run that passes through every stage.
const EVERY_STAGE: [&str; 20] = [
    "-name",
    ZEISEL,
    "-output_dir",
    "out",
    "-landmarks",
    "400",
    "-n_hvg",
    "200",
    "-resolution",
    "0.3",
    "-training_epoch",
    "2",
    "-clustering_epoch",
    "2",
    "-save_umap",
    "True",
    "-save_model_para",
    "True",
    "-n_z",
    "32",
];

/// Starts a program, sends it a signal once it prints a line that starts so, and waits for its end.
fn stop(mut program: Command, signal: Signal, at: &str) -> ExitStatus {
    let mut run = listening(&mut program)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run");
    let mut lines = BufReader::new(run.stderr.take().expect("a pipe")).lines();
    let is_there = |line: &Result<String, _>| line.as_ref().is_ok_and(|line| line.starts_with(at));
    assert!(lines.any(|line| is_there(&line)), "no line '{at}'");
    kill(Pid::from_raw(run.id() as i32), signal).expect("a running program");
    let said: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(
        !said.iter().any(|line| line.starts_with("error")),
        "{said:?}"
    );
    run.wait().expect("an end")
}

/// Stops a run at a stage, and looks at what it leaves.
fn stop_at(stage: &str, signal: Signal, code: i32) {
    stop_in(&Place::new(), stage, signal, code);
}

fn stop_in(place: &Place, stage: &str, signal: Signal, code: i32) {
    let mut program = place.command(PROGRAM);
    program.args(EVERY_STAGE);
    let status = stop(program, signal, stage);
    assert_eq!(status.code(), Some(code), "{stage}: {status:?}");
    for file in place.content() {
        let path = Path::new(&file);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        assert!(!name.starts_with('.'), "{stage}: {file} is left");
        match path.extension().and_then(OsStr::to_str) {
            Some("csv") => {
                let text = fs::read_to_string(place.path(&file)).expect("a table");
                assert_eq!(text.lines().count(), 3006, "{stage}: {file} is not whole");
            }
            Some("json") => panic!("{stage}: {file} comes last"),
            _ => {}
        }
    }
}

#[test]
fn ctrl_c_at_any_stage_leaves_no_half_file() {
    for stage in [
        "Reading",
        "Preparing",
        "Views",
        "Cell graph",
        "Training",
        "  Pretraining",
        "Leiden",
        "Refining",
        "  Clustering",
        "Embedding",
        "Scoring",
        "Writing",
        "Drawing",
    ] {
        stop_at(stage, Signal::SIGINT, 130);
    }
}

#[test]
fn after_ctrl_c_a_terminal_is_at_the_start_of_a_line() {
    let Some((mut shown, screen)) = terminal() else {
        return;
    };
    let place = Place::new();
    let mut program = place.command(PROGRAM);
    program.args(EVERY_STAGE).stdout(Stdio::null());
    let mut run = listening(program.stderr(screen)).spawn().expect("a run");
    drop(program);
    let (mut said, mut bytes) = (Vec::new(), [0; 1024]);
    let is_training = |said: &[u8]| String::from_utf8_lossy(said).contains("Training");
    while !is_training(&said) {
        let n = shown.read(&mut bytes).expect("what is shown");
        said.extend_from_slice(&bytes[..n]);
    }
    kill(Pid::from_raw(run.id() as i32), Signal::SIGINT).expect("a running program");
    // The end of what is shown is an error: nobody has the other side any more.
    let _ = shown.read_to_end(&mut said);
    assert_eq!(run.wait().expect("an end").code(), Some(130));
    assert!(said.ends_with(b"\n"), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn results_of_an_earlier_run_go_with_the_first_new_output() {
    let place = Place::new();
    let earlier = place.path("out/results/zeisel.json");
    fs::create_dir_all(place.path("out/results")).expect("a folder");
    let input = fs::canonicalize(ZEISEL).expect("a data set");
    let text = format!(r#"{{"data_set": "zeisel", "input": {input:?}}}"#);
    fs::write(&earlier, &text).expect("a file");
    let mut program = place.command(PROGRAM);
    program.args(EVERY_STAGE);
    stop(program, Signal::SIGINT, "Scoring");
    assert_eq!(fs::read_to_string(&earlier).expect("a file"), text);
    assert!(!place.path("out/pred_label").exists());
    stop_in(&place, "Drawing", Signal::SIGINT, 130);
    assert!(place.path("out/pred_label/zeisel.csv").exists());
}

#[test]
fn other_signals_have_their_own_exit_code() {
    stop_at("Training", Signal::SIGTERM, 143);
    stop_at("Writing", Signal::SIGTERM, 143);
    stop_at("Preparing", Signal::SIGHUP, 129);
}

#[test]
fn a_conversion_that_is_stopped_leaves_no_file() {
    let place = Place::new();
    let genes: Vec<String> = (0..400).map(|gene| format!("g{gene}")).collect();
    let row = |cell: usize| format!("c{cell},b,alpha{}\n", ",3".repeat(400));
    let rows: String = (0..20_000).map(row).collect();
    let table = format!(",barcode,assigned_cluster,{}\n{rows}", genes.join(","));
    fs::write(place.path("a.csv"), table).expect("a table");
    let mut program = place.command(PROGRAM);
    program.args([
        "preprocess",
        "csv",
        "a.csv",
        "-name",
        "x",
        "-data_dir",
        "out",
    ]);
    let status = stop(program, Signal::SIGINT, "Converting");
    assert_eq!(status.code(), Some(130));
    assert_eq!(place.content(), ["a.csv"]);
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let place = Place::new();
    let mut shell = place.command("sh");
    shell
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh", PROGRAM])
        .args(EVERY_STAGE);
    assert_eq!(stop(shell, Signal::SIGHUP, "Preparing").code(), Some(0));
    assert!(place.path("out/results/zeisel.json").exists());
}
