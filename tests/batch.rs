//! Batches of whole runs: what is written, what is run again, and what one run's end does to the others.

#[path = "common/signals.rs"]
mod signals;

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command as Process, Stdio},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::{Command, assert::Assert};
use serde_json::Value;
use signals::listening;
use tempfile::TempDir;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small.h5ad");
const PROGRAM: &str = env!("CARGO_BIN_EXE_attentionae-sc");
/// Enough training to pass through every stage.
const SHORT: [(&str, &str); 3] = [
    ("-training_epoch", "2"),
    ("-clustering_epoch", "1"),
    ("-n_hvg", "100"),
];

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A folder of data sets and one for outputs.
struct Place(TempDir);

impl Place {
    /// Copies of the golden data set under these names.
    fn with(names: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(place.data()).expect("a folder");
        for name in names {
            fs::copy(SMALL, place.input(name)).expect("a copy");
        }
        place
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn input(&self, name: &str) -> PathBuf {
        self.data().join(format!("{name}.h5ad"))
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// The arguments of a batch of short runs; `args` may set the same options otherwise.
    fn arguments(&self, args: &[&str]) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let places = [
            ("-data_dir", path(self.data())),
            ("-output_dir", path(self.output())),
        ];
        let short = SHORT.map(|(option, value)| (option, value.to_owned()));
        let is_free = |option: &str| {
            !args
                .iter()
                .any(|arg| arg.starts_with(&format!("{option}=")))
        };
        let common = places
            .into_iter()
            .chain(short)
            .filter(|(option, _)| is_free(option));
        let common = common.map(|(option, value)| format!("{option}={value}"));
        let args = args.iter().map(ToString::to_string);
        std::iter::once("batch".to_owned())
            .chain(common)
            .chain(args)
            .collect()
    }

    fn batch(&self, args: &[&str]) -> Assert {
        let mut program = Command::new(PROGRAM);
        program.env("HDF5_USE_FILE_LOCKING", "FALSE");
        program.args(self.arguments(args)).assert()
    }

    /// A batch that goes on while the test does.
    fn start(&self, args: &[&str]) -> std::io::Result<Child> {
        listening(&mut Process::new(PROGRAM))
            .env("HDF5_USE_FILE_LOCKING", "FALSE")
            .args(self.arguments(args))
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
    }

    /// `name status` of every record.
    fn statuses(&self) -> Vec<String> {
        let records = self.records();
        let status =
            |record: &Value| format!("{} {}", text(record, "name"), text(record, "status"));
        records.iter().map(status).collect()
    }

    fn records(&self) -> Vec<Value> {
        let json = fs::read(self.output().join("results/batch.json")).expect("batch.json");
        serde_json::from_slice(&json).expect("JSON")
    }

    /// Every output, sorted.
    fn outputs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.output()).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).expect("a folder").flatten() {
                let path = file.path();
                let path = path.strip_prefix(self.output()).expect("below it");
                found.push(path.display().to_string());
            }
        }
        found.sort();
        found
    }
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().expect(field)
}

fn stdout(batch: &Assert) -> String {
    String::from_utf8_lossy(&batch.get_output().stdout).into_owned()
}

fn stderr(batch: &Assert) -> String {
    String::from_utf8_lossy(&batch.get_output().stderr).into_owned()
}

