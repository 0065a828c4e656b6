//! The processes that a batch has started, so that all of them can be stopped.
//!
//! Each data set is a run of this program in a process of its own: a crash ends one data set.

use std::{
    io,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long processes may take to remove what they have half written.
const GRACE: Duration = Duration::from_secs(10);
/// How long a process that is killed may take to end: one that waits for a disk may never do.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether a process has ended.
const PAUSE: Duration = Duration::from_millis(20);

static CHILDREN: Mutex<State> = Mutex::new(State {
    running: Vec::new(),
    is_stopped: false,
});

struct State {
    running: Vec<Child>,
    is_stopped: bool,
}

/// A process that was started here.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    /// What it says.
    pub stderr: ChildStderr,
}

impl Process {
    /// The number under which [`wait`] knows it.
    pub(super) fn id(&self) -> u32 {
        self.id
    }
}

/// A panic elsewhere leaves the list whole: every change to it is a single call.
fn state() -> MutexGuard<'static, State> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a process without input, whose standard output nobody reads. Does not return once the batch is
/// being stopped.
pub(super) fn start(command: &mut Command) -> io::Result<Process> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut state = running();
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take();
    let id = child.id();
    state.running.push(child);
    let stderr = stderr.ok_or_else(|| io::Error::other("its standard error is not connected"))?;
    Ok(Process { id, stderr })
}

/// Waits for the end of a process. Does not return once the batch is being stopped.
pub(super) fn wait(id: u32) -> io::Result<ExitStatus> {
    loop {
        let mut state = running();
        let Some(at) = state.running.iter().position(|child| child.id() == id) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if let Some(status) = state.running[at].try_wait()? {
            state.running.retain(|child| child.id() != id);
            return Ok(status);
        }
        drop(state);
        thread::sleep(PAUSE);
    }
}

/// The list, unless the batch is being stopped: then what the program does next is to end, and whoever asks
/// waits for that.
fn running() -> MutexGuard<'static, State> {
    let state = state();
    if state.is_stopped {
        drop(state);
        loop {
            thread::park();
        }
    }
    state
}

/// Asks every process to end, waits until all have, kills those that do not, and starts no more. For the end of a batch that a signal
/// stops: each process removes its own unfinished files.
pub fn stop() {
    state().is_stopped = true;
    let asked = Instant::now();
    signal_all(Signal::SIGTERM);
    while !all_ended() {
        if asked.elapsed() > GRACE + LAST_GRACE {
            return;
        }
        if asked.elapsed() > GRACE {
            signal_all(Signal::SIGKILL);
        }
        thread::sleep(PAUSE);
    }
}

/// Kills every process at once. For a second signal while [`stop`] waits.
pub fn kill_all() {
    signal_all(Signal::SIGKILL);
}

fn signal_all(signal: Signal) {
    for child in &state().running {
        // A process that has ended is still in the list only until it is waited for: its number is its own.
        let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
    }
}

fn all_ended() -> bool {
    let running = &mut state().running;
    running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    running.is_empty()
}
