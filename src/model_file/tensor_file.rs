//! A safetensors file that was read, part by part.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use safetensors::{SafeTensorError, SafeTensors};
use serde::de::DeserializeOwned;

use super::{ModelFileError, NamedTensor, TensorData, trained::FORMAT};

/// A file that was read.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    tensors: HashMap<String, NamedTensor>,
    texts: HashMap<String, String>,
}

impl TensorFile {
    /// Reads a whole file. Tensors of kinds that are not written here are left out.
    ///
    /// # Errors
    /// Where it cannot be read, or is no safetensors file.
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let bytes = fs::read(path).map_err(|source| ModelFileError::Io {
            path: path.to_owned(),
            source,
        })?;
        let refused = |error| refused(path, &bytes, &error);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(refused)?;
        let file = SafeTensors::deserialize(&bytes).map_err(refused)?;
        let tensors = file.iter().filter_map(|(name, view)| {
            let tensor = NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                data: TensorData::read(&view)?,
            };
            Some((name.to_owned(), tensor))
        });
        Ok(Self {
            path: path.to_owned(),
            tensors: tensors.collect(),
            texts: metadata.metadata().clone().unwrap_or_default(),
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A text, where there is one of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// A value that was written as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ModelFileError> {
        let text = self
            .text(name)
            .ok_or_else(|| self.damaged(name, "is missing"))?;
        serde_json::from_str(text).map_err(|error| self.damaged(name, &error.to_string()))
    }

    /// A tensor.
    pub(super) fn tensor(&self, name: &str) -> Result<&NamedTensor, ModelFileError> {
        self.tensors
            .get(name)
            .ok_or_else(|| self.damaged(name, "is missing"))
    }

    /// `f32` values, all finite, and their shape, of so many dimensions.
    pub(super) fn f32(
        &self,
        name: &str,
        n_dims: usize,
    ) -> Result<(&[usize], &[f32]), ModelFileError> {
        let tensor = self.tensor(name)?;
        match &tensor.data {
            TensorData::F32(values) if tensor.shape.len() == n_dims => {
                self.check_finite(name, values.iter().all(|value| value.is_finite()))?;
                Ok((&tensor.shape, values))
            }
            _ => Err(self.damaged(name, "has another shape or kind")),
        }
    }

    /// `f64` values, all finite, and their shape, of so many dimensions.
    pub(super) fn f64(
        &self,
        name: &str,
        n_dims: usize,
    ) -> Result<(&[usize], &[f64]), ModelFileError> {
        let tensor = self.tensor(name)?;
        match &tensor.data {
            TensorData::F64(values) if tensor.shape.len() == n_dims => {
                self.check_finite(name, values.iter().all(|value| value.is_finite()))?;
                Ok((&tensor.shape, values))
            }
            _ => Err(self.damaged(name, "has another shape or kind")),
        }
    }

    fn check_finite(&self, name: &str, is_finite: bool) -> Result<(), ModelFileError> {
        if is_finite {
            Ok(())
        } else {
            Err(self.damaged(name, "holds what is not a number"))
        }
    }

    /// Positions, each below `end`.
    pub(super) fn positions(&self, name: &str, end: usize) -> Result<Vec<usize>, ModelFileError> {
        let TensorData::I64(values) = &self.tensor(name)?.data else {
            return Err(self.damaged(name, "has another kind"));
        };
        let position = |&value: &i64| usize::try_from(value).ok().filter(|&value| value < end);
        let positions: Option<Vec<usize>> = values.iter().map(position).collect();
        positions.ok_or_else(|| self.damaged(name, "holds a position beyond the end"))
    }

    /// An error on a part of the file.
    pub(super) fn damaged(&self, what: &str, problem: &str) -> ModelFileError {
        ModelFileError::Damaged {
            path: self.path.clone(),
            what: what.to_owned(),
            problem: problem.to_owned(),
        }
    }

    /// Fails unless a part is as large as another part says.
    pub(super) fn check(&self, what: &str, is_right: bool) -> Result<(), ModelFileError> {
        if is_right {
            return Ok(());
        }
        Err(self.damaged(what, "does not fit the other parts"))
    }
}

/// Why bytes are no safetensors file: where the header says that they were a model, they are damaged.
fn refused(path: &Path, bytes: &[u8], error: &SafeTensorError) -> ModelFileError {
    let key = format!("\"{}\"", FORMAT.0);
    let (path, reason) = (path.to_owned(), error.to_string());
    if bytes.windows(key.len()).any(|text| text == key.as_bytes()) {
        ModelFileError::Damaged {
            path,
            what: "the file".to_owned(),
            problem: format!("is not whole ({reason})"),
        }
    } else {
        ModelFileError::NotSafetensors { path, reason }
    }
}
