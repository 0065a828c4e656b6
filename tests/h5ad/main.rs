//! Reading and writing `.h5ad` files.

#[path = "../common/mod.rs"]
mod common;

mod copies;
mod draft;
mod matrix;
mod messages;
mod mutations;
mod refused;
mod tables;
mod write;
mod zarr;
