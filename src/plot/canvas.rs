//! The pixels of a figure: drawn larger than they are written, which makes every edge smooth.

use std::{fs::File, io::BufWriter, path::Path};

use plotters::prelude::*;

use super::{
    PlotError,
    drawing::{Drawing, Shape},
    text::{self, Area, OVERSAMPLING},
};

/// Bytes of one RGB pixel.
const CHANNELS: usize = 3;

/// An RGB image under construction.
pub(super) struct Canvas {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl Canvas {
    /// A white image, its size in written pixels.
    fn new(width: u32, height: u32) -> Self {
        let n_pixels = (width * OVERSAMPLING) as usize * (height * OVERSAMPLING) as usize;
        Self {
            pixels: vec![u8::MAX; n_pixels * CHANNELS],
            width,
            height,
        }
    }

    /// The image of a drawing.
    pub(super) fn painted(drawing: &Drawing) -> Result<Self, PlotError> {
        let mut canvas = Self::new(drawing.width as u32, drawing.height as u32);
        let area = canvas.area();
        for shape in &drawing.shapes {
            paint(&area, shape)?;
        }
        drop(area);
        Ok(canvas)
    }

    fn area(&mut self) -> Area<'_> {
        let size = (self.width * OVERSAMPLING, self.height * OVERSAMPLING);
        BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area()
    }

    /// The image in written pixels, each the mean of those drawn for it.
    fn averaged(&self) -> Vec<u8> {
        let step = OVERSAMPLING as usize;
        let (width, drawn_width) = (self.width as usize, self.width as usize * step);
        let mut averaged = Vec::with_capacity(self.pixels.len() / (step * step));
        for y in 0..self.height as usize {
            for x in 0..width {
                for channel in 0..CHANNELS {
                    let mut sum = 0;
                    for (dy, dx) in (0..step).flat_map(|dy| (0..step).map(move |dx| (dy, dx))) {
                        let pixel = (y * step + dy) * drawn_width + x * step + dx;
                        sum += usize::from(self.pixels[pixel * CHANNELS + channel]);
                    }
                    let n = step * step;
                    averaged.push(((sum + n / 2) / n) as u8);
                }
            }
        }
        averaged
    }

    /// Writes a PNG file to exactly this path.
    pub(super) fn write(&self, path: &Path) -> Result<(), PlotError> {
        let encoding = |source| PlotError::Encode {
            path: path.to_owned(),
            source,
        };
        let file = File::create(path).map_err(|source| PlotError::Create {
            path: path.to_owned(),
            source,
        })?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Best);
        let mut writer = encoder.write_header().map_err(encoding)?;
        writer
            .write_image_data(&self.averaged())
            .map_err(encoding)?;
        writer.finish().map_err(encoding)
    }
}

fn paint(area: &Area, shape: &Shape) -> Result<(), PlotError> {
    let drawn = |value: f64| (value * f64::from(OVERSAMPLING)).round() as i32;
    let pixel = |&(x, y): &(f64, f64)| (drawn(x), drawn(y));
    match shape {
        Shape::Disc {
            place,
            radius,
            color,
        } => {
            let disc = Circle::new(pixel(place), drawn(*radius), color.filled());
            area.draw(&disc).map_err(PlotError::draw)
        }
        Shape::Path {
            points,
            width,
            color,
        } => {
            let style = color.stroke_width(drawn(*width) as u32);
            let path = PathElement::new(points.iter().map(pixel).collect::<Vec<_>>(), style);
            area.draw(&path).map_err(PlotError::draw)
        }
        Shape::Text(line) => text::draw(area, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_pixel_is_the_mean_of_those_drawn() {
        let mut canvas = Canvas::new(2, 1);
        // one of four drawn pixels black in the first written pixel
        canvas.pixels[..3].fill(0);
        assert_eq!(canvas.averaged(), [191, 191, 191, 255, 255, 255]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let path = Path::new("no such folder/figure.png");
        let error = Canvas::new(2, 2).write(path).expect_err("no folder");
        assert!(error.to_string().contains("no such folder/figure.png"));
    }
}
