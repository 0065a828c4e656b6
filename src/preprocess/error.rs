//! What can be wrong with a data set's counts.

use super::Failed;
use crate::counts::CountsError;

/// Why raw counts could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// The counts could not be read.
    #[error(transparent)]
    Read(#[from] CountsError),
    /// The matrix has no rows or no columns.
    #[error("the count matrix is empty: {n_cells} cells × {n_genes} genes")]
    Empty {
        /// Rows of the matrix.
        n_cells: usize,
        /// Columns of the matrix.
        n_genes: usize,
    },
    /// Every count is 0.
    #[error("no gene is detected in any cell: all {n_cells} cells × {n_genes} genes are 0")]
    NoCounts {
        /// Rows of the matrix.
        n_cells: usize,
        /// Columns of the matrix.
        n_genes: usize,
    },
    /// Quality control leaves no cell.
    #[error("no cell passes quality control, which leaves out {failed}; relax these limits")]
    NoCellPasses {
        /// Why cells fail.
        failed: Failed,
    },
    /// Quality control leaves no gene.
    #[error(
        "no gene is detected in as many cells as -min_cells {min_cells} asks for; lower -min_cells"
    )]
    NoGenePasses {
        /// The limit.
        min_cells: usize,
    },
    /// Mitochondrial counts are to be limited, but no gene is known to be mitochondrial.
    #[error(
        "no gene is called MT-… (the first is '{first}'), so -max_mt cannot tell mitochondrial counts; leave it out, or \
         give the genes' symbols in var['gene_symbols']"
    )]
    NoMitochondrialGenes {
        /// The first gene's name.
        first: String,
    },
    /// Genes cannot vary over a single cell.
    #[error("only 1 of {n_cells} cells has any counts; at least 2 are needed to compare cells")]
    OneCell {
        /// Rows of the matrix.
        n_cells: usize,
    },
    /// Every gene has the same normalised value in every cell.
    #[error(
        "none of the {n_genes} detected genes varies between the {n_cells} cells with counts, \
         so there is nothing to tell cells apart by"
    )]
    NoVariableGenes {
        /// Cells with at least one detected gene.
        n_cells: usize,
        /// Genes detected in at least one cell.
        n_genes: usize,
    },
    /// The eigenvalue iteration of the principal components did not converge.
    #[error("the principal components of {n_cells} cells × {n_genes} genes could not be computed")]
    Eigen {
        /// Cells prepared.
        n_cells: usize,
        /// Highly variable genes.
        n_genes: usize,
    },
}
