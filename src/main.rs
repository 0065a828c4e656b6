//! The command line program.

use std::process::ExitCode;

use attentionae_sc::{app, batch_run, cli, interrupt, out_of_memory, progress::print_line};

mod oldest_glibc;

#[global_allocator]
static ALLOCATOR: out_of_memory::Remembering = out_of_memory::Remembering;

fn main() -> ExitCode {
    let request = match cli::parse(std::env::args_os()) {
        Ok(request) => request,
        Err(refusal) => return refusal.report(),
    };
    if let Err(error) = out_of_memory::end_with_its_own_code() {
        print_line(&format!(
            "note: a lack of memory may have no exit code of its own ({error})"
        ));
    }
    if let Err(error) = interrupt::end_cleanly_when_stopped(batch_run::stop, batch_run::kill_all) {
        print_line(&format!(
            "note: Ctrl-C may leave unfinished files ({error})"
        ));
    }
    match app::run(&request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            interrupt::wait_if_stopped();
            report(&error);
            if out_of_memory::says_so(&error) {
                return ExitCode::from(out_of_memory::EXIT_CODE);
            }
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
