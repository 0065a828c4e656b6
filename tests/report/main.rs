//! Reports: what they hold, how large they are, that no name can break them, and how they behave in a real browser.

mod browser;
mod chromium;
mod command;
mod content;
mod new_cells;
mod page;
mod simulated;
#[path = "../common/skip.rs"]
mod skip;
