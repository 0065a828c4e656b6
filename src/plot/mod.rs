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
mod start;
mod svg;
mod text;
mod tree;

pub use error::PlotError;
pub(crate) use figure::drawable;
pub use figure::{Figure, title, write_figure};
pub use format::FigureFormat;
pub use layout::umap_layout;
pub(crate) use order::sampled_order;
pub(crate) use palette::hex_colors;
pub(crate) use tree::{TreeFigure, TreeNode, write_tree_figure};
