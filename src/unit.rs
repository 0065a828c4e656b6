//! Rows of length 1, whose products are cosines.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// Scales a row to length 1; one of zeros stays. Lengths are summed in `f64`, where no finite `f32` overflows.
pub(crate) fn scale_to_unit(row: &mut [f32]) {
    let square: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
    if square > 0.0 {
        let length = square.sqrt();
        for x in row {
            *x = (f64::from(*x) / length) as f32;
        }
    }
}

/// The same cells scaled to length 1: n × features. A cell whose features are all 0 stays 0.
pub(crate) fn unit_rows(cells: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut unit = Array2::from_shape_fn(cells.dim(), |place| cells[place]);
    unit.axis_iter_mut(Axis(0))
        .into_par_iter()
        .for_each(|mut row| scale_to_unit(row.as_slice_mut().unwrap_or_default()));
    unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_have_length_1_but_those_of_zeros() {
        let unit = unit_rows(array![[3.0, -4.0], [0.0, 0.0], [3e38, 0.0]].view());
        assert_eq!(unit, array![[0.6, -0.8], [0.0, 0.0], [1.0, 0.0]]);
    }
}
