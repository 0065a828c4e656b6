//! From the embedding to clusters.

pub mod assignment;
mod connected;
mod error;
pub mod labelling;
mod leiden;
mod modularity;
mod partition;
mod resolution;
pub mod self_training;

pub use error::ClusterError;
pub use leiden::{Partition, leiden};
pub use modularity::modularity;
pub use resolution::{Candidate, ChosenResolution, choose_resolution};
