//! Crosses between libtorch's tensors and Rust's arrays.

use faer::MatMut;
use ndarray::{Array2, ArrayView2};
use tch::{Device, Kind, Tensor};

/// A matrix, copied to a float32 tensor of the same shape on `device`.
#[must_use]
pub fn from_array(matrix: ArrayView2<'_, f32>, device: Device) -> Tensor {
    let (rows, columns) = matrix.dim();
    let standard = matrix.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    Tensor::from_slice(values)
        .view([rows as i64, columns as i64])
        .to_device(device)
}

/// A two-dimensional tensor on any device, copied to a matrix.
#[must_use]
pub fn to_array(tensor: &Tensor) -> Array2<f32> {
    let host = tensor
        .detach()
        .to_device(Device::Cpu)
        .to_kind(Kind::Float)
        .contiguous();
    let (rows, columns) = host.size2().unwrap_or_default();
    Array2::from_shape_fn((rows as usize, columns as usize), {
        let values = values(&host);
        move |(i, j)| values[i * columns as usize + j]
    })
}

/// The entries of a contiguous float32 CPU tensor, row after row.
///
/// # Panics
///
/// For any other tensor: a mistake in this program, whatever its user's data.
#[must_use]
pub fn values(tensor: &Tensor) -> &[f32] {
    let (data, length) = checked(tensor);
    // SAFETY: `checked` made sure that `length` initialised f32 lie at `data`; the tensor keeps them alive for
    // the borrow. Every in-place operation of tch takes `&mut self`, so none can run on this handle meanwhile.
    unsafe { std::slice::from_raw_parts(data, length) }
}

/// As [`values`], to be written to.
///
/// # Panics
///
/// As [`values`].
pub fn values_mut(tensor: &mut Tensor) -> &mut [f32] {
    let (data, length) = checked(tensor);
    // SAFETY: as in `values`. Callers pass tensors that they have just made, or parameters in an optimiser's step,
    // during which nothing else reads them.
    unsafe { std::slice::from_raw_parts_mut(data, length) }
}

/// Numbers, row after row, as a matrix whose rows are `width` long.
pub(super) fn rows_mut(values: &mut [f32], width: usize) -> MatMut<'_, f32> {
    let n_rows = values.len() / width;
    MatMut::from_row_major_slice_mut(values, n_rows, width)
}

/// Address and number of the tensor's entries, once it is known to be a plain block of f32 on the CPU.
fn checked(tensor: &Tensor) -> (*mut f32, usize) {
    assert_eq!(
        tensor.device(),
        Device::Cpu,
        "a slice of a tensor that is not on the CPU"
    );
    assert_eq!(
        tensor.kind(),
        Kind::Float,
        "a float slice of a tensor of another kind"
    );
    assert!(tensor.is_contiguous(), "a slice of a tensor with gaps");
    let length = tensor.numel();
    if length == 0 {
        return (std::ptr::NonNull::dangling().as_ptr(), 0);
    }
    (tensor.data_ptr().cast(), length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_matrix_survives_the_round_trip() {
        let matrix = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        assert_eq!(to_array(&from_array(matrix.view(), Device::Cpu)), matrix);
        assert_eq!(to_array(&from_array(matrix.t(), Device::Cpu)), matrix.t());
    }

    #[test]
    fn an_empty_tensor_has_no_values() {
        let mut empty = Tensor::zeros([0, 3], (Kind::Float, Device::Cpu));
        assert!(values(&empty).is_empty());
        assert!(values_mut(&mut empty).is_empty());
    }
}
