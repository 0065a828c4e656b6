//! A figure as PDF: shapes, and text in the embedded font, of which the file holds the letters that occur.

use std::{collections::BTreeMap, io::Write as _};

use ab_glyph::{Font, GlyphId};
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Content, Filter, Finish, Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, LineCapStyle, SystemInfo, UnicodeCmap},
};
use plotters::style::RGBColor;
use subsetter::{GlyphRemapper, subset};

use super::{
    PlotError,
    drawing::{Drawing, Shape},
    text::{CAPITALS, FONT_FILE, Flow, Line, font, width},
};

/// Points for a written pixel: a figure is about 15 cm high.
const POINTS: f32 = 0.4;

const FONT: Name<'static> = Name(b"F");
const FONT_NAME: Name<'static> = Name(b"FIGURE+DejaVuSans");
const SYSTEM: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// Thousandths of an em, in which PDF measures glyphs.
const EM: f32 = 1000.0;

const COLOR: f32 = 30.0 / 255.0;

/// The numbers of the document's objects.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const COMPOSITE_FONT: Ref = Ref::new(5);
const GLYPHS: Ref = Ref::new(6);
const DESCRIPTOR: Ref = Ref::new(7);
const EMBEDDED_FONT: Ref = Ref::new(8);
const UNICODE: Ref = Ref::new(9);

/// The document.
pub(super) fn document(drawing: &Drawing) -> Result<Vec<u8>, PlotError> {
    let mut letters = Letters::default();
    let content = content(drawing, &mut letters)?;
    let mut pdf = Pdf::new();
    add_page(&mut pdf, drawing);
    pdf.stream(CONTENT, &deflated(&content)?)
        .filter(Filter::FlateDecode);
    add_font(&mut pdf, &letters)?;
    let used = subset(FONT_FILE, 0, &letters.glyphs).map_err(PlotError::draw)?;
    pdf.stream(EMBEDDED_FONT, &deflated(&used)?)
        .filter(Filter::FlateDecode);
    let mut unicode = UnicodeCmap::new(Name(b"FIGURE"), SYSTEM);
    for (&glyph, &letter) in &letters.texts {
        unicode.pair(glyph, letter);
    }
    pdf.cmap(UNICODE, &unicode.finish());
    Ok(pdf.finish())
}

/// The only page, as large as the drawing.
fn add_page(pdf: &mut Pdf, drawing: &Drawing) {
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let mut page = pdf.page(PAGE);
    page.media_box(Rect::new(
        0.0,
        0.0,
        drawing.width as f32 * POINTS,
        drawing.height as f32 * POINTS,
    ));
    page.parent(PAGES).contents(CONTENT);
    page.resources().fonts().pair(FONT, COMPOSITE_FONT);
}

/// What a reader needs to know of the embedded font.
fn add_font(pdf: &mut Pdf, letters: &Letters) -> Result<(), PlotError> {
    pdf.type0_font(COMPOSITE_FONT)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(GLYPHS)
        .to_unicode(UNICODE);
    let mut glyphs = pdf.cid_font(GLYPHS);
    glyphs
        .subtype(CidFontType::Type2)
        .base_font(FONT_NAME)
        .system_info(SYSTEM)
        .font_descriptor(DESCRIPTOR);
    glyphs.cid_to_gid_map_predefined(Name(b"Identity"));
    glyphs.widths().consecutive(0, letters.widths()?);
    glyphs.finish();
    pdf.font_descriptor(DESCRIPTOR)
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-1021.0, -463.0, 1793.0, 1232.0))
        .italic_angle(0.0)
        .ascent(928.0)
        .descent(-236.0)
        .cap_height(EM * CAPITALS)
        .stem_v(80.0)
        .font_file2(EMBEDDED_FONT);
    Ok(())
}

/// The letters of a document.
#[derive(Default)]
struct Letters {
    glyphs: GlyphRemapper,
    /// The letter that each glyph of the smaller font stands for.
    texts: BTreeMap<u16, char>,
}

impl Letters {
    /// A text as glyphs of the smaller font, two bytes each.
    fn encode(&mut self, text: &str) -> Result<Vec<u8>, PlotError> {
        let font = font()?;
        let mut bytes = Vec::with_capacity(2 * text.len());
        for letter in text.chars() {
            let glyph = self.glyphs.remap(font.glyph_id(letter).0);
            self.texts.entry(glyph).or_insert(letter);
            bytes.extend(glyph.to_be_bytes());
        }
        Ok(bytes)
    }

    /// The widths of the glyphs of the smaller font.
    fn widths(&self) -> Result<Vec<f32>, PlotError> {
        let font = font()?;
        let em = font.units_per_em().unwrap_or(EM);
        let width = |glyph: u16| EM * font.h_advance_unscaled(GlyphId(glyph)) / em;
        Ok(self.glyphs.remapped_gids().map(width).collect())
    }
}

fn content(drawing: &Drawing, letters: &mut Letters) -> Result<Vec<u8>, PlotError> {
    let mut content = Content::new();
    // Written pixels from the left upper corner.
    content.transform([
        POINTS,
        0.0,
        0.0,
        -POINTS,
        0.0,
        drawing.height as f32 * POINTS,
    ]);
    content.set_line_cap(LineCapStyle::RoundCap);
    for shape in &drawing.shapes {
        match shape {
            Shape::Disc {
                place,
                radius,
                color,
            } => {
                let (x, y) = (place.0 as f32, place.1 as f32);
                stroke_as(&mut content, *color, 2.0 * *radius as f32);
                content.move_to(x, y).line_to(x, y).stroke();
            }
            Shape::Path {
                points,
                width,
                color,
            } => {
                stroke_as(&mut content, *color, *width as f32);
                for (place, &(x, y)) in points.iter().enumerate() {
                    if place == 0 {
                        content.move_to(x as f32, y as f32);
                    } else {
                        content.line_to(x as f32, y as f32);
                    }
                }
                content.stroke();
            }
            Shape::Text(line) => show(&mut content, line, letters)?,
        }
    }
    Ok(content.finish().to_vec())
}

fn stroke_as(content: &mut Content, RGBColor(r, g, b): RGBColor, width: f32) {
    let [r, g, b] = [r, g, b].map(|channel| f32::from(channel) / 255.0);
    content.set_stroke_rgb(r, g, b).set_line_width(width);
}

fn show(content: &mut Content, line: &Line, letters: &mut Letters) -> Result<(), PlotError> {
    let (x, y, size) = (line.place.0 as f32, line.place.1 as f32, line.size as f32);
    let lowered = CAPITALS * size / 2.0;
    let half = width(&line.text, line.size)? as f32 / 2.0;
    // Letters stand upright although the page runs downwards.
    let matrix = match line.flow {
        Flow::FromLeft => [1.0, 0.0, 0.0, -1.0, x, y + lowered],
        Flow::Centered => [1.0, 0.0, 0.0, -1.0, x - half, y + lowered],
        Flow::Upwards => [0.0, -1.0, -1.0, 0.0, x + lowered, y + half],
    };
    content.set_fill_rgb(COLOR, COLOR, COLOR);
    content
        .begin_text()
        .set_font(FONT, size)
        .set_text_matrix(matrix);
    content.show(Str(&letters.encode(&line.text)?)).end_text();
    Ok(())
}

fn deflated(bytes: &[u8]) -> Result<Vec<u8>, PlotError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map_err(PlotError::draw)
}
