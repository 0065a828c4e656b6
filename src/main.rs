//! The command line program.

use std::process::ExitCode;

use attentionae_sc::{
    app, batch_run, cli, failure::told, interrupt, out_of_memory, progress::print_line,
};

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
            print_line(&told(&error));
            if out_of_memory::says_so(&error) {
                return ExitCode::from(out_of_memory::EXIT_CODE);
            }
            ExitCode::FAILURE
        }
    }
}
