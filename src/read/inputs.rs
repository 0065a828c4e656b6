//! What a data set is read from: one file or folder, or several that are joined.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A file or a folder in one of the formats that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// What its cells' batch is called, where it is one of several.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// The files of a data set, in the order in which they were named; at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(Vec<InputFile>);

/// A data set's name and what it is read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedInputs {
    /// What its outputs are called.
    pub name: String,
    /// What is read.
    pub inputs: Inputs,
}

impl Inputs {
    /// Files that are joined, where they are several.
    #[must_use]
    pub fn new(files: Vec<InputFile>) -> Self {
        Self(files)
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[InputFile] {
        &self.0
    }

    /// Where they lie.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|file| file.path.as_path())
    }

    /// Where they lie, from the root on and with commas between; links are followed where a file is there.
    #[must_use]
    pub fn places(&self) -> String {
        let place = |path: &Path| {
            let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path.canonicalize().unwrap_or_else(|_| absolute())
        };
        let places = self.paths().map(|path| place(path).display().to_string());
        places.collect::<Vec<_>>().join(",")
    }
}

/// Files that are called by their names without the endings.
impl<P: Into<PathBuf>> FromIterator<P> for Inputs {
    fn from_iter<T: IntoIterator<Item = P>>(paths: T) -> Self {
        let file = |path: PathBuf| {
            let name = path.file_stem().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            InputFile { name, path }
        };
        Self(paths.into_iter().map(|path| file(path.into())).collect())
    }
}

impl<P: Into<PathBuf>> From<P> for Inputs {
    fn from(path: P) -> Self {
        std::iter::once(path).collect()
    }
}

/// The paths with commas between, as `-name` takes them.
impl fmt::Display for Inputs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, path) in self.paths().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            write!(formatter, "{comma}{}", path.display())?;
        }
        Ok(())
    }
}
