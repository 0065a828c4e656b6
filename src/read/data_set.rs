//! A data set as every format gives it.

use std::{borrow::Cow, path::PathBuf};

use super::Format;
use crate::{
    counts::CountSource,
    h5ad::{Column, H5ad, H5adError},
    names::make_unique,
};

/// Counts and names, open for reading.
#[derive(Debug)]
pub struct DataSet {
    /// What was read.
    pub format: Format,
    /// Raw counts, cells × genes.
    pub counts: Box<dyn CountSource>,
    /// Cell names; some may be equal.
    pub cell_names: Vec<String>,
    /// Gene names; some may be equal.
    pub gene_names: Vec<String>,
    /// What is known of the cells besides.
    pub obs: Obs,
    /// What is known of the genes besides: columns of `var`.
    pub var: Vec<(String, Column)>,
    /// What the user has to know of how it was read.
    pub notes: Vec<String>,
}

/// Columns of `var` that may hold the genes' symbols, the best first.
const SYMBOLS: [&str; 7] = [
    "feature_name",
    "gene_symbols",
    "gene_symbol",
    "gene_name",
    "gene_names",
    "gene_short_name",
    "symbol",
];

/// Columns of `var` that may hold the genes' ids, the best first.
const IDS: [&str; 6] = [
    "gene_ids",
    "gene_id",
    "ensembl_id",
    "ensembl",
    "feature_id",
    "ensembl_gene_id",
];

impl DataSet {
    /// What the genes are called: their names, and where columns of `var` hold these their symbols and ids. Each list is
    /// of all genes, every name in it once.
    #[must_use]
    pub fn names_of_genes(&self) -> Vec<Vec<String>> {
        let ids = IDS
            .iter()
            .find_map(|wanted| self.var.iter().find(|(name, _)| name == wanted));
        let ids = ids.map(|(_, column)| {
            let texts = column.texts().into_iter().map(Option::unwrap_or_default);
            texts.collect()
        });
        let symbols = self.symbols().map(|(_, symbols)| symbols);
        let mut lists: Vec<Vec<String>> = [Some(self.gene_names.clone()), symbols, ids]
            .into_iter()
            .flatten()
            .collect();
        for names in &mut lists {
            make_unique(names);
        }
        lists
    }

    /// The genes' symbols, where a column of `var` holds them beside the names: the column's name and the texts.
    #[must_use]
    pub fn symbols(&self) -> Option<(&str, Vec<String>)> {
        let column = SYMBOLS
            .iter()
            .find_map(|wanted| self.var.iter().find(|(name, _)| name == wanted))?;
        let texts = column.1.texts().into_iter().map(Option::unwrap_or_default);
        Some((&column.0, texts.collect()))
    }

    /// The genes' symbols where there are any, else their names.
    #[must_use]
    pub fn symbols_or_names(&self) -> Cow<'_, [String]> {
        match self.symbols() {
            Some((_, symbols)) => Cow::Owned(symbols),
            None => Cow::Borrowed(&self.gene_names),
        }
    }
}

/// Columns of `obs`.
#[derive(Debug)]
pub enum Obs {
    /// In an `.h5ad` file, read when they are asked for.
    File(Box<H5ad>),
    /// In memory.
    Memory {
        /// The input, for messages.
        path: PathBuf,
        /// The columns, one entry per cell.
        columns: Vec<(String, Column)>,
    },
}

impl Obs {
    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::File(file) => file.obs_columns(),
            Self::Memory { columns, .. } => columns.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// A column as text, `None` where a value is missing.
    ///
    /// # Errors
    /// [`H5adError::NoColumn`] lists the columns there are.
    pub fn labels(&self, name: &str) -> Result<Vec<Option<String>>, H5adError> {
        match self {
            Self::File(file) => file.obs_labels(name),
            Self::Memory { path, columns } => columns
                .iter()
                .find_map(|(found, column)| (found == name).then(|| column.texts()))
                .ok_or_else(|| H5adError::NoColumn {
                    path: path.clone(),
                    column: name.to_owned(),
                    columns: self.names(),
                }),
        }
    }

    /// Every column that can be written again; those of another encoding are left out.
    pub fn columns(&self) -> Result<Vec<(String, Column)>, H5adError> {
        match self {
            Self::File(file) => file.obs_frame(),
            Self::Memory { columns, .. } => Ok(columns.clone()),
        }
    }
}
