//! What a batch says on stderr while it works.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    sync::Mutex,
    time::Instant,
};

use indicatif::{MultiProgress, ProgressBar};

use super::{Record, Status, job::Said};
use crate::progress::{TICK, brief, lock, print_line, style};

/// The progress of a batch as a whole and of every data set that runs: live on a terminal, as plain lines
/// elsewhere; where quiet, errors alone.
pub(super) struct Board {
    is_quiet: bool,
    live: Option<Live>,
    counts: Mutex<Counts>,
    n_data_sets: usize,
}

/// How far the batch is.
struct Counts {
    ended: usize,
    /// Of those that ended, the ones that were run.
    run: usize,
    started: Instant,
}

struct Live {
    bars: MultiProgress,
    whole: ProgressBar,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Board {
    pub(super) fn new(is_quiet: bool, n_data_sets: usize) -> Self {
        let is_live = !is_quiet && io::stderr().is_terminal();
        Self {
            is_quiet,
            live: is_live.then(|| Live::new(n_data_sets)),
            counts: Mutex::new(Counts {
                ended: 0,
                run: 0,
                started: Instant::now(),
            }),
            n_data_sets,
        }
    }

    /// A data set's run begins.
    pub(super) fn begin(&self, name: &str) {
        match &self.live {
            Some(live) => live.begin(name),
            None => self.line(&format!("{name}: begins")),
        }
    }

    /// A run says something.
    pub(super) fn hear(&self, name: &str, said: Said<'_>) {
        match (said, &self.live) {
            (Said::Progress(what), Some(live)) => live.say(name, what),
            (Said::Progress(what), None) => self.line(&format!("{name}: {what}")),
            (Said::Note(note), _) => self.line(&format!("note: {name}: {note}")),
        }
    }

    /// A data set is done with: what came of it, and how far the batch is.
    pub(super) fn end(&self, record: &Record) {
        if let Some(live) = &self.live {
            live.end(&record.name);
        }
        if let Some(error) = &record.error {
            self.print(&format!("error: {}: {error}", record.name));
        }
        let mut counts = lock(&self.counts);
        counts.ended += 1;
        counts.run += usize::from(record.status != Status::Unchanged);
        let left = self.seconds_left(&counts).map(brief);
        let left = left.map_or_else(String::new, |left| format!(", about {left} left"));
        let (ended, all) = (counts.ended, self.n_data_sets);
        self.line(&format!("{ended} of {all}: {}{left}", outcome(record)));
    }

    /// Runs take as long as those before them did.
    fn seconds_left(&self, counts: &Counts) -> Option<f64> {
        let left = self.n_data_sets - counts.ended;
        if left == 0 || counts.run == 0 {
            return None;
        }
        let per_run = counts.started.elapsed().as_secs_f64() / counts.run as f64;
        Some(per_run * left as f64)
    }

    fn line(&self, text: &str) {
        if !self.is_quiet {
            self.print(text);
        }
    }

    fn print(&self, text: &str) {
        match &self.live {
            Some(live) => live.bars.suspend(|| print_line(text)),
            None => print_line(text),
        }
    }
}

/// `zeisel: 9 clusters in 12 s`
fn outcome(record: &Record) -> String {
    let clusters = record.clusters.unwrap_or(0);
    match record.status {
        Status::Done => {
            let seconds = brief(record.seconds);
            format!("{}: {clusters} clusters in {seconds}", record.name)
        }
        Status::Unchanged => format!("{}: unchanged", record.name),
        Status::Failed => format!("{}: failed", record.name),
    }
}

impl Live {
    fn new(n_data_sets: usize) -> Self {
        let bars = MultiProgress::new();
        let whole = bars.add(ProgressBar::new(n_data_sets as u64));
        whole.set_style(
            style("{wide_bar} {pos} of {len} data sets {elapsed:>8}").progress_chars("━╸─"),
        );
        whole.enable_steady_tick(TICK);
        Self {
            bars,
            whole,
            running: Mutex::default(),
        }
    }

    fn begin(&self, name: &str) {
        let spinner = self
            .bars
            .insert_before(&self.whole, ProgressBar::new_spinner());
        spinner.set_style(style("{spinner} {prefix}: {wide_msg} {elapsed:>8}"));
        spinner.set_prefix(name.to_owned());
        spinner.enable_steady_tick(TICK);
        lock(&self.running).insert(name.to_owned(), spinner);
    }

    fn say(&self, name: &str, what: &str) {
        if let Some(spinner) = lock(&self.running).get(name) {
            spinner.set_message(what.to_owned());
        }
    }

    fn end(&self, name: &str) {
        if let Some(spinner) = lock(&self.running).remove(name) {
            spinner.finish_and_clear();
        }
        self.whole.inc(1);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.whole.finish_and_clear();
    }
}
