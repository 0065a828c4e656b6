//! From a checked request to its result on stdout.

use std::io::Write;

use crate::{
    cli::Request,
    config::{ConvertConfig, RunConfig},
    pipeline,
    progress::Progress,
};

/// Does what was asked for.
///
/// # Errors
/// Whatever stage failed, with its causes.
pub fn run(request: &Request) -> anyhow::Result<()> {
    match request {
        Request::Run(config) => find_cell_types(config),
        Request::Convert { conversions, quiet } => {
            let progress = Progress::new(*quiet);
            conversions
                .iter()
                .try_for_each(|conversion| convert(conversion, &progress))
        }
    }
}

fn find_cell_types(config: &RunConfig) -> anyhow::Result<()> {
    let progress = Progress::new(config.quiet);
    let summary = pipeline::run(config, &progress)?;
    progress.finish();
    print_result(&summary.scores.to_string());
    Ok(())
}

fn convert(conversion: &ConvertConfig, progress: &Progress) -> anyhow::Result<()> {
    progress.stage(&format!("Converting {}", conversion.name));
    anyhow::bail!(
        "{}: the converters are not merged",
        conversion.output.display()
    )
}

/// Writes a line to stdout. A reader that has left, as `| head` does, is no failure.
fn print_result(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
