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
//!
//! This crate is the program's library. Its modules can be used one by one:
//!
//! | to do this | call |
//! | --- | --- |
//! | a whole run, as the program does it | [`config::RunConfig::from_options`], then [`pipeline::run`] |
//! | labels of new cells from a trained model | [`config::AnnotateConfig::from_options`], then [`annotate::run`] |
//! | read counts and labels, of any format | [`read::read`] |
//! | read or write an `.h5ad` file | [`h5ad::H5ad::open`], [`h5ad::write_h5ad`] |
//! | turn any input into an `.h5ad` file | [`convert::to_h5ad`] |
//! | normalise counts and choose variable genes | [`preprocess::prepare`] |
//! | a cell graph | [`graph::JointGraph`], [`graph::CellGraph`] |
//! | clusters of a cell graph | [`partition::leiden`], [`partition::find_types`] |
//! | marker genes | [`markers::find_markers`] |
//! | scores of clusters | [`metrics`] |
//! | a layout and a figure | [`plot::umap_layout`], [`plot::write_figure`] |
//!
//! A whole run takes the options of the command line, which `attentionae-sc --help-all` lists:
//!
//! ```no_run
//! use attentionae_sc::{config::RunConfig, pipeline, progress::Progress};
//!
//! let config = RunConfig::from_options(["-name", "zeisel", "-output_dir", "out"])?;
//! let summary = pipeline::run(&config, &Progress::new(true))?;
//! println!("{:?}", summary.scores);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Three programs in the folder `examples` show more; `cargo run --release --example NAME` runs one:
//!
//! - `read_h5ad` reads the counts and labels of an `.h5ad` file, a thousand cells at a time.
//! - `partition` clusters cells without training: it reads, prepares, joins the graphs of three views, and cuts the tree.
//! - `embed` trains the network in a whole run, and reads the embedding that the run wrote.
//!
//! The network runs on libtorch, which `cargo build` links: the environment variable `LIBTORCH` names its folder, and `make
//! setup` installs it.

// A test spells out every option of a run in one `json!`.
#![cfg_attr(test, recursion_limit = "256")]

// A run and its configuration
pub mod annotate;
pub mod config;
pub mod pipeline;
pub mod progress;
#[doc(inline)]
pub use cli::Refusal;

// The stages, in order
pub mod convert;
pub mod counts;
pub mod graph;
pub mod h5ad;
pub mod markers;
pub mod metrics;
pub mod packed_counts;
pub mod partition;
pub mod plot;
pub mod preprocess;
pub mod read;

// What tests and benchmarks of single stages call: the network is made to fit this method, its interface follows it.
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod memory;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod output_table;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod seed;
#[doc(hidden)]
pub mod train;
#[doc(hidden)]
pub mod write;

// What the program calls, and only it.
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod batch_run;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod failure;
#[doc(hidden)]
pub mod interrupt;
#[doc(hidden)]
pub mod libtorch;
#[doc(hidden)]
pub mod out_of_memory;

// What stages share
mod atomic;
mod bisection;
mod cgroup;
mod grouping;
mod guard;
mod model_file;
mod names;
mod preset;
mod processor;
mod special;
mod threads;
mod unit;
