//! A trained model as one file: all that is needed to label new cells.
//!
//! A safetensors file. The network's weights have their published names; every other tensor is called `annotate.…`, so that the
//! weights alone are easily taken. Texts are in its metadata: the parameters of the run, and lists of names as JSON. Each
//! module writes and reads one part.
//!
//! | part | tensors |
//! | --- | --- |
//! | `network` | `enc_1.weight`, …, `attn2.gate` |
//! | `genes` | `annotate.genes.*`, `annotate.scaling.*` |
//! | `expression` | `annotate.genes.most_share`, `annotate.clusters.share`, `annotate.deviations.*` |
//! | `views` | `annotate.views.*`, `annotate.batches.*`, `annotate.components.*` |
//! | `novelty` | `annotate.novelty.*` |
//! | `type_classifier` | `annotate.celltypes.*` |
//! | `cells` | `annotate.landmarks.*`, `annotate.reference.*`, `annotate.clusters.*` |

mod cells;
mod contents;
mod error;
mod expression;
mod genes;
mod network;
mod novelty;
mod tensor_file;
mod tensors;
mod trained;
mod type_classifier;
mod views;

pub use self::{
    cells::{LandmarkCells, ReferenceCells},
    contents::{Contents, write_tensors},
    error::ModelFileError,
    expression::{KnownDeviations, KnownExpression, TrendByDepth},
    genes::Genes,
    novelty::{KnownNovelty, N_MEASURES, NoveltyLimits},
    tensor_file::TensorFile,
    tensors::{NamedTensor, TensorData},
    trained::TrainedModel,
    type_classifier::TypeClassifier,
};
