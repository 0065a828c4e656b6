//! A figure of the tree of clusters: the stronger the evidence of a split, the further left it lies.

use std::path::Path;

use plotters::style::RGBColor;

use super::{
    FigureFormat, PlotError,
    drawing::Drawing,
    figure::draw_title,
    palette::palette,
    text::{Flow, Line, shortened, width},
};

const LEFT: f64 = 64.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 40.0;
const RIGHT: f64 = 40.0;
/// From the root to the tips.
const DEPTH: f64 = 820.0;
/// Height of a tip's row, and the least where there are many.
const ROW: f64 = 58.0;
const LEAST_ROW: f64 = 26.0;
const TALLEST: f64 = 2400.0;
/// Longest label, in ems.
const WIDEST_LABEL: f64 = 30.0;

/// Lengths of an em, in written pixels.
const TIP_TEXT: f64 = 20.0;
const SPLIT_TEXT: f64 = 15.0;

const BRANCH: RGBColor = RGBColor(110, 110, 110);

/// A tree of clusters.
#[derive(Debug, Clone, Copy)]
pub struct TreeFigure<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// Children before their parents; the root is last.
    pub nodes: &'a [TreeNode],
}

/// A cluster at a tip, or a split.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeNode {
    /// What it is split into; `None` of a tip.
    pub children: Option<[usize; 2]>,
    /// The evidence of a split and of all below it; none counts of a tip.
    pub height: f64,
    /// What is written beside it.
    pub label: String,
    /// Of a tip, the place of its colour among those of a figure of cells.
    pub color: usize,
}

impl TreeNode {
    fn text_size(&self) -> f64 {
        match self.children {
            None => TIP_TEXT,
            Some(_) => SPLIT_TEXT,
        }
    }
}

/// Writes a figure of the tree to exactly this path.
///
/// Errors: a file that cannot be written.
pub fn write_tree_figure(
    path: &Path,
    figure: &TreeFigure,
    format: FigureFormat,
) -> Result<(), PlotError> {
    let tips = || figure.nodes.iter().filter(|node| node.children.is_none());
    let n_tips = tips().count();
    let row = (TALLEST / n_tips.max(1) as f64).clamp(LEAST_ROW, ROW);
    let places = places(figure.nodes, row);
    let labels = labels(figure.nodes)?;
    let mut widest = 0.0_f64;
    for (node, label) in figure.nodes.iter().zip(&labels) {
        if node.children.is_none() {
            widest = widest.max(width(label, TIP_TEXT)?);
        }
    }
    let total = LEFT + DEPTH + 1.8 * TIP_TEXT + widest + RIGHT;
    let mut drawing = Drawing::new(total, TOP + row * n_tips as f64 + BOTTOM);
    draw_title(&mut drawing, figure.title, total - LEFT - RIGHT)?;
    draw_branches(&mut drawing, figure.nodes, &places);
    draw_nodes(&mut drawing, figure.nodes, labels, &places);
    format.write(path, &drawing)
}

/// The labels, as far as there is room for them.
fn labels(nodes: &[TreeNode]) -> Result<Vec<String>, PlotError> {
    let label = |node: &TreeNode| {
        let size = node.text_size();
        shortened(&node.label, size, size * WIDEST_LABEL)
    };
    nodes.iter().map(label).collect()
}

fn draw_branches(drawing: &mut Drawing, nodes: &[TreeNode], places: &[(f64, f64)]) {
    for (node, &(x, y)) in nodes.iter().zip(places) {
        for &child in node.children.iter().flatten() {
            let (child_x, child_y) = places[child];
            drawing.path(vec![(x, y), (x, child_y), (child_x, child_y)], 1.5, BRANCH);
        }
    }
}

fn draw_nodes(
    drawing: &mut Drawing,
    nodes: &[TreeNode],
    labels: Vec<String>,
    places: &[(f64, f64)],
) {
    let n_colors = nodes.iter().map(|node| node.color + 1).max();
    let colors = palette(n_colors.unwrap_or(0));
    for ((node, label), &(x, y)) in nodes.iter().zip(labels).zip(places) {
        let (radius, color) = if node.children.is_none() {
            (8.0, colors[node.color])
        } else {
            (4.5, BRANCH)
        };
        let size = node.text_size();
        drawing.disc((x, y), radius, color);
        drawing.text(Line {
            text: label,
            size,
            place: (x + radius + 0.6 * size, y),
            flow: Flow::FromLeft,
        });
    }
}

/// Where nodes are: tips below each other, a split half-way between its sides and the further left the stronger it is.
fn places(nodes: &[TreeNode], row: f64) -> Vec<(f64, f64)> {
    let heights = || {
        nodes
            .iter()
            .filter(|node| node.children.is_some())
            .map(|node| node.height)
    };
    let strongest = heights().fold(f64::NEG_INFINITY, f64::max);
    let weakest = heights().fold(f64::INFINITY, f64::min);
    let extent = (strongest - weakest).max(f64::MIN_POSITIVE);
    // The weakest split lies a third before the tips, so that its label has room.
    let x = |height: f64| LEFT + DEPTH * 0.67 * (strongest - height) / extent;
    let mut places = vec![(LEFT + DEPTH, 0.0); nodes.len()];
    let mut open: Vec<usize> = nodes.len().checked_sub(1).into_iter().collect();
    let mut n_tips = 0;
    while let Some(node) = open.pop() {
        if let Some([one, other]) = nodes[node].children {
            open.extend([other, one]);
        } else {
            places[node].1 = TOP + (f64::from(n_tips) + 0.5) * row;
            n_tips += 1;
        }
    }
    for (
        node,
        TreeNode {
            children, height, ..
        },
    ) in nodes.iter().enumerate()
    {
        if let Some([one, other]) = *children {
            places[node] = (x(*height), f64::midpoint(places[one].1, places[other].1));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(children: Option<[usize; 2]>, height: f64) -> TreeNode {
        TreeNode {
            children,
            height,
            label: "Cluster".to_owned(),
            color: 0,
        }
    }

    #[test]
    fn the_root_is_left_and_tips_are_right_below_each_other() {
        // (0, (1, 2))
        let nodes = [
            node(None, 0.0),
            node(None, 0.0),
            node(None, 0.0),
            node(Some([1, 2]), 1.0),
            node(Some([0, 3]), 5.0),
        ];
        let found = places(&nodes, 10.0);
        let rows: Vec<f64> = found.iter().map(|place| place.1 - TOP).collect();
        assert_eq!(rows, [5.0, 15.0, 25.0, 20.0, 12.5]);
        let columns: Vec<f64> = found.iter().map(|place| place.0 - LEFT).collect();
        assert_eq!(columns, [DEPTH, DEPTH, DEPTH, 0.67 * DEPTH, 0.0]);
    }
}
