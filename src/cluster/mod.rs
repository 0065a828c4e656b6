//! From the embedding to clusters.

pub mod assignment;
