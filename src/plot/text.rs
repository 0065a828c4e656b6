//! Text in figures: the embedded font, widths, shortening.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, InvalidFont, PxScale, ScaleFont, point};
use plotters::{
    coord::Shift,
    drawing::DrawingArea,
    prelude::BitMapBackend,
    style::{Color, RGBColor},
};

use super::PlotError;

/// Pixels drawn for one written, along each side.
pub(super) const OVERSAMPLING: u32 = 2;

/// Where plotters draws on a canvas; coordinates count drawn pixels.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// `DejaVu` Sans 2.37; its licence lies beside it.
pub(super) const FONT_FILE: &[u8] = include_bytes!("font/DejaVuSans.ttf");

static FONT: LazyLock<Result<FontRef<'static>, InvalidFont>> =
    LazyLock::new(|| FontRef::try_from_slice(FONT_FILE));

/// Height of the font's capitals in ems.
pub(super) const CAPITALS: f32 = 0.729;

const COLOR: RGBColor = RGBColor(30, 30, 30);

/// What stands for the part of a name that is left out.
const ELLIPSIS: char = '…';

/// A line of text.
pub(super) struct Line {
    pub(super) text: String,
    /// Length of an em in written pixels.
    pub(super) size: f64,
    /// Where the line starts or, where it is centred, its middle, half-way up its capitals, in written pixels.
    pub(super) place: (f64, f64),
    pub(super) flow: Flow,
}

/// How a line runs from its place.
#[derive(Clone, Copy)]
pub(super) enum Flow {
    /// To the right.
    FromLeft,
    /// To both sides.
    Centered,
    /// To both sides, bottom to top.
    Upwards,
}

pub(super) fn font() -> Result<&'static FontRef<'static>, PlotError> {
    FONT.as_ref().map_err(PlotError::draw)
}

/// The glyphs of a line along a base line from the origin, and its length; all in drawn pixels.
fn set(font: &FontRef, text: &str, size: f64) -> (Vec<Glyph>, f32) {
    let ems_high = font
        .units_per_em()
        .map_or(1.0, |em| font.height_unscaled() / em);
    let scaled = font.as_scaled(PxScale::from(size as f32 * OVERSAMPLING as f32 * ems_high));
    let mut end = 0.0;
    let mut glyphs: Vec<Glyph> = Vec::new();
    for character in text.chars() {
        let id = scaled.glyph_id(character);
        end += glyphs.last().map_or(0.0, |last| scaled.kern(last.id, id));
        glyphs.push(id.with_scale_and_position(scaled.scale(), point(end, 0.0)));
        end += scaled.h_advance(id);
    }
    (glyphs, end)
}

/// Width of a text in written pixels.
pub(super) fn width(text: &str, size: f64) -> Result<f64, PlotError> {
    let (_, length) = set(font()?, text, size);
    Ok(f64::from(length) / f64::from(OVERSAMPLING))
}

/// Whether the font has every letter of a text.
pub(super) fn has_letters_of(text: &str) -> bool {
    let Ok(font) = font() else { return false };
    let is_drawn = |c: char| c.is_control() || c.is_whitespace() || font.glyph_id(c).0 != 0;
    text.chars().all(is_drawn)
}

/// The text, or its start and end with an ellipsis between, so that it is at most `most` pixels wide. Names of
/// cell types often differ only at their ends.
pub(super) fn shortened(text: &str, size: f64, most: f64) -> Result<String, PlotError> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&text, size)? <= most {
        return Ok(text);
    }
    let characters: Vec<char> = text.chars().collect();
    let kept = |n: usize| -> String {
        let (head, tail) = (n.div_ceil(2), n / 2);
        let (start, end) = (&characters[..head], &characters[characters.len() - tail..]);
        start.iter().chain([&ELLIPSIS]).chain(end).collect()
    };
    let (mut fits, mut too_long) = (0, characters.len());
    while fits + 1 < too_long {
        let middle = usize::midpoint(fits, too_long);
        if width(&kept(middle), size)? <= most {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    Ok(kept(fits))
}

/// Draws a line of text.
pub(super) fn draw(area: &Area, line: &Line) -> Result<(), PlotError> {
    let font = font()?;
    let (glyphs, length) = set(font, &line.text, line.size);
    let drawn = |value: f64| (value * f64::from(OVERSAMPLING)).round() as i32;
    let (x, y) = (drawn(line.place.0), drawn(line.place.1));
    let lowered = (CAPITALS * line.size as f32 * OVERSAMPLING as f32 / 2.0).round() as i32;
    let centered = (length / 2.0).round() as i32;
    for outlined in glyphs
        .into_iter()
        .filter_map(|glyph| font.outline_glyph(glyph))
    {
        let corner = outlined.px_bounds().min;
        let mut result = Ok(());
        outlined.draw(|column, row, coverage| {
            let along = corner.x as i32 + column as i32;
            let below = corner.y as i32 + row as i32 + lowered;
            let pixel = match line.flow {
                Flow::FromLeft => (x + along, y + below),
                Flow::Centered => (x + along - centered, y + below),
                Flow::Upwards => (x + below, y - along + centered),
            };
            if let Err(error) = area.draw_pixel(pixel, &COLOR.mix(f64::from(coverage.min(1.0)))) {
                result = Err(PlotError::draw(error));
            }
        });
        result?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stay_and_long_ones_keep_both_ends() -> Result<(), PlotError> {
        assert_eq!(shortened("beta", 20.0, 200.0)?, "beta");
        let name = "oligodendrocyte precursor cells of the cortex, type A";
        let short = shortened(name, 20.0, 200.0)?;
        assert!(width(&short, 20.0)? <= 200.0);
        assert!(
            short.starts_with("oligo") && short.ends_with("type A"),
            "{short}"
        );
        assert!(short.contains(ELLIPSIS));
        Ok(())
    }

    #[test]
    fn line_breaks_become_spaces() -> Result<(), PlotError> {
        assert_eq!(shortened("a\nb\tc", 20.0, 200.0)?, "a b c");
        Ok(())
    }

    #[test]
    fn width_grows_with_text_and_size() -> Result<(), PlotError> {
        assert!(width("wide", 20.0)? > width("i", 20.0)?);
        assert!(width("wide", 40.0)? > 1.8 * width("wide", 20.0)?);
        Ok(())
    }
}
