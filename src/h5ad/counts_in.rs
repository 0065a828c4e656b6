//! Which matrix of a file is to be read as raw counts.

use std::fmt;

/// A matrix of an `.h5ad` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CountsIn {
    /// `X`, with the genes of `var`.
    #[default]
    X,
    /// `layers/NAME`, with the genes of `var`.
    Layer(String),
    /// `raw/X`, with the genes of `raw/var`.
    Raw,
}

/// The matrix's path in the file.
impl fmt::Display for CountsIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X => formatter.write_str("X"),
            Self::Layer(name) => write!(formatter, "layers/{name}"),
            Self::Raw => formatter.write_str("raw/X"),
        }
    }
}

impl CountsIn {
    /// The data frame of its genes.
    pub(crate) fn var(&self) -> &'static str {
        match self {
            Self::X | Self::Layer(_) => "var",
            Self::Raw => "raw/var",
        }
    }
}
