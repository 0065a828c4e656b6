//! The reconstruction loss: the decoder's output layers and the ZINB likelihood of the counts.
//!
//! The output layers are linear, so the gradients by the last hidden layer and by the output layers' weights follow from those
//! by their outputs, which one pass over a block writes in place of the outputs themselves. No
//! n × genes matrix outlives its block.

use tch::Tensor;

use super::{decoder::Decoder, layers::Linear};
use crate::kernels::{self, CountTarget, LossTerm, OutputLayers, Tape};

/// Mean ZINB loss over all n · genes counts, for the last hidden layer of the decoder (n × 256).
///
/// The gradients by the output layers' weights are given to `tape`, those by `hidden` are the surrogate's.
#[must_use]
pub fn zinb_loss(
    hidden: &Tensor,
    decoder: &Decoder,
    target: &CountTarget,
    weights: OutputLayers,
    tape: &mut Tape,
) -> LossTerm {
    let layers = [&decoder.calcu_pi, &decoder.calcu_disp, &decoder.calcu_mean];
    let fixed = hidden.detach().contiguous();
    let genes = target
        .genes()
        .map(|genes| Tensor::from_slice(genes).to_device(hidden.device()));
    let found = tch::no_grad(|| {
        let some = genes
            .as_ref()
            .map(|genes| layers.map(|layer| layer.outputs(genes)));
        let layers = some.as_ref().map_or(layers, <[Linear; 3]>::each_ref);
        let layers = layers.map(Linear::affine);
        kernels::on(hidden.device()).zinb_gradients(&fixed, layers, target, weights)
    });
    for (layer, (by_weight, by_bias)) in layers.iter().zip(found.by_weights.into_iter().flatten()) {
        let mut give = |parameter: &Tensor, gradient: Tensor| match &genes {
            Some(genes) => tape.give_rows(parameter, genes, gradient),
            None => tape.give(parameter, gradient),
        };
        give(&layer.weight, by_weight);
        if let Some(bias) = &layer.bias {
            give(bias, by_bias);
        }
    }
    let value = found.value * target.scale();
    LossTerm::from_gradients(value, &[(hidden, found.by_hidden)])
}
