//! Self-training on clusters: the published clustering stage.

pub mod assignment;
pub mod labelling;
pub mod self_training;
