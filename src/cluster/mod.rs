//! Clusters of cells.

mod connected;
mod error;
mod leiden;
mod modularity;

pub use error::ClusterError;
pub use leiden::{Partition, leiden};
pub use modularity::modularity;
