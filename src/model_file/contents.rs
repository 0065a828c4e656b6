//! Tensors and texts, written as a safetensors file.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use safetensors::{
    SafeTensorError,
    tensor::{Metadata, TensorInfo},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{NamedTensor, TensorData};
use crate::write::{WriteError, write_file};

/// What a model file holds: tensors and texts by name, in the order of the file.
#[derive(Debug, Default)]
pub struct Contents {
    /// The tensors.
    pub tensors: Vec<NamedTensor>,
    /// The texts.
    pub texts: Vec<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Layout(#[from] SafeTensorError),
    #[error(transparent)]
    Header(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Contents {
    /// Adds `f32` values of this shape.
    pub(super) fn f32(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.add(name, shape, TensorData::F32(values));
    }

    /// Adds `f64` values of this shape.
    pub(super) fn f64(&mut self, name: &str, shape: &[usize], values: Vec<f64>) {
        self.add(name, shape, TensorData::F64(values));
    }

    /// Adds positions.
    pub(super) fn positions(&mut self, name: &str, values: impl Iterator<Item = usize>) {
        let values: Vec<i64> = values.map(|value| value as i64).collect();
        self.add(name, &[values.len()], TensorData::I64(values));
    }

    /// Adds a value as JSON.
    pub(super) fn json(&mut self, name: &str, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.texts.push((name.to_owned(), text));
    }

    fn add(&mut self, name: &str, shape: &[usize], data: TensorData) {
        self.tensors.push(NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            data,
        });
    }
}

/// Writes a file that `safetensors.torch.load_file` reads, with the texts in its `__metadata__`.
///
/// The same model gives the same bytes: the file's header is in the order given, save that 64-bit
/// integers come first, so that every tensor is aligned.
pub fn write_tensors(path: &Path, contents: &Contents) -> Result<(), WriteError> {
    write_file(path, |path| -> Result<(), FileError> {
        let tensors = aligned(&contents.tensors);
        let header = header(&tensors, &contents.texts)?;
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
fn header(tensors: &[&NamedTensor], metadata: &[(String, String)]) -> Result<Vec<u8>, FileError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::TensorFile;
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
            tensor("shares", &[2], TensorData::F64(vec![0.25, 1e-300])),
        ]
    }

    fn written(tensors: &[NamedTensor]) -> Result<Vec<u8>, WriteError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model_save/x.safetensors");
        let texts = ["z", "a", "n_hvg"].map(|name| (name.to_owned(), format!("{name} \"1\"")));
        let contents = Contents {
            tensors: tensors.to_vec(),
            texts: texts.to_vec(),
        };
        write_tensors(&path, &contents)?;
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
        assert_eq!(read.len(), 4);
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

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.safetensors");
        let mut contents = Contents {
            tensors: model(),
            texts: Vec::new(),
        };
        contents.json("genes", &["a", "b"]);
        contents.positions("numbers", [2, 0].into_iter());
        contents.f32("endless", &[1], vec![f32::INFINITY]);
        contents.f64("unknown", &[2], vec![1.0, f64::NAN]);
        write_tensors(&path, &contents).expect("written");
        let file = TensorFile::read(&path).expect("read");
        for expected in model() {
            assert_eq!(file.tensor(&expected.name).expect("a tensor"), &expected);
        }
        assert_eq!(
            file.json::<Vec<String>>("genes").expect("names"),
            ["a", "b"]
        );
        assert_eq!(file.positions("numbers", 3).expect("positions"), [2, 0]);
        assert!(file.positions("numbers", 2).is_err());
        assert!(file.f32("shares", 1).is_err());
        assert!(file.f64("shares", 1).is_ok());
        assert!(file.f32("endless", 1).is_err());
        assert!(file.f64("unknown", 1).is_err());
    }

    #[test]
    fn what_is_no_safetensors_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, "cell,label\n").expect("written");
        let refusal = TensorFile::read(&path).expect_err("a table");
        assert!(refusal.to_string().contains("is not a model"), "{refusal}");
    }
}
