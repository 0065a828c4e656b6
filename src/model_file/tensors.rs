//! Tensors by name, and their values as bytes.

use std::io::{self, Write};

use safetensors::{Dtype, tensor::TensorView};

/// A parameter or buffer under its published name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// As in the published model's `state_dict`.
    pub name: String,
    /// Sizes, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// As many values as the sizes' product, the last index fastest.
    pub data: TensorData,
}

/// A tensor's values.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Weights, biases, running statistics and scores.
    F32(Vec<f32>),
    /// Moments of genes.
    F64(Vec<f64>),
    /// Numbers of genes and clusters, and batch counters (`num_batches_tracked`).
    I64(Vec<i64>),
}

impl TensorData {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    pub(super) fn width(&self) -> usize {
        match self {
            Self::F32(_) => size_of::<f32>(),
            Self::F64(_) => size_of::<f64>(),
            Self::I64(_) => size_of::<i64>(),
        }
    }

    pub(super) fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::I64(_) => Dtype::I64,
        }
    }

    pub(super) fn write(&self, file: &mut impl Write) -> io::Result<()> {
        match self {
            Self::F32(values) => values
                .iter()
                .try_for_each(|value| file.write_all(&value.to_le_bytes())),
            Self::F64(values) => values
                .iter()
                .try_for_each(|value| file.write_all(&value.to_le_bytes())),
            Self::I64(values) => values
                .iter()
                .try_for_each(|value| file.write_all(&value.to_le_bytes())),
        }
    }

    /// The values of a tensor of one of the kinds that are written; `None` for another kind.
    pub(super) fn read(view: &TensorView<'_>) -> Option<Self> {
        let wide = || view.data().as_chunks::<8>().0.iter();
        match view.dtype() {
            Dtype::F32 => {
                let values = view.data().as_chunks::<4>().0.iter();
                Some(Self::F32(values.map(|b| f32::from_le_bytes(*b)).collect()))
            }
            Dtype::F64 => Some(Self::F64(wide().map(|b| f64::from_le_bytes(*b)).collect())),
            Dtype::I64 => Some(Self::I64(wide().map(|b| i64::from_le_bytes(*b)).collect())),
            _ => None,
        }
    }
}
