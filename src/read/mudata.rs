//! MuData on HDF5: one AnnData for each modality, below `mod`.
//!
//! Format: <https://mudata.readthedocs.io/stable/io/spec.html>.

use std::path::Path;

use super::{ReadError, ReadOptions};
use crate::h5ad::{Element, H5ad, open_hdf5};

/// The group of modalities.
const MODALITIES: &str = "mod";
/// What the modality of genes is called, in small letters.
const GENES: [&str; 5] = [
    "rna",
    "gex",
    "gene expression",
    "gene_expression",
    "expression",
];

/// Opens the modality of genes: the one that is called so, or the only one.
pub(super) fn open(path: &Path, shown: &Path, options: &ReadOptions) -> Result<H5ad, ReadError> {
    let root = open_hdf5(path, shown)?;
    let names = match root.get(MODALITIES)? {
        Some(Element::Group(modalities)) => modalities.names()?,
        _ => Vec::new(),
    };
    drop(root);
    let is_genes = |name: &&String| GENES.contains(&name.to_lowercase().as_str());
    let only = || {
        if names.len() == 1 {
            names.first()
        } else {
            None
        }
    };
    let Some(name) = names.iter().find(is_genes).or_else(only) else {
        return Err(ReadError::NoGenes {
            path: shown.to_owned(),
            found: names,
        });
    };
    Ok(H5ad::open_at(
        path,
        shown,
        &format!("{MODALITIES}/{name}"),
        &options.counts_in,
    )?)
}
