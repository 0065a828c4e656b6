//! What is to be read of an input that offers a choice.

use std::path::Path;

use super::{Format, GeneJoin, Orientation, ReadError};
use crate::{counts::CountRules, h5ad::CountsIn};

/// Which matrix, which genes, which way round. The default is what most inputs need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which matrix of an `.h5ad` file holds the raw counts.
    pub counts_in: CountsIn,
    /// What may stand for a count.
    pub rules: CountRules,
    /// Where features have types, read genes only, not antibodies, guides or peaks.
    pub gex_only: bool,
    /// Where features have genomes, read those of this one only.
    pub genome: Option<String>,
    /// Which way round a table is.
    pub orientation: Orientation,
    /// Which genes are read where several inputs are joined.
    pub genes: GeneJoin,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            counts_in: CountsIn::X,
            gex_only: true,
            genome: None,
            orientation: Orientation::Checked,
            genes: GeneJoin::default(),
            rules: CountRules::default(),
        }
    }
}

impl ReadOptions {
    /// Fails where an option was given that means nothing for the format.
    pub(super) fn check(&self, path: &Path, format: Format) -> Result<(), ReadError> {
        let is_anndata = format.is_anndata();
        let has_features = is_anndata || matches!(format, Format::TenxH5 | Format::Mtx);
        let unfit = [
            (
                matches!(self.counts_in, CountsIn::Layer(_))
                    && !is_anndata
                    && format != Format::Loom,
                "-layer",
                ".h5ad, .h5mu and .loom files",
            ),
            (
                self.counts_in == CountsIn::Raw && !is_anndata,
                "-use_raw",
                ".h5ad and .h5mu files",
            ),
            (
                !self.gex_only && !has_features,
                "-gex_only",
                "10x data and .h5ad files",
            ),
            (
                self.genome.is_some() && !has_features,
                "-genome",
                "10x data and .h5ad files",
            ),
            (
                self.orientation == Orientation::GenesInRows && format != Format::Table,
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
