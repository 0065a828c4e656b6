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

/// A forward pass over its cells, with the losses of the parts that the network has.
#[derive(Debug)]
pub struct Reconstruction {
    /// Embedding, n × d.
    pub z: Tensor,
    /// Of the counts.
    pub zinb: Option<LossTerm>,
    /// Of the graph.
    pub graph: Option<LossTerm>,
    /// The contrast of neighbours, a scalar that libtorch differentiates.
    pub contrast: Option<Tensor>,
}

impl Reconstruction {
    /// The losses of counts and graph.
    #[must_use]
    pub fn values(&self) -> [Option<f64>; 2] {
        [&self.zinb, &self.graph].map(|term| term.as_ref().map(|term| term.value))
    }
}

impl TrainingBatch<'_> {
    /// Encodes all cells and compares what the network learns from: the loss of a part that it does not have is not computed.
    #[must_use]
    pub fn reconstruct(
        &self,
        model: &Autoencoder,
        pass: &mut Pass,
        layers: OutputLayers,
    ) -> Reconstruction {
        let parts = model.parts();
        let encoded = model.encode(&self.x, self.base.as_ref(), &self.graph, pass);
        let (z, tape) = (&encoded.z, &mut pass.tape);
        let zinb = parts.zinb.then(|| {
            let hidden = model.decoder.hidden(z, self.batches.as_ref(), tape);
            zinb_loss(&hidden, &model.decoder, &self.counts, layers, tape)
        });
        let graph = (parts.graph).then(|| graph_loss(&encoded.g2, &self.target));
        let contrast = self.contrast.as_ref();
        Reconstruction {
            zinb,
            graph,
            contrast: contrast.map(|target| contrast_loss(z, target)),
            z: encoded.z,
        }
    }
}