#[test]
fn a_data_set_that_fails_does_not_stop_the_others() -> TestResult {
    let place = Place::with(&["alpha", "beta"]);
    fs::write(place.input("broken"), "no HDF5")?;
    let batch = place.batch(&["alpha", "broken", "beta"]).code(1);
    let table = stdout(&batch);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    let expected = [
        "name", "cells", "clusters", "ASW", "DB", "ARI", "NMI", "seconds",
    ];
    assert_eq!(header, expected);
    assert!(
        lines[1].starts_with("alpha") && lines[1].contains(" 239 "),
        "{table}"
    );
    assert!(
        lines[2].starts_with("broken") && lines[2].ends_with("failed"),
        "{table}"
    );
    let told = stderr(&batch);
    assert!(
        told.contains("error: broken: ") && told.contains("broken.h5ad: this is not"),
        "{told}"
    );
    assert!(told.contains("alpha: Pretraining: step 2/2"), "{told}");
    assert!(
        told.contains("note: alpha: 1 cells without counts"),
        "{told}"
    );
    assert!(told.contains("3 of 3: beta: "), "{told}");
    assert!(
        told.ends_with("error: 1 of 3 data sets failed: broken\n"),
        "{told}"
    );
    assert_eq!(
        place.statuses(),
        ["alpha done", "broken failed", "beta done"]
    );
    assert!(text(&place.records()[1], "error").contains("broken.h5ad"));
    let expected = [
        "embedding/alpha.csv",
        "embedding/beta.csv",
        "pred_label/alpha.csv",
        "pred_label/beta.csv",
        "results/alpha.json",
        "results/batch.csv",
        "results/batch.json",
        "results/beta.json",
    ];
    assert_eq!(place.outputs(), expected);
    Ok(())
}

#[test]
fn records_hold_what_the_runs_found() -> TestResult {
    let place = Place::with(&["alpha"]);
    place
        .batch(&["alpha", "-seed", "3", "-quiet"])
        .code(0)
        .stderr("");
    let run = fs::read(place.output().join("results/alpha.json"))?;
    let run: Value = serde_json::from_slice(&run)?;
    assert_eq!(run["parameters"]["seed"], 3);
    let record = &place.records()[0];
    assert_eq!(record["cells"], run["n_cells"]);
    assert_eq!(record["clusters"], run["n_clusters"]);
    assert_eq!(record["seconds"], run["seconds"]);
    for score in ["asw", "db", "ari", "nmi"] {
        assert_eq!(record[score], run["scores"][score], "{score}");
    }
    let mut table = csv::Reader::from_path(place.output().join("results/batch.csv"))?;
    let header: Vec<String> = table.headers()?.iter().map(String::from).collect();
    let first = [
        "name", "cells", "clusters", "asw", "db", "ari", "nmi", "seconds", "status",
    ];
    assert_eq!(header[..9], first);
    let row = table.records().next().ok_or("no row")??;
    assert_eq!((&row[0], &row[1], &row[8]), ("alpha", "239", "done"));
    Ok(())
}

#[test]
fn all_data_sets_of_a_folder_are_run_side_by_side() -> TestResult {
    let place = Place::with(&["b", "a", "c"]);
    fs::write(place.data().join("LICENSE"), "")?;
    fs::copy(SMALL, place.data().join(".hidden.h5ad"))?;
    place
        .batch(&["--all", "-jobs", "3", "-threads", "2"])
        .code(0);
    assert_eq!(place.statuses(), ["a done", "b done", "c done"]);
    let run = fs::read(place.output().join("results/c.json"))?;
    let run: Value = serde_json::from_slice(&run)?;
    assert_eq!(run["threads"], 1);
    Ok(())
}

#[test]
fn an_input_of_any_format_is_part_of_a_batch_by_its_path() -> TestResult {
    let place = Place::with(&["a"]);
    let folder = place.0.path().join("mtx");
    fs::create_dir(&folder)?;
    let mut matrix = "%%MatrixMarket matrix coordinate integer general\n4 60 240\n".to_owned();
    for entry in 0..240_usize {
        let (gene, cell) = (entry % 4 + 1, entry / 4 + 1);
        writeln!(matrix, "{gene} {cell} {}", 1 + gene * cell % 7)?;
    }
    let cells: Vec<String> = (0..60).map(|cell| format!("c{cell}")).collect();
    fs::write(folder.join("matrix.mtx"), matrix)?;
    fs::write(folder.join("barcodes.tsv"), cells.join("\n"))?;
    fs::write(folder.join("genes.tsv"), "g0\ng1\ng2\ng3\n")?;
    let path = folder.display().to_string();
    place.batch(&["a", &path]).code(0);
    assert_eq!(place.statuses(), ["a done", "mtx done"]);
    assert_eq!(place.records()[1]["cells"], 60);

    place.batch(&["a", &path, "-resume"]).code(0);
    assert_eq!(place.statuses(), ["a unchanged", "mtx unchanged"]);
    fs::write(folder.join("genes.tsv"), "g0\ng1\ng2\nMbp\n")?;
    place.batch(&["a", &path, "-resume"]).code(0);
    assert_eq!(place.statuses(), ["a unchanged", "mtx done"]);
    Ok(())
}

