//! Programs that listen to signals, whoever runs the tests.

use std::{os::unix::process::CommandExt, process::Command};

use nix::sys::signal::{SigHandler, Signal, signal};

/// Has a program start as from a shell's prompt. Tests that run in the background or under `nohup` hand on that some
/// signals are to be ignored, and the program obeys.
pub fn listening(command: &mut Command) -> &mut Command {
    let reset = || {
        for stopping in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            // SAFETY: no handler of ours is installed or replaced; `signal` is allowed between fork and exec.
            unsafe { signal(stopping, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: `reset` neither allocates nor locks.
    unsafe { command.pre_exec(reset) }
}
