//! The reconstruction loss: decoder heads and the ZINB likelihood of the counts.
//!
//! The heads are linear, so the gradients by the last hidden layer and by the heads' weights follow from those
//! by the heads' outputs, which one pass over a block writes in place of the outputs themselves. No
//! n × genes matrix outlives its block.

use tch::Tensor;

use super::{decoder::Decoder, layers::Linear};
use crate::kernels::{self, CountTarget, HeadWeights, LossTerm, Tape};

/// Mean ZINB loss over all n · genes counts, for the last hidden layer of the decoder (n × 256).
///
/// The gradients by the heads' weights are given to `tape`, those by `hidden` are the surrogate's.
#[must_use]
pub fn zinb_loss(
    hidden: &Tensor,
    decoder: &Decoder,
    target: &CountTarget,
    weights: HeadWeights,
    tape: &mut Tape,
) -> LossTerm {
    let heads = [&decoder.calcu_pi, &decoder.calcu_disp, &decoder.calcu_mean];
    let fixed = hidden.detach().contiguous();
    let genes = target
        .genes()
        .map(|genes| Tensor::from_slice(genes).to_device(hidden.device()));
    let found = tch::no_grad(|| {
        let some = genes
            .as_ref()
            .map(|genes| heads.map(|head| head.outputs(genes)));
        let heads = some.as_ref().map_or(heads, <[Linear; 3]>::each_ref);
        let heads = heads.map(Linear::affine);
        kernels::on(hidden.device()).head_gradients(&fixed, heads, target, weights)
    });
    for (head, (by_weight, by_bias)) in heads.iter().zip(found.by_weights.into_iter().flatten()) {
        let mut give = |parameter: &Tensor, gradient: Tensor| match &genes {
            Some(genes) => tape.give_rows(parameter, genes, gradient),
            None => tape.give(parameter, gradient),
        };
        give(&head.weight, by_weight);
        if let Some(bias) = &head.bias {
            give(bias, by_bias);
        }
    }
    let value = found.value * target.scale();
    LossTerm::from_gradients(value, &[(hidden, found.by_hidden)])
}
