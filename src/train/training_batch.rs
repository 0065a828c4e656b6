//! What the model learns from in one step: all training cells, or a mini-batch of them.

use tch::Tensor;

use crate::{
    kernels::{CountTarget, GraphTarget, LossTerm, OutputLayers},
    model::{
        autoencoder::Autoencoder,
        contrast::{ContrastTarget, contrast_loss},
        graph_conv::GraphOperator,
        graph_loss::graph_loss,
        pass::Pass,
        reconstruction::zinb_loss,
    },
};

/// Cells that are each other's keys, neighbours and targets: n of them.
#[derive(Debug)]
pub struct TrainingBatch<'a> {
    /// Column z-scores of the log-normalised HVGs, n × genes.
    pub x: Tensor,
    /// What the embedding starts from, n × d, where the model adds to something.
    pub base: Option<Tensor>,
    /// Connectivities, n × n.
    pub graph: GraphOperator,
    /// Target of the graph loss, n × n.
    pub target: GraphTarget<'a>,
    /// The cells' batches as [`one_hot`](crate::model::decoder::one_hot) rows, where the decoder is conditioned on them.
    pub batches: Option<Tensor>,
    /// Raw counts and size factors.
    pub counts: CountTarget,
    /// Who is to be near whom, where the training contrasts neighbours.
    pub contrast: Option<ContrastTarget>,
}

/// A forward pass over its cells, with both reconstruction losses.
#[derive(Debug)]
pub struct Reconstruction {
    /// Embedding, n × d.
    pub z: Tensor,
    /// Of the counts.
    pub zinb: LossTerm,
    /// Of the graph.
    pub graph: LossTerm,
    /// The contrast of neighbours, a scalar that libtorch differentiates.
    pub contrast: Option<Tensor>,
}

impl TrainingBatch<'_> {
    /// Encodes all cells, decodes them and compares.
    #[must_use]
    pub fn reconstruct(
        &self,
        model: &Autoencoder,
        pass: &mut Pass,
        layers: OutputLayers,
    ) -> Reconstruction {
        let encoded = model.encode(&self.x, self.base.as_ref(), &self.graph, pass);
        let hidden = model.decoder.hidden(&encoded.z, self.batches.as_ref());
        Reconstruction {
            zinb: zinb_loss(
                &hidden,
                &model.decoder,
                &self.counts,
                layers,
                &mut pass.tape,
            ),
            graph: graph_loss(&encoded.g2, &self.target),
            contrast: self
                .contrast
                .as_ref()
                .map(|target| contrast_loss(&encoded.z, target)),
            z: encoded.z,
        }
    }
}
