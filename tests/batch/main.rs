//! Batches of whole runs.

#[path = "../common/signals.rs"]
mod signals;

mod place;
mod records;
mod stopped;
