//! Tests that lack what they need.

use std::io::Write;

/// Says on standard error, past the capture of a test's output, that a test compares nothing.
pub fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {reason}");
}
