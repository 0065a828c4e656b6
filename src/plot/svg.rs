//! A figure as SVG: cells are dots of a path per run of one colour, text stays text.

use std::fmt::Write as _;

use super::{
    drawing::{Drawing, Shape},
    palette::hex,
    text::{CAPITALS, Flow, Line},
};

/// The document.
pub(super) fn document(drawing: &Drawing) -> String {
    let (width, height) = (drawing.width, drawing.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut shapes = drawing.shapes.iter().peekable();
    while let Some(shape) = shapes.next() {
        match shape {
            Shape::Disc {
                place,
                radius,
                color,
            } => {
                let _ = write!(
                    text,
                    "<path stroke=\"{}\" stroke-width=\"{}\" stroke-linecap=\"round\" d=\"{}",
                    hex(*color),
                    short(2.0 * radius),
                    dot(*place)
                );
                let is_same = |next: &&Shape| matches!(next, Shape::Disc { radius: r, color: c, .. } if r.total_cmp(radius).is_eq() && c == color);
                while let Some(Shape::Disc { place, .. }) = shapes.next_if(is_same) {
                    text.push_str(&dot(*place));
                }
                text.push_str("\"/>\n");
            }
            Shape::Path {
                points,
                width,
                color,
            } => {
                let points: Vec<String> = points
                    .iter()
                    .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
                    .collect();
                let _ = writeln!(
                    text,
                    "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" points=\"{}\"/>",
                    hex(*color),
                    short(*width),
                    points.join(" ")
                );
            }
            Shape::Text(line) => text.push_str(&label(line)),
        }
    }
    text + "</svg>\n"
}

/// A line of no length, which its round ends make a dot.
fn dot((x, y): (f64, f64)) -> String {
    format!("M{} {}h0", short(x), short(y))
}

fn label(line: &Line) -> String {
    let (x, y) = line.place;
    let lowered = line.size * f64::from(CAPITALS) / 2.0;
    let (anchor, transform) = match line.flow {
        Flow::FromLeft => (
            "start",
            format!("translate({} {})", short(x), short(y + lowered)),
        ),
        Flow::Centered => (
            "middle",
            format!("translate({} {})", short(x), short(y + lowered)),
        ),
        Flow::Upwards => (
            "middle",
            format!("translate({} {}) rotate(-90)", short(x + lowered), short(y)),
        ),
    };
    format!(
        "<text font-family=\"'DejaVu Sans', Verdana, sans-serif\" font-size=\"{}\" fill=\"#1e1e1e\" text-anchor=\"{anchor}\" transform=\"{transform}\">{}</text>\n",
        short(line.size),
        escaped(&line.text)
    )
}

/// Hundredths of a pixel are enough.
fn short(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn escaped(text: &str) -> String {
    let visible = text.replace(char::is_control, " ");
    visible
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::*;

    #[test]
    fn dots_of_one_colour_share_a_path_and_text_stays_text() {
        let mut drawing = Drawing::new(10.0, 5.0);
        let (blue, red) = (RGBColor(0, 0, 255), RGBColor(255, 0, 0));
        for (x, color) in [(1.0, blue), (2.004, blue), (3.0, red)] {
            drawing.disc((x, 1.0), 0.5, color);
        }
        drawing.text(Line {
            text: "a<b & \"c\"".to_owned(),
            size: 10.0,
            place: (1.0, 2.0),
            flow: Flow::FromLeft,
        });
        let text = document(&drawing);
        assert!(text.contains("stroke=\"#0000ff\" stroke-width=\"1\" stroke-linecap=\"round\" d=\"M1 1h0M2 1h0\"/>"), "{text}");
        assert_eq!(text.matches("<path").count(), 2);
        assert!(text.contains(">a&lt;b &amp; \"c\"</text>"), "{text}");
    }
}
