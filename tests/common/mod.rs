//! What several integration tests and benchmarks share.

#![allow(
    dead_code,
    reason = "each test compiles this module for itself and uses a part of it"
)]

pub mod golden;
