//! The command line program.

use std::process::ExitCode;

use attentionae_sc::{app, atomic, batch, cli, progress::print_line, threads};

/// Exit code of a run that the user stopped.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    threads::restart_with_yielding_workers();
    let request = match cli::parse(std::env::args_os()) {
        Ok(request) => request,
        Err(refusal) => return refusal.report(),
    };
    if let Err(error) = ctrlc::set_handler(interrupt) {
        print_line(&format!(
            "note: Ctrl-C may leave unfinished files ({error})"
        ));
    }
    match app::run(&request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// One line for what failed, one for why, less what the first line already says.
fn report(error: &anyhow::Error) {
    let mut said = error.to_string();
    print_line(&format!("error: {said}"));
    let mut causes = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said.push_str(&cause);
            causes.push(cause);
        }
    }
    if !causes.is_empty() {
        print_line(&format!("  because {}", causes.join(": ")));
    }
}

/// Has the runs of a batch end, removes half-written files and ends the process.
fn interrupt() {
    batch::stop();
    atomic::remove_unfinished();
    // SAFETY: `_exit` takes any status and never returns. Unlike `exit` it does not run the
    // destructors of libtorch and HDF5, which would race with the threads that still use them.
    unsafe { libc::_exit(INTERRUPTED) }
}