#[test]
fn a_resumed_batch_runs_what_has_changed_and_what_has_failed() -> TestResult {
    let place = Place::with(&["a", "b", "c"]);
    fs::write(place.input("d"), "")?;
    place.batch(&["a", "b", "c", "d", "-jobs", "2"]).code(1);
    let labels = place.output().join("pred_label/a.csv");
    let before = fs::metadata(&labels)?.modified()?;

    fs::write(place.input("d"), fs::read(SMALL)?)?;
    hdf5::File::open_rw(place.input("b"))?
        .group("obs")?
        .unlink("celltype")?;
    fs::remove_file(place.output().join("embedding/c.csv"))?;
    let resumed = place.batch(&["a", "b", "c", "d", "-resume"]).code(0);
    assert_eq!(
        place.statuses(),
        ["a unchanged", "b done", "c done", "d done"]
    );
    assert_eq!(fs::metadata(&labels)?.modified()?, before);
    let table = stdout(&resumed);
    assert!(
        table
            .lines()
            .nth(1)
            .is_some_and(|line| line.ends_with("unchanged")),
        "{table}"
    );

    place.batch(&["--all", "-resume", "-threads", "1"]).code(0);
    let unchanged = ["a unchanged", "b unchanged", "c unchanged", "d unchanged"];
    assert_eq!(place.statuses(), unchanged);
    // The records of the others are kept.
    place.batch(&["a", "-resume", "-seed", "9"]).code(0);
    let others = ["a done", "b unchanged", "c unchanged", "d unchanged"];
    assert_eq!(place.statuses(), others);
    place.batch(&["a", "-seed", "9"]).code(0);
    assert_eq!(place.statuses(), ["a done"]);
    Ok(())
}

#[test]
fn a_batch_that_cannot_be_is_refused_before_work() -> TestResult {
    let place = Place::with(&["a", "batch"]);
    let refused = |args: &[&str], part: &str| {
        let refused = place.batch(args).code(1).stdout("");
        let told = stderr(&refused);
        assert!(told.starts_with("error: ") && told.contains(part), "{told}");
        assert_eq!(place.outputs(), [""; 0]);
    };
    let path = place.input("a").display().to_string();
    refused(&["a", &path], "both called 'a'");
    refused(&["a", "a"], "both called 'a'");
    refused(&["batch"], "a data set called 'batch'");
    refused(&["--all", "-data_dir=/no/such"], "-data_dir");
    let empty = tempfile::tempdir()?;
    let empty = format!("-data_dir={}", empty.path().display());
    refused(&["--all", &empty], "no .h5ad file");
    fs::create_dir_all(place.output().join("results"))?;
    fs::write(place.output().join("results/batch.json"), "{")?;
    let told = stderr(&place.batch(&["a", "-resume"]).code(1));
    assert!(told.contains("without -resume"), "{told}");
    Ok(())
}

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

#[test]
fn reports_have_a_page_that_links_to_them() -> TestResult {
    let place = Place::with(&["one", "two"]);
    place.batch(&["one", "two", "-save_report"]).code(0);
    let index = fs::read_to_string(place.output().join("report/index.html"))?;
    for name in ["one", "two"] {
        let link = format!("<a href=\"{name}.html\">{name}</a>");
        assert!(index.contains(&link), "{index}");
        let report = place.output().join(format!("report/{name}.html"));
        assert!(report.is_file(), "{name}");
    }
    Ok(())
}

#[test]
fn a_data_set_may_not_take_the_place_of_that_page() {
    let place = Place::with(&["index"]);
    let refused = place.batch(&["index", "-save_report"]).code(1);
    assert!(stderr(&refused).contains("called 'index'"));
    place.batch(&["index"]).code(0);
}
