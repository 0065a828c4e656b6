//! From the embedding to clusters.

pub mod assignment;
pub mod self_training;
