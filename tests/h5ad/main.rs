//! Reading and writing `.h5ad` files.

mod draft;
mod matrix;
mod refused;
mod tables;
mod write;
