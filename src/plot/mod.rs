//! Pictures of the cells: a 2-D layout of the embedding, coloured by cluster or cell type.

mod canvas;
mod error;
mod figure;
mod forces;
mod layout;
mod legend;
mod neighbors;
mod order;
mod palette;
mod start;
mod text;

pub use error::PlotError;
pub use figure::{Figure, title, write_png};
pub use layout::umap_layout;
pub use order::{drawing_order, sampled_order};
pub use palette::hex_colors;
