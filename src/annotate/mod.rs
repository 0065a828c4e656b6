//! Labels of new cells from a trained model.
mod error;
mod reference;
mod vote;
pub use self::{error::AnnotateError, reference::reference_cells};
