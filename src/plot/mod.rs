//! Pictures of the cells: a 2-D layout of their graph, coloured by cluster or cell type.

mod canvas;
mod descent;
mod drawing;
mod error;
mod figure;
mod forces;
mod format;
mod landmarks;
mod layout;
mod legend;
mod order;
mod palette;
mod pdf;
mod pixels;
mod start;
mod svg;
mod text;
mod tree;

pub use error::PlotError;
pub use figure::{Figure, drawable, title, write_figure};
pub use format::FigureFormat;
pub use layout::umap_layout;
pub use order::{drawing_order, sampled_order};
pub use palette::hex_colors;
pub use tree::{TreeFigure, TreeNode, write_tree_figure};
