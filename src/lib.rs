//! Finds cell types in single-cell RNA-seq data.
//!
//! ```text
//! read ──► preprocess ────────────► graph ──► model ──────► partition ──► write
//! raw      log-normalised HVGs,     joint     attention     Leiden, tree  labels, embedding,
//! counts   components of 3 views    graph     autoencoder                 scores, figures
//! ```
//!
//! The method is that of Li et al., *Attention-based deep clustering method for scRNA-seq cell
//! type identification*, PLoS Comput Biol 2023, doi:10.1371/journal.pcbi.1011641.
//! [`pipeline::run`] calls the stages in order; each takes the type that the one before returns. Each stage can be called by
//! itself; `examples/` has a program for [`h5ad`], one for [`partition`] and one for a whole run. [`annotate::run`] labels new cells with the model that a run
//! saved.
//!
//! ```no_run
//! use attentionae_sc::{cli, pipeline, progress::Progress};
//!
//! let line = ["attentionae-sc", "-name", "zeisel", "-output_dir", "out"];
//! if let cli::Request::Run(config) = cli::parse(line.map(Into::into))? {
//!     let summary = pipeline::run(&config, &Progress::new(true))?;
//!     println!("{:?}", summary.scores);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// A test spells out every option of a run in one `json!`.
#![cfg_attr(test, recursion_limit = "256")]

// The command line
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod batch_run;
pub mod cli;
pub mod config;
pub mod preset;
pub mod progress;

// The stages, in order
pub mod pipeline;

pub mod convert;
pub mod h5ad;
pub mod read;

pub mod preprocess;

pub mod graph;

pub mod kernels;
pub mod model;
pub mod model_file;
pub mod train;

pub mod partition;

pub mod annotate;

pub mod markers;
pub mod metrics;
pub mod plot;
pub mod report;
pub mod write;

// What stages share
mod atomic;
mod bisection;
mod cgroup;
pub mod counts;
mod grouping;
mod guard;
#[doc(hidden)]
pub mod interrupt;
#[doc(hidden)]
pub mod libtorch;
pub mod memory;
mod names;
#[doc(hidden)]
pub mod out_of_memory;
mod processor;
pub mod seed;
mod special;
mod threads;
mod unit;
