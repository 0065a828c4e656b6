//! Reading and writing `.h5ad` files.

mod draft;
mod matrix;
mod messages;
mod mutations;
mod refused;
mod tables;
mod write;
