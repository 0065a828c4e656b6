//! The command line program.

use std::process::ExitCode;

use attentionae_sc::{app, batch, cli, interrupt, progress::print_line, threads};

fn main() -> ExitCode {
    threads::restart_with_yielding_workers();
    let request = match cli::parse(std::env::args_os()) {
        Ok(request) => request,
        Err(refusal) => return refusal.report(),
    };
    if let Err(error) = interrupt::end_cleanly_when_stopped(batch::stop, batch::kill_all) {
        print_line(&format!(
            "note: Ctrl-C may leave unfinished files ({error})"
        ));
    }
    match app::run(&request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            interrupt::wait_if_stopped();
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
