//! What a run says on stderr while it works.

mod said;

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

#[doc(hidden)]
pub use self::said::{Curve, Said};

/// Lines that a training phase prints where there is no terminal, besides its first epoch's.
const LINES_PER_PHASE: usize = 10;
/// How often a running stage's clock moves.
pub(crate) const TICK: Duration = Duration::from_millis(120);

/// Says which stage runs and how far training is: live on a terminal, as plain lines elsewhere, not
/// at all where quiet.
pub struct Progress {
    display: Display,
    running: Mutex<Option<Stage>>,
    said: Arc<Mutex<Said>>,
}

/// How progress is shown.
#[derive(Clone)]
enum Display {
    Quiet,
    Plain(Arc<Mutex<dyn Write + Send>>),
    Live(MultiProgress),
}

/// The stage that runs.
struct Stage {
    what: String,
    started: Instant,
    spinner: ProgressBar,
}

/// One training phase. Dropping it unfinished removes it from the screen.
pub(crate) struct Bar {
    display: Display,
    phase: String,
    unit: &'static str,
    epochs: usize,
    gauge: ProgressBar,
    started: Instant,
    done: Cell<usize>,
    /// Where its losses are kept, and at which place.
    said: Arc<Mutex<Said>>,
    place: usize,
}

impl Progress {
    /// Progress on stderr, or none where `quiet`.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self::shown(if quiet {
            Display::Quiet
        } else if io::stderr().is_terminal() {
            Display::Live(MultiProgress::new())
        } else {
            Display::Plain(Arc::new(Mutex::new(io::stderr())))
        })
    }

    /// Progress of one part of the work, shown in the same place: it has the notes so far, and what it says is told of no other part.
    #[must_use]
    pub(crate) fn part(&self) -> Self {
        Self {
            display: self.display.clone(),
            running: Mutex::new(None),
            said: Arc::new(Mutex::new(self.said())),
        }
    }

    fn shown(display: Display) -> Self {
        Self {
            display,
            running: Mutex::new(None),
            said: Arc::default(),
        }
    }

    /// A new stage begins, in a few words (`Cell graph: gauss, 15 neighbours`); the one before is
    /// done.
    pub(crate) fn stage(&self, what: &str) {
        self.finish();
        self.display.line_if_plain(what);
        let stage = Stage {
            what: what.to_owned(),
            started: Instant::now(),
            spinner: self.display.spinner(what),
        };
        *lock(&self.running) = Some(stage);
    }

    /// A warning or remark, which does not tear the bar.
    pub(crate) fn note(&self, text: &str) {
        lock(&self.said).notes.push(text.to_owned());
        self.display.line(&format!("note: {text}"));
    }

    /// A training phase of at most `epochs` epochs begins, within the present stage. An epoch is called `unit`.
    #[must_use]
    pub(crate) fn bar(&self, phase: &str, unit: &'static str, epochs: usize) -> Bar {
        Bar {
            place: lock(&self.said).begin(phase, unit),
            said: self.said.clone(),
            gauge: self.display.bar(phase, epochs),
            display: self.display.clone(),
            phase: phase.to_owned(),
            unit,
            epochs,
            started: Instant::now(),
            done: Cell::new(0),
        }
    }

    /// The notes and the losses so far, whether they were shown or not.
    #[must_use]
    pub(crate) fn said(&self) -> Said {
        lock(&self.said).clone()
    }

    /// The last stage is done.
    pub fn finish(&self) {
        let Some(stage) = lock(&self.running).take() else {
            return;
        };
        stage.spinner.finish_and_clear();
        if let Display::Live(_) = self.display {
            let seconds = stage.started.elapsed().as_secs_f64();
            self.display
                .line(&format!("✓ {:<58} {:>8}", stage.what, brief(seconds)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(stage) = lock(&self.running).take() {
            stage.spinner.finish_and_clear();
        }
    }
}

impl Bar {
    /// `epoch` epochs are done, counted from 1; their last losses, with their names.
    pub(crate) fn tick(&self, epoch: usize, losses: &[(&str, f64)]) {
        let before = self.done.replace(epoch);
        lock(&self.said).add(self.place, epoch, losses.iter().copied());
        let named = losses
            .iter()
            .map(|(name, loss)| format!("{name} {loss:.4}"));
        let losses = named.collect::<Vec<_>>().join(", ");
        match &self.display {
            Display::Quiet => {}
            Display::Live(_) => {
                self.gauge.set_message(losses);
                self.gauge.set_position(epoch as u64);
            }
            Display::Plain(_) => {
                if before == 0 || self.tenth(epoch) > self.tenth(before) {
                    self.display.line(&format!(
                        "  {}: {} {epoch}/{}, {losses}, {} left",
                        self.phase,
                        self.unit,
                        self.epochs,
                        brief(self.seconds_left(epoch))
                    ));
                }
            }
        }
    }

    /// The phase is over, be it before its last epoch.
    pub(crate) fn finish(self) {
        let done = self.done.get();
        if done < self.epochs {
            self.display.line(&format!(
                "  {}: done after {done} {}s",
                self.phase, self.unit
            ));
        }
    }

    fn tenth(&self, epoch: usize) -> usize {
        epoch * LINES_PER_PHASE / self.epochs.max(1)
    }

    fn seconds_left(&self, epoch: usize) -> f64 {
        let per_epoch = self.started.elapsed().as_secs_f64() / epoch.max(1) as f64;
        per_epoch * self.epochs.saturating_sub(epoch) as f64
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.gauge.finish_and_clear();
    }
}

impl Display {
    fn line(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Live(bars) => bars.suspend(|| print_line(text)),
            Self::Plain(sink) => {
                // Nobody reads a closed stderr; the run goes on.
                let _ = writeln!(lock(sink), "{text}");
            }
        }
    }

    fn line_if_plain(&self, text: &str) {
        if let Self::Plain(_) = self {
            self.line(text);
        }
    }

    fn spinner(&self, what: &str) -> ProgressBar {
        let Self::Live(bars) = self else {
            return ProgressBar::hidden();
        };
        let spinner = bars.add(ProgressBar::new_spinner());
        spinner.set_style(style("{spinner} {msg:58} {elapsed:>8}"));
        spinner.set_message(what.to_owned());
        spinner.enable_steady_tick(TICK);
        spinner
    }

    fn bar(&self, phase: &str, epochs: usize) -> ProgressBar {
        let Self::Live(bars) = self else {
            return ProgressBar::hidden();
        };
        let bar = bars.add(ProgressBar::new(epochs as u64));
        bar.set_style(
            style("  {prefix} {wide_bar} {pos}/{len} {msg} {eta} left").progress_chars("━╸─"),
        );
        bar.set_prefix(phase.to_owned());
        bar
    }
}

/// Writes a line to stderr; a closed stderr is no reason to stop.
#[doc(hidden)]
pub fn print_line(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A bar's look; indicatif's own where the template were wrong.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `0.4 s`, `12 s` or `3 min 05 s`
pub(crate) fn brief(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        _ => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

/// The content, also after a panic elsewhere: what is behind these locks is valid at every moment.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(work: impl FnOnce(&Progress)) -> String {
        let sink = Arc::new(Mutex::new(Vec::<u8>::new()));
        work(&Progress::shown(Display::Plain(sink.clone())));
        let bytes = lock(&sink).clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn stages_and_notes_are_plain_lines_without_a_terminal() {
        let text = recorded(|progress| {
            progress.stage("Reading x.h5ad");
            progress.note("1 cell without counts left out");
            progress.stage("Cell graph");
            progress.finish();
        });
        assert_eq!(
            text,
            "Reading x.h5ad\nnote: 1 cell without counts left out\nCell graph\n"
        );
    }

    #[test]
    fn notes_and_losses_are_kept_also_where_nothing_is_shown() {
        let progress = Progress::new(true);
        progress.note("1 cell without counts left out");
        let bar = progress.bar("Pretraining", "step", 2);
        bar.tick(1, &[("ZINB", 0.5), ("graph", 0.25), ("contrast", 3.0)]);
        bar.tick(2, &[("ZINB", 0.25), ("graph", 0.125), ("contrast", 2.0)]);
        let said = progress.said();
        assert_eq!(said.notes, ["1 cell without counts left out"]);
        let [curve] = &said.curves[..] else {
            panic!("{said:?}")
        };
        assert_eq!((curve.phase.as_str(), curve.unit), ("Pretraining", "step"));
        assert_eq!(curve.epochs, [1, 2]);
        assert_eq!(curve.losses[2], ("contrast".to_owned(), vec![3.0, 2.0]));
    }

    #[test]
    fn a_part_has_the_notes_before_it_and_none_of_another_part() {
        let progress = Progress::new(true);
        progress.note("of all");
        for note in ["of one", "of another"] {
            let part = progress.part();
            part.note(note);
            assert_eq!(part.said().notes, ["of all", note]);
        }
        assert_eq!(progress.said().notes, ["of all"]);
    }

    #[test]
    fn a_phase_prints_its_first_epoch_and_every_tenth() {
        let text = recorded(|progress| {
            let bar = progress.bar("Pretraining", "epoch", 200);
            for epoch in 1..=200 {
                bar.tick(epoch, &[("ZINB", 0.5), ("graph", 0.25)]);
            }
            bar.finish();
        });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 11);
        assert!(lines[0].starts_with("  Pretraining: epoch 1/200, ZINB 0.5000, graph 0.2500, "));
        assert!(lines[1].starts_with("  Pretraining: epoch 20/200, "));
        assert!(lines[10].starts_with("  Pretraining: epoch 200/200, "));
    }

    #[test]
    fn a_short_phase_prints_every_epoch_and_where_it_stopped() {
        let text = recorded(|progress| {
            let bar = progress.bar("Clustering", "step", 3);
            let losses = [("ZINB", 0.5), ("graph", 0.25), ("KL", 0.125)];
            bar.tick(1, &losses);
            bar.tick(2, &losses);
            bar.finish();
        });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("graph 0.2500, KL 0.1250"));
        assert_eq!(lines[2], "  Clustering: done after 2 steps");
    }

    #[test]
    fn no_epochs_are_no_reason_to_divide() {
        let text = recorded(|progress| {
            let bar = progress.bar("Clustering", "epoch", 0);
            bar.finish();
        });
        assert_eq!(text, "");
    }

    #[test]
    fn templates_are_valid() {
        for template in [
            "{spinner} {msg:58} {elapsed:>8}",
            "  {prefix} {wide_bar} {pos}/{len} {msg} {eta} left",
        ] {
            ProgressStyle::with_template(template).expect(template);
        }
    }

    #[test]
    fn times_are_brief() {
        assert_eq!(brief(0.44), "0.4 s");
        assert_eq!(brief(12.4), "12 s");
        assert_eq!(brief(185.0), "3 min 05 s");
    }
}
