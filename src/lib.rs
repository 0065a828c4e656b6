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
//! [`pipeline::run`] calls the stages in order; each takes the type that the one before returns. [`annotate::run`] labels new
//! cells with the model that a run saved.

// A test spells out every option of a run in one `json!`.
#![cfg_attr(test, recursion_limit = "256")]

// The command line
pub mod app;
pub mod batch;
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

pub mod model;
pub mod model_file;

pub mod cluster;
pub mod partition;

pub mod annotate;

pub mod markers;
pub mod metrics;
pub mod plot;
pub mod report;
pub mod write;

// What stages share
pub mod atomic;
mod bisection;
mod cgroup;
pub mod counts;
mod grouping;
mod guard;
pub mod interrupt;
pub mod libtorch;
pub mod memory;
pub mod names;
pub mod out_of_memory;
pub mod processor;
pub mod seed;
pub mod special;
pub mod threads;
mod unit;
