//! Converting `.h5` matrices and tables to `.h5ad`.

#[path = "../common/mod.rs"]
mod common;

mod folder;
mod h5;
mod real;
mod tables;
