//! Whole runs of the program.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/signals.rs"]
mod signals;

mod changed;
mod interrupted;
mod mini_batches;
mod outputs;
mod program;
mod refused;
