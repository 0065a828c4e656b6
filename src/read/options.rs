//! What is to be read of an input that offers a choice.

use std::path::Path;

use super::{Format, ReadError};
use crate::h5ad::CountsIn;

/// Which matrix, which genes, which way round. The default is what most inputs need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which matrix of an `.h5ad` file holds the raw counts.
    pub counts_in: CountsIn,
    /// Of 10x data, read genes only, not antibodies, guides or peaks.
    pub gex_only: bool,
    /// Of 10x data, read features of this genome only.
    pub genome: Option<String>,
    /// A table has genes in rows and cells in columns.
    pub transpose: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            counts_in: CountsIn::X,
            gex_only: true,
            genome: None,
            transpose: false,
        }
    }
}

impl ReadOptions {
    /// Fails where an option was given that means nothing for the format.
    pub(super) fn check(&self, path: &Path, format: Format) -> Result<(), ReadError> {
        let is_10x = matches!(format, Format::TenxH5 | Format::Mtx);
        let unfit = [
            (
                matches!(self.counts_in, CountsIn::Layer(_)) && format != Format::H5ad,
                "-layer",
                ".h5ad files",
            ),
            (
                self.counts_in == CountsIn::Raw && format != Format::H5ad,
                "-use_raw",
                ".h5ad files",
            ),
            (!self.gex_only && !is_10x, "-gex_only", "10x data"),
            (self.genome.is_some() && !is_10x, "-genome", "10x data"),
            (
                self.transpose && format != Format::Table,
                "-transpose",
                "CSV and TSV tables",
            ),
        ];
        match unfit.into_iter().find(|(is_unfit, ..)| *is_unfit) {
            None => Ok(()),
            Some((_, option, formats)) => Err(ReadError::OptionUnfit {
                path: path.to_owned(),
                option,
                formats,
                format,
            }),
        }
    }
}
