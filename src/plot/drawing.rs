//! A figure as shapes, before it is known in which format they are written.

use plotters::style::RGBColor;

use super::text::Line;

/// A white page with shapes, in written pixels from its left upper corner; later shapes lie over earlier ones.
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

/// What a figure is made of.
pub(super) enum Shape {
    /// A filled circle.
    Disc {
        place: (f64, f64),
        radius: f64,
        color: RGBColor,
    },
    /// A line through points.
    Path {
        points: Vec<(f64, f64)>,
        width: f64,
        color: RGBColor,
    },
    /// A line of text.
    Text(Line),
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width: width.ceil(),
            height: height.ceil(),
            shapes: Vec::new(),
        }
    }

    pub(super) fn disc(&mut self, place: (f64, f64), radius: f64, color: RGBColor) {
        self.shapes.push(Shape::Disc {
            place,
            radius,
            color,
        });
    }

    pub(super) fn path(&mut self, points: Vec<(f64, f64)>, width: f64, color: RGBColor) {
        self.shapes.push(Shape::Path {
            points,
            width,
            color,
        });
    }

    pub(super) fn text(&mut self, line: Line) {
        self.shapes.push(Shape::Text(line));
    }
}
