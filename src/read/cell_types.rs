//! Where true cell types are looked for.

use super::CELLTYPE;

/// The column of true cell types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellTypes {
    /// `obs['celltype']` where there is one (the default).
    Auto,
    /// Nowhere: no ARI, no NMI.
    Unknown,
    /// This `obs` column, which must exist.
    Column(String),
}

impl CellTypes {
    /// The `obs` column that they are in, where they are in any.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Column(column) => column,
            Self::Auto | Self::Unknown => CELLTYPE,
        }
    }
}
