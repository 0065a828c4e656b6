//! The formats of figures.

use std::path::Path;

use strum::{EnumString, IntoStaticStr, VariantNames};

use super::{PlotError, canvas::Canvas, drawing::Drawing, pdf, svg};

/// The format of a figure's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum FigureFormat {
    /// Pixels.
    #[default]
    Png,
    /// Shapes and text, for a browser or a drawing program.
    Svg,
    /// Shapes and text with their font, for print.
    Pdf,
}

impl FigureFormat {
    /// The ending of its files: `png`.
    #[must_use]
    pub fn ending(self) -> &'static str {
        self.into()
    }

    /// Writes a drawing to exactly this path.
    pub(super) fn write(self, path: &Path, drawing: &Drawing) -> Result<(), PlotError> {
        match self {
            Self::Png => Canvas::painted(drawing)?.write(path),
            Self::Svg => write(path, svg::document(drawing).as_bytes()),
            Self::Pdf => write(path, &pdf::document(drawing)?),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PlotError> {
    std::fs::write(path, bytes).map_err(|source| PlotError::Create {
        path: path.to_owned(),
        source,
    })
}
