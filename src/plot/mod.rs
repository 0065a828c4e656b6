//! Pictures of the cells: a 2-D layout of the embedding, coloured by cluster or cell type.

mod forces;
mod layout;
mod neighbors;
mod start;

pub use layout::umap_layout;
