//! Scores of a partition: against known labels (ARI, NMI) and against the embedding (silhouette,
//! Davies–Bouldin).

mod ami;
mod ari;
mod contingency;
mod cosine_silhouette;
mod davies_bouldin;
pub(crate) mod distance;
mod f1;
mod groups;
mod lisi;
mod nmi;
mod scores;
mod silhouette;

pub use ami::adjusted_mutual_info;
pub use ari::adjusted_rand_index;
// Hidden are what only the tests and benchmarks of this crate call.
#[doc(hidden)]
pub use cosine_silhouette::Apartness;
pub(crate) use cosine_silhouette::cosine_silhouette;
pub use davies_bouldin::davies_bouldin;
pub(crate) use f1::{LEAST_CELLS, TypeCounts};
pub use f1::{OneType, TypeF1};
pub(crate) use lisi::Mixing;
pub use lisi::{LISI_NEIGHBORS, median_lisi};
pub use nmi::normalized_mutual_info;
pub(crate) use scores::decimals;
pub use scores::{Scores, Truth};
pub use silhouette::silhouette;
