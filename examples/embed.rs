//! Trains the network on a data set, and reads the embedding that it writes.
//!
//! `cargo run --release --example embed -- Data/AnnData/zeisel.h5ad out [OPTION VALUE]...`: the options are the program's.

use std::{env, error::Error, ffi::OsString};

use attentionae_sc::{config::RunConfig, pipeline, progress::Progress};

fn main() -> Result<(), Box<dyn Error>> {
    let mut typed = env::args_os().skip(1);
    let input = typed
        .next()
        .unwrap_or_else(|| "Data/AnnData/zeisel.h5ad".into());
    let folder = typed.next().unwrap_or_else(|| "out".into());
    let mut options: Vec<OsString> = vec!["-name".into(), input];
    options.extend(["-output_dir".into(), folder]);
    options.extend(typed);
    let config = RunConfig::from_options(options)?;
    let summary = pipeline::run(&config, &Progress::new(false))?;
    println!("silhouette of the clusters: {:?}", summary.scores.asw);

    let path = config
        .output_dir
        .join("embedding")
        .join(format!("{}.csv", config.name));
    let mut table = csv::Reader::from_path(&path)?;
    let width = table.headers()?.len() - 1;
    println!(
        "{}: {} cells in {width} dimensions",
        path.display(),
        table.records().count()
    );
    Ok(())
}
