//! From a cell graph to cell types: fine Leiden clusters, a tree of them, and a cut of the tree where the evidence ends.
//!
//! ```text
//! graph ──► fine Leiden ──► tree: the least distinct ──► cut: every split that ──► borders ──► labels, finer labels,
//!           clusters        pair merged, to one          is left has evidence                  confidence, evidence
//! ```
//!
//! One resolution of Leiden cannot serve a large type and a small one at once (Fortunato & Barthélemy 2007,
//! doi:10.1073/pnas.0605965104). Here every split stands for itself.

mod auc;
mod between;
mod borders;
mod cell_types;
mod connected;
mod count_split;
mod cut;
mod edges;
mod error;
mod fine_clusters;
mod found;
mod leiden;
mod merging;
mod modularity;
mod moving;
mod network;
mod numbering;
mod options;
mod parts;
mod passes;
mod profile;
mod split_evidence;
mod sums;
mod tree;
pub(crate) mod vote;
mod within_batches;

pub use cell_types::{Counted, find_types};
pub use error::ClusterError;
pub use found::Found;
pub(crate) use leiden::leiden_in_place;
pub use leiden::{Partition, leiden};
pub use modularity::modularity;
pub(crate) use numbering::{by_first, by_size};
pub use options::{Cut, Granularity};
pub(crate) use options::{LeidenGraph, Resolution};
pub use split_evidence::{Evidence, GeneOfSplit};
pub use tree::{Node, Tree};
