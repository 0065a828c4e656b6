//! From a checked request to its result on stdout.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

use crate::{
    annotate,
    batch_run::{self, BatchRunError, Record, Status},
    cli::Request,
    config::{AnnotateConfig, BatchRunConfig, ConvertConfig, RawFiles, RunConfig},
    convert,
    failure::told,
    pipeline,
    progress::{Progress, print_line},
    write::check_writable,
};

/// Does what was asked for.
///
/// # Errors
/// Whatever stage failed, with its causes.
pub fn run(request: &Request) -> anyhow::Result<()> {
    match request {
        Request::Run(config) => find_cell_types(config),
        Request::Batch(config) => find_in_all(config),
        Request::Annotate(config) => label_new_cells(config),
        Request::Convert { conversions, quiet } => {
            let progress = Progress::new(*quiet);
            let results = conversions.iter();
            let results = results.map(|conversion| convert_one(conversion, &progress));
            all_told(results.filter_map(Result::err).collect())
        }
        Request::Shell(file) => print_result(file.text().trim_end()),
    }
}

fn find_cell_types(config: &RunConfig) -> anyhow::Result<()> {
    let progress = Progress::new(config.quiet);
    let summary = pipeline::run(config, &progress)?;
    progress.finish();
    print_result(&summary.scores.to_string())
}

fn label_new_cells(config: &AnnotateConfig) -> anyhow::Result<()> {
    let progress = Progress::new(config.quiet);
    let outcome = annotate::run(config, &progress)?;
    for line in &outcome.lines {
        print_result(line)?;
    }
    all_told(outcome.failures)
}

/// Tells of all failures but the last, which is told as that of the command.
fn all_told(mut failures: Vec<anyhow::Error>) -> anyhow::Result<()> {
    let last = failures.pop();
    for failure in &failures {
        print_line(&told(failure));
    }
    last.map_or(Ok(()), Err)
}

fn find_in_all(config: &BatchRunConfig) -> anyhow::Result<()> {
    let records = batch_run::run(config)?;
    print_result(&batch_run::summary(&records))?;
    let failed = |record: &&Record| record.status == Status::Failed;
    let names: Vec<String> = records
        .iter()
        .filter(failed)
        .map(|record| record.name.clone())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let n_data_sets = records.len();
    Err(BatchRunError::Failures { names, n_data_sets }.into())
}

fn convert_one(conversion: &ConvertConfig, progress: &Progress) -> anyhow::Result<()> {
    let output = &conversion.output;
    check_writable(output.parent().unwrap_or(output))?;
    progress.stage(&format!("Converting {}", conversion.name));
    let inputs = match &conversion.input {
        RawFiles::Any(inputs) => inputs.clone(),
        RawFiles::H5 { typed, raw_dir } => convert::find_h5(typed, raw_dir)?.into(),
        RawFiles::Csv(files) => files.iter().collect(),
    };
    if !conversion.overwrite {
        convert::check_replaceable(&inputs, output)?;
    }
    let converted = match &conversion.input {
        RawFiles::Csv(files) => convert::tables_to_h5ad(files, &conversion.read, output)?,
        _ => convert::to_h5ad(inputs, &conversion.read, output)?,
    };
    for note in &converted.notes {
        progress.note(note);
    }
    progress.finish();
    print_result(&format!("{}: {converted}", output.display()))
}

/// Writes a line to stdout. A reader that has left, as `| head` does, is no failure.
fn print_result(line: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(e).context("stdout: the result cannot be written")
        }
        _ => Ok(()),
    }
}
