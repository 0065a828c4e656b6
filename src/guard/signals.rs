//! What happens when the HDF5 library crashes, or when its time is up.

use std::{
    cell::Cell,
    io::{self, IoSlice, IsTerminal},
    ptr,
    rc::Rc,
    sync::OnceLock,
};

use nix::{
    libc::{self, c_int, c_void, siginfo_t},
    sys::{
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction},
        uio::writev,
    },
};

use super::{ADVICE, limits};
use crate::{atomic, out_of_memory};

/// The signals of a crash, and of a timer that ran out.
const SIGNALS: [Signal; 6] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGABRT,
    Signal::SIGXCPU,
];

/// What each signal did before.
static BEFORE: [OnceLock<SigAction>; SIGNALS.len()] = [const { OnceLock::new() }; SIGNALS.len()];
/// Takes a live progress line off the screen; empty where stderr is no terminal.
static CLEAR_LINE: OnceLock<&str> = OnceLock::new();

thread_local! {
    /// What this thread lets the library read now. Constant and without a destructor, so that it is there at
    /// every moment of the thread's life without an allocation.
    static READING: Cell<*const str> = const { Cell::new(NOTHING) };
}

const NOTHING: *const str = ptr::slice_from_raw_parts(ptr::null::<u8>(), 0) as *const str;

/// Names what is being read until dropped.
pub(super) struct Watched {
    outer: *const str,
    /// Shared, so that `READING` may point at the text whoever else holds it.
    _subject: Rc<str>,
}

impl Watched {
    pub(super) fn new(subject: String) -> Self {
        let subject: Rc<str> = subject.into();
        let outer = READING.replace(Rc::as_ptr(&subject));
        Self {
            outer,
            _subject: subject,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        READING.set(self.outer);
    }
}

/// Shows `visit` what this thread is reading; does nothing outside of guarded calls.
fn while_reading(visit: impl FnOnce(&str)) {
    let reading = READING.get();
    if !reading.is_null() {
        // SAFETY: a pointer that is not null is set by this thread's `Watched`, which resets it before it gives up
        // the text; a signal's handler runs on this thread too, so nothing changes meanwhile.
        visit(unsafe { &*reading });
    }
}

/// Takes over the signals. Outside of guarded calls they do what they did before.
pub(super) fn install() {
    let live = io::stderr().is_terminal();
    let _ = CLEAR_LINE.set(if live { "\r\x1b[2K" } else { "" });
    // On the stack that the standard library reserves for signals: a crash may have used up the thread's own.
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(on_signal), flags, SigSet::empty());
    for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
        // SAFETY: `on_signal` may run at any moment: it allocates nothing, waits for no lock, and uses system
        // calls and constants only, as described there.
        if let Ok(replaced) = unsafe { sigaction(signal, &action) } {
            let _ = before.set(replaced);
        }
    }
}

/// Ends the process with a message where the thread is in a guarded call: of a lack of memory where that is the reason, or else of
/// what cannot be read. Elsewhere lets the signal do what it did.
extern "C" fn on_signal(number: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t` to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    let is_timer = number == libc::SIGXCPU && code == libc::SI_TIMER;
    if is_timer || number != libc::SIGXCPU {
        while_reading(|subject| {
            if number == libc::SIGABRT && out_of_memory::refused().is_some_and(limits::are_lacking)
            {
                out_of_memory::end();
            }
            end(subject, is_timer);
        });
    }
    if is_timer {
        // It ran out in the moment in which the call returned.
        return;
    }
    pass_on(number, code);
}

/// Gives the signal back to whoever had it before.
fn pass_on(number: c_int, code: c_int) {
    let Ok(signal) = Signal::try_from(number) else {
        return;
    };
    let position = SIGNALS.iter().position(|&known| known == signal);
    let before = position.and_then(|position| BEFORE[position].get());
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler that was installed before, or the default.
    let _ = unsafe { sigaction(signal, before.unwrap_or(&default)) };
    // A fault happens again on return. A signal that a program sent does not, and is sent again.
    if code <= 0 || signal == Signal::SIGXCPU {
        let _ = raise(signal);
    }
}

/// Ends the process as a file that cannot be read does elsewhere.
fn end(subject: &str, is_timer: bool) {
    report(subject, is_timer);
    atomic::remove_unfinished_at_once();
    // SAFETY: `_exit` takes any status and never returns; it runs no destructors, which might crash again.
    unsafe { libc::_exit(1) }
}

/// One line on stderr, in one system call.
fn report(subject: &str, is_timer: bool) {
    let reason = if is_timer {
        " cannot be read: the HDF5 library does not finish"
    } else {
        " cannot be read: the HDF5 library crashed"
    };
    let clear = CLEAR_LINE.get().copied().unwrap_or_default();
    let parts = [clear, "error: ", subject, reason, ". ", ADVICE, "\n"];
    let parts = parts.map(|part| IoSlice::new(part.as_bytes()));
    // Nobody is left to tell that stderr is closed.
    let _ = writev(io::stderr(), &parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Option<String> {
        let mut found = None;
        while_reading(|subject| found = Some(subject.to_owned()));
        found
    }

    #[test]
    fn a_thread_knows_what_it_reads_and_forgets_it() {
        assert_eq!(reading(), None);
        let outer = Watched::new("a.h5ad: X".to_owned());
        assert_eq!(reading().as_deref(), Some("a.h5ad: X"));
        let inner = Watched::new("a.h5ad: obs".to_owned());
        assert_eq!(reading().as_deref(), Some("a.h5ad: obs"));
        let elsewhere = std::thread::spawn(reading).join().expect("no panic");
        assert_eq!(elsewhere, None);
        drop(inner);
        assert_eq!(reading().as_deref(), Some("a.h5ad: X"));
        drop(outer);
        assert_eq!(reading(), None);
    }
}
