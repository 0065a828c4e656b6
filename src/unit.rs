//! Rows of length 1, whose products are cosines.

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
