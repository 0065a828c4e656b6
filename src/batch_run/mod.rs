//! Several data sets with the same options, each as a run of its own.

mod board;
mod children;
mod error;
mod fingerprint;
mod job;
mod planned_runs;
mod record;
mod share;
mod summary;

use std::{
    panic::resume_unwind,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ScopedJoinHandle},
    time::Instant,
};

use self::{
    board::Board,
    job::Said,
    planned_runs::{PlannedRun, planned_runs},
    record::RecordFiles,
    share::Memory,
};
pub use self::{
    children::{kill_all, stop},
    error::BatchRunError,
    record::{Record, Status},
    summary::summary,
};
use crate::{
    config::BatchRunConfig,
    read::check_there,
    report::{IndexRow, write_index},
    write::{OutputPaths, Replacement, Writer, check_files},
};

/// Runs every data set of a batch: the records, in the batch's order. A data set that fails has a record that
/// says so, and does not stop the others.
///
/// At most `jobs` processes run at once, fewer where memory is short; they share the threads. The records are
/// written to `results/batch.json` and `.csv` whenever a data set is done.
///
/// # Errors
/// When there is nothing to run, names are not unique, or the records cannot be read or written.
pub fn run(config: &BatchRunConfig) -> Result<Vec<Record>, BatchRunError> {
    let sets = planned_runs(config)?;
    let files = RecordFiles::below(&config.options.output_dir);
    check_files(&files.paths())?;
    files.check_replaceable(config.options.overwrite)?;
    let earlier = if config.resume {
        files.read()?
    } else {
        Vec::new()
    };
    let of_name = |set: &PlannedRun| earlier.iter().find(|record| record.name == set.run.name);
    let jobs = config.jobs.min(sets.len());
    let batch = BatchRun {
        config,
        sets: &sets,
        records: Mutex::new(sets.iter().map(|set| of_name(set).cloned()).collect()),
        files,
        board: Board::new(config.options.quiet, sets.len()),
        memory: Memory::free_now(),
        threads: share::threads_each(config.options.threads, jobs),
    };
    batch.run_all(jobs)
}

/// What the runs of a batch share.
struct BatchRun<'a> {
    config: &'a BatchRunConfig,
    sets: &'a [PlannedRun],
    /// Of every data set: its record, or that of an earlier batch until it is done.
    records: Mutex<Vec<Option<Record>>>,
    files: RecordFiles,
    board: Board,
    memory: Memory,
    /// Threads of each run.
    threads: usize,
}

impl BatchRun<'_> {
    /// Has `jobs` workers take one data set after the other.
    fn run_all(self, jobs: usize) -> Result<Vec<Record>, BatchRunError> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), BatchRunError> {
            loop {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(set) = self.sets.get(position) else {
                    return Ok(());
                };
                self.finish(set, position)?;
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let mut results = workers.into_iter().map(ScopedJoinHandle::join);
            results.try_for_each(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic)))
        })?;
        if self.config.options.save.report {
            self.write_index()?;
        }
        let records = self
            .records
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(records.into_iter().flatten().collect())
    }

    /// Runs a data set, unless an earlier batch has, and records it.
    fn finish(&self, set: &PlannedRun, position: usize) -> Result<(), BatchRunError> {
        let fresh = Record {
            name: set.run.name.clone(),
            input: set.run.inputs.to_string(),
            // Why a file cannot be read is for its run to say.
            input_sha256: fingerprint::of_inputs(&set.run.inputs).ok(),
            options_sha256: Some(fingerprint::of_options(&set.run)),
            ..Record::default()
        };
        let earlier = self.records()[position].clone();
        let unchanged =
            earlier.filter(|earlier| earlier.still_holds(&fresh) && has_outputs(set, earlier));
        let record = if let Some(earlier) = unchanged {
            Record {
                status: Status::Unchanged,
                ..earlier
            }
        } else {
            // Its outputs are about to be replaced: a batch that is stopped meanwhile has to run it again.
            self.records()[position] = None;
            self.run_one(set, fresh)
        };
        self.board.end(&record);
        let mut records = self.records();
        records[position] = Some(record);
        let _claim = self.files.claim();
        let others = self.others()?;
        let known: Vec<&Record> = records.iter().flatten().chain(&others).collect();
        Ok(self.files.write(&known)?)
    }

    /// The records of data sets that are not in this batch, which one that is resumed keeps: another batch may have added some by now.
    fn others(&self) -> Result<Vec<Record>, BatchRunError> {
        if !self.config.resume {
            return Ok(Vec::new());
        }
        let mut others = self.files.read()?;
        others.retain(|record| self.sets.iter().all(|set| set.run.name != record.name));
        Ok(others)
    }

    /// Writes the page that links to the reports, to those of data sets that are not in this batch too.
    fn write_index(&self) -> Result<(), BatchRunError> {
        let folder = &self.config.options.output_dir;
        let report = |record: &Record| OutputPaths::new(folder, &record.name).report();
        let _claim = self.files.claim();
        let mut others = self.others()?;
        others.retain(|record| record.status == Status::Failed || report(record).is_file());
        let records = self.records();
        let all = records.iter().flatten().chain(&others);
        let rows: Vec<IndexRow> = all.map(Record::in_index).collect();
        Ok(write_index(&folder.join("report/index.html"), &rows)?)
    }

    fn run_one(&self, set: &PlannedRun, mut record: Record) -> Record {
        let _share = self.memory.share(share::need_mb(&set.run));
        let name = set.run.name.as_str();
        self.board.begin(name);
        let started = Instant::now();
        let hear = |said: Said<'_>| self.board.hear(name, said);
        // The run checks it too, but would advise an option that a batch run does not have.
        let replaceable = Replacement::of_run(&set.run, Writer::RunOfBatch).check();
        let replaceable = replaceable.map_err(|refused| refused.to_string());
        let is_there = check_there(&set.run.inputs).map_err(|missing| missing.to_string());
        let ended = is_there
            .and(replaceable)
            .and_then(|()| job::run(set, &self.config.typed, self.threads, hear));
        record.seconds = started.elapsed().as_secs_f64();
        let completed = ended.and_then(|()| {
            let results = OutputPaths::of(&set.run).results();
            let completed = record.complete(&results);
            completed.map_err(|e| format!("{}: its results cannot be read: {e}", results.display()))
        });
        record.error = completed.err();
        record
    }

    /// Every change to the records is a single assignment: a panic elsewhere leaves them whole.
    fn records(&self) -> MutexGuard<'_, Vec<Option<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the outputs that a run always writes with its options are there, and are those that its record tells of.
fn has_outputs(set: &PlannedRun, record: &Record) -> bool {
    let paths = OutputPaths::of(&set.run);
    let mut files = paths.always(set.run.outputs()).into_iter();
    record.tells_of(&paths.results()) && files.all(|path| path.is_file())
}
