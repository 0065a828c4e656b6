//! A clean end where the user or the system stops the run.

use std::{
    io::{self, IsTerminal},
    mem::MaybeUninit,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use nix::{
    libc,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
    unistd::write,
};

use crate::atomic;

/// What stops a run: Ctrl-C, `kill`, a terminal that closes.
const STOPPING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Whether the process is about to end.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on a signal that stops the run removes half-written files and ends the process with 128 and the signal's
/// number: 130 for Ctrl-C. `first` runs before that; where another signal comes
/// meanwhile, `again` runs instead of the rest of it. A file that outgrows the system's limit is an error where it is
/// written.
///
/// To be called before any other thread starts: they inherit that the signals are blocked, and leave them to a
/// thread of their own, which may then lock and allocate as it likes.
///
/// # Errors
/// When the system refuses the thread, or blocking signals.
pub fn end_cleanly_when_stopped(first: fn(), again: fn()) -> io::Result<()> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed; the signal is ignored from now on.
    unsafe { sigaction(Signal::SIGXFSZ, &ignore) }?;
    // `nohup` and a shell's background jobs ask with an ignored signal that it be ignored.
    let wanted = STOPPING.into_iter().filter(|&signal| !is_ignored(signal));
    let signals: SigSet = wanted.collect();
    signals.thread_block()?;
    let waiting = thread::Builder::new().name("signals".to_owned());
    waiting.spawn(move || {
        loop {
            if let Ok(signal) = signals.wait() {
                STOPPED.store(true, Ordering::SeqCst);
                // Without a thread for it a second signal has to wait, as the first one does.
                let waiting = thread::Builder::new();
                let _ = waiting.spawn(move || {
                    if let Ok(signal) = signals.wait() {
                        end(signal, again);
                    }
                });
                end(signal, first);
            }
        }
    })?;
    Ok(())
}

/// Does not return where a signal stops the run just now: what fails because of that is no error of its own.
pub fn wait_if_stopped() {
    while STOPPED.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Runs `first`, removes half-written files and ends the process; after Ctrl-C, what the shell writes next is on a line of its own.
fn end(signal: Signal, first: fn()) -> ! {
    first();
    atomic::remove_unfinished();
    if signal == Signal::SIGINT && io::stderr().is_terminal() {
        // The cursor is at the end of what the terminal shows of Ctrl-C, or of a line that is kept up to date.
        let _ = write(io::stderr(), b"\n");
    }
    // SAFETY: `_exit` takes any status and never returns. Unlike `exit` it does not run the destructors of libtorch
    // and HDF5, which would race with the threads that still use them.
    unsafe { libc::_exit(128 + signal as i32) }
}

fn is_ignored(signal: Signal) -> bool {
    let mut found = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the call changes nothing, and fills `found` where it returns 0.
    unsafe {
        libc::sigaction(signal as i32, ptr::null(), found.as_mut_ptr()) == 0
            && found.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
