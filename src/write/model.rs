//! A trained model as a safetensors file.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use safetensors::{
    Dtype, SafeTensorError,
    tensor::{Metadata, TensorInfo},
};
use serde_json::{Map, Value};

use super::{WriteError, write_file};

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
    /// Weights, biases and running statistics.
    F32(Vec<f32>),
    /// Batch counters (`num_batches_tracked`).
    I64(Vec<i64>),
}

#[derive(Debug, thiserror::Error)]
enum ModelError {
    #[error(transparent)]
    Layout(#[from] SafeTensorError),
    #[error(transparent)]
    Header(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes a model that `safetensors.torch.load_file` reads into a `state_dict`, with `metadata`
/// (texts by name) in its `__metadata__`.
///
/// The same model gives the same bytes: the file's header is in the order given, save that 64-bit
/// integers come first, so that every tensor is aligned.
pub fn write_model(
    path: &Path,
    tensors: &[NamedTensor],
    metadata: &[(String, String)],
) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), ModelError> {
        let tensors = aligned(tensors);
        let header = header(&tensors, metadata)?;
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for tensor in tensors {
            tensor.data.write(&mut file)?;
        }
        Ok(file.flush()?)
    })
}

/// The tensors with the widest values first, otherwise in the order given.
fn aligned(tensors: &[NamedTensor]) -> Vec<&NamedTensor> {
    let mut tensors: Vec<_> = tensors.iter().collect();
    tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.data.width()));
    tensors
}

/// The JSON header, padded with spaces to a multiple of 8 bytes. Its texts are written here and not
/// by the crate, whose hash map would put them in another order every time.
fn header(tensors: &[&NamedTensor], metadata: &[(String, String)]) -> Result<Vec<u8>, ModelError> {
    let mut begin = 0;
    let mut layout = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let end = begin + tensor.data.len() * tensor.data.width();
        let info = TensorInfo {
            dtype: tensor.data.dtype(),
            shape: tensor.shape.clone(),
            data_offsets: (begin, end),
        };
        layout.push((tensor.name.clone(), info));
        begin = end;
    }
    let mut entries = Map::new();
    let texts = metadata
        .iter()
        .map(|(name, text)| (name.clone(), text.as_str().into()));
    entries.insert("__metadata__".to_owned(), Value::Object(texts.collect()));
    if let Value::Object(checked) = serde_json::to_value(Metadata::new(None, layout)?)? {
        entries.extend(checked);
    }
    let mut header = serde_json::to_vec(&entries)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

impl TensorData {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::F32(_) => size_of::<f32>(),
            Self::I64(_) => size_of::<i64>(),
        }
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::I64(_) => Dtype::I64,
        }
    }

    fn write(&self, file: &mut impl Write) -> io::Result<()> {
        match self {
            Self::F32(values) => values
                .iter()
                .try_for_each(|value| file.write_all(&value.to_le_bytes())),
            Self::I64(values) => values
                .iter()
                .try_for_each(|value| file.write_all(&value.to_le_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    fn tensor(name: &str, shape: &[usize], data: TensorData) -> NamedTensor {
        NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            data,
        }
    }

    fn model() -> Vec<NamedTensor> {
        vec![
            tensor(
                "enc_1.weight",
                &[1, 3],
                TensorData::F32(vec![0.5, -1.0, f32::MIN_POSITIVE]),
            ),
            tensor(
                "BN_1.num_batches_tracked",
                &[],
                TensorData::I64(vec![i64::MAX]),
            ),
            tensor("dec_1.bias", &[2], TensorData::F32(vec![1.0, 2.0])),
        ]
    }

    fn written(tensors: &[NamedTensor]) -> Result<Vec<u8>, WriteError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model_save/x.safetensors");
        let texts = ["z", "a", "n_hvg"].map(|name| (name.to_owned(), format!("{name} \"1\"")));
        write_model(&path, tensors, &texts)?;
        Ok(std::fs::read(path).expect("read"))
    }

    #[test]
    fn the_reference_reader_gives_back_every_value() {
        let bytes = written(&model()).expect("written");
        let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a header");
        let texts = metadata.metadata().as_ref().expect("texts");
        assert_eq!(texts.len(), 3);
        assert_eq!(texts["n_hvg"], "n_hvg \"1\"");
        let read = SafeTensors::deserialize(&bytes).expect("a model");
        assert_eq!(read.len(), 3);
        for NamedTensor { name, shape, data } in model() {
            let view = read.tensor(&name).expect("a tensor");
            assert_eq!(
                (view.shape(), view.dtype()),
                (shape.as_slice(), data.dtype())
            );
            let mut expected = Vec::new();
            data.write(&mut expected).expect("memory");
            assert_eq!(view.data(), expected);
            let offset = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
            assert_eq!(offset % data.width(), 0);
        }
    }

    #[test]
    fn the_same_model_gives_the_same_bytes() {
        let first = written(&model()).expect("written");
        for _ in 0..20 {
            assert_eq!(written(&model()).expect("written"), first);
        }
    }

    #[test]
    fn a_wrong_shape_is_refused() {
        let wrong = [tensor("z", &[2, 2], TensorData::F32(vec![1.0; 3]))];
        assert!(matches!(written(&wrong), Err(WriteError::File { .. })));
    }
}
