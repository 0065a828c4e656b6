//! What the program says, and leaves, where its surroundings fail it.
//!
//! Every message is compared whole: it is all that a user gets.

mod files;
mod full_disk;
mod pipes;
mod program;
#[path = "../common/short.rs"]
mod short;
#[path = "../common/signals.rs"]
mod signals;
#[path = "../common/skip.rs"]
mod skip;
mod stopped;
#[path = "../common/terminal.rs"]
mod terminal;
