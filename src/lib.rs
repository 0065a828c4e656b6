//! Finds cell types in single-cell RNA-seq data.
//!
//! ```text
//! h5ad ──► preprocess ──► graph ──► model ──► cluster ──► write
//! raw      log-normalised  cell      attention  Leiden,     labels, embedding,
//! counts   HVGs            graph     autoencoder self-train  scores, figures
//! ```
//!
//! The method is that of Li et al., *Attention-based deep clustering method for scRNA-seq cell
//! type identification*, `PLoS` Comput Biol 2023, doi:10.1371/journal.pcbi.1011641.
//! [`pipeline::run`] calls the stages in order; each takes the type that the one before returns.

pub mod cluster;
pub mod config;
pub mod counts;
pub mod graph;
pub mod h5ad;
pub mod metrics;
pub mod model;
pub mod plot;
pub mod preprocess;
pub mod seed;
