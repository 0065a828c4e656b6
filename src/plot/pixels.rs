//! The area that pixels are drawn on.

use plotters::{coord::Shift, drawing::DrawingArea, prelude::BitMapBackend};

/// Pixels drawn for one written, along each side.
pub(super) const OVERSAMPLING: u32 = 2;

/// Where plotters draws on a canvas; coordinates count drawn pixels.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
