//! Pictures of the cells: a 2-D layout of the embedding, coloured by cluster or cell type.

mod canvas;
mod error;
mod figure;
mod forces;
mod layout;
mod legend;
mod neighbors;
mod palette;
mod start;
mod text;

pub use error::PlotError;
pub use figure::{Figure, drawable, title, write_png};
pub use layout::umap_layout;
