//! From cell graphs and the embedding to clusters.

pub mod assignment;
mod choice;
mod connected;
mod error;
pub mod labelling;
mod leiden;
mod modularity;
mod partition;
mod purity;
pub mod self_training;
mod separating_genes;
pub mod vote;

pub use choice::{Candidate, ChosenResolution, choose_clusters};
pub use error::ClusterError;
pub use leiden::{Partition, leiden};
pub use modularity::modularity;
